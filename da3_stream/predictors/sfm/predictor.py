"""Frames -> WindowGeometry by classical structure from motion on the CPU: no weights, no download."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...geometry import intrinsics_from_hfov, resize_intrinsics
from ...geometry.lens import Lens, Straightener
from ...types import Frame, Status, WindowGeometry
from .depth import dense_chunks, dense_depth
from .mapping.assemble import Cameras, assemble, held
from .mapping.calibration import Calibration
from .mapping.calibration_history import History
from .mapping.solve import Solver
from .matching.correspondences import Correspondences, combine, motion_px
from .matching.feature_cache import Findings
from .matching.features import track_points
from .matching.pairs import window_pairs
from .processes.ordered_lock import Key, Turns
from .processes.process import WorkLostError
from .processes.workers import Workers

log = logging.getLogger(__name__)

GUESS_HFOV_DEG = 60.0
STANDING_PX = 0.3  # a camera whose picture moves less than this stands
LEAST_LIMIT_S = 600.0
FRAME_LIMIT_S = 5.0  # for each frame; some twenty times what a window's map takes on one free core
USUAL_PIXELS = 640 * 480
Gray = NDArray[np.uint8]
Seen = tuple[Cameras, Lens, tuple[int, ...]]  # cameras, the lens they hold for, neighbours for dense depth


class SfmPredictor:
    """Windows of frames by global structure from motion and optical flow.

    `known_k` is K [3,3] at `source_size` (width, height) with its first pixel centre at 0.5, or None to learn one focal
    length for the whole video. `lens` "auto" also learns the radial term that a calibration left over, "pinhole"
    trusts the pictures to have none. A window of which one piece of work takes longer than `timeout_s` (None: see
    `usual_limit_s`) has failed.
    """

    name = "sfm"
    window_size = 120
    window_overlap = 24

    def __init__(
        self,
        known_k: NDArray[np.float64] | None = None,
        source_size: tuple[int, int] = (640, 480),
        workers: int = 2,
        side: int = 640,
        lens: str = "auto",
        timeout_s: float | None = None,
    ) -> None:
        self.image_side = side
        self._known_k, self._source_size, self._lens_mode, self._timeout_s = known_k, source_size, lens, timeout_s
        self.in_flight = max(2, workers)  # one window maps on one core while others look for key points and depth
        self._workers = Workers(workers)
        self._findings = Findings(self._workers, self.in_flight + 1)
        self._turns = Turns()
        self._history = History()
        self._size = (0, 0)

    @property
    def timings(self) -> dict[str, float]:
        """CPU seconds spent so far by each kind of work, over all processes."""
        return dict(self._workers.cpu_seconds)

    @property
    def camera(self) -> dict[str, Any]:
        """What is known of the lens at the input's resolution, ready for JSON."""
        if self._size == (0, 0):
            return {}
        calibration, factor = self._calibration(), self._source_size[0] / self._size[0]
        summary = calibration.summary()
        k = resize_intrinsics(calibration.lens.matrix(), self._size, self._source_size)
        summary["focal_px"] = [float(k[0, 0]), float(k[1, 1])]
        if summary["focal_sigma_px"] is not None:
            summary["focal_sigma_px"] *= factor
        shift = calibration.lens.shift_px(self._size) * factor
        return {"given": self._known_k is not None, "corner_shift_px": shift, **summary}

    def prepare(self, frames: Sequence[Frame]) -> None:
        """Announce a window that is about to be predicted: the lens is learnt in the order of announcements."""
        self._begin(frames)
        self._turns.announce(_key(frames))

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Poses and depth of the frames, up to one similarity; see `Status` for how far to trust them."""
        self._begin(frames)
        self._turns.announce(_key(frames))
        try:
            return self._failing_softly(frames, self._solve_window)
        finally:
            self._turns.leave(_key(frames))

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        """The same for two neighbourhoods that may show one place.

        It sees what was known of the lens before its last frame, and teaches nothing.
        """
        frames = [*first, *second]
        self._begin(frames)
        return self._failing_softly(frames, partial(self._solve_pair, split_row=len(first)))

    def _failing_softly(
        self, frames: Sequence[Frame], solve: Callable[[Sequence[Frame]], WindowGeometry]
    ) -> WindowGeometry:
        """What `solve` makes of the frames; FAILED where a piece of its work is lost or takes too long."""
        self._workers.allow(self._timeout_s or usual_limit_s(len(frames), self._size))
        try:
            return solve(frames)
        except WorkLostError as error:
            log.warning("frames %d to %d have no geometry: %s", *_key(frames), error)
            return WindowGeometry.failed(frames, str(error))

    def _solve_window(self, frames: Sequence[Frame]) -> WindowGeometry:
        grays = _grays(frames)
        found = self._correspondences(frames, grays, window_pairs(len(frames)), self._findings)
        cameras, lens, offsets = self._in_turn(_key(frames), found, len(frames))
        return self._geometry(frames, grays, cameras, lens, offsets, cameras.breaks)

    def _solve_pair(self, frames: Sequence[Frame], split_row: int) -> WindowGeometry:
        """Two places, of which the second begins at `split_row`. They push nothing of a window out of its cache."""
        grays = _grays(frames)
        pairs = window_pairs(len(frames), split_row)
        found = self._correspondences(frames, grays, pairs, Findings(self._workers, 1))
        known = self._history.before(frames[-1].index).held()
        cameras, lens, offsets, _ = self._solved(known, found, len(frames), split_row)
        place_starts = tuple(sorted({*cameras.breaks, split_row}))
        return self._geometry(frames, grays, cameras, lens, offsets, place_starts)

    def _correspondences(
        self, frames: Sequence[Frame], grays: Sequence[Gray], pairs: Sequence[tuple[int, int]], findings: Findings
    ) -> Correspondences | None:
        """Matched keypoints of the pairs of rows, and tracked points; None where the camera stands."""
        tracks = self._workers.submit(track_points, grays)
        keypoints, matches = findings.of([frame.ordinal for frame in frames], grays, pairs)
        tracked = tracks.result()
        moves = len(frames) > 1 and motion_px(tracked) >= STANDING_PX
        return combine(keypoints, matches, tracked) if moves else None

    def state(self) -> list[dict[str, Any]]:
        """What must survive a kill: what was known of the lens after each window that told, by their last frames.

        Later windows may be ahead of the one that a run goes on from.
        """
        return self._history.tree()

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Go on from a state, with the first window that is prepared next."""
        self._history.restore(state)
        self._size = (0, 0)

    def close(self) -> None:
        """End the worker processes, for good."""
        self._workers.close()

    def _begin(self, frames: Sequence[Frame]) -> None:
        """Fix the working size and the first belief about the lens."""
        if self._size != (0, 0):
            return
        self._history.forget_from(frames[-1].index)
        self._size = (frames[0].image.shape[1], frames[0].image.shape[0])
        if self._history.latest is None:
            self._history.add(-1, self._first_belief())

    def _first_belief(self) -> Calibration:
        known = self._known_k is not None
        k = resize_intrinsics(self._known_k, self._source_size, self._size) if self._known_k is not None else None
        lens = Lens.from_matrix(intrinsics_from_hfov(GUESS_HFOV_DEG, self._size) if k is None else k)
        start = Calibration.given(lens) if known else Calibration.guessed(lens)
        return start if self._lens_mode == "auto" else start.pinhole()

    def _calibration(self) -> Calibration:
        latest = self._history.latest
        assert latest is not None
        return latest

    def _settled(self) -> bool:
        return self._calibration().settled

    def _in_turn(self, key: Key, found: Correspondences | None, count: int) -> Seen:
        """Solve a window after those before it, and keep what it taught of the lens."""
        with self._turns.turn(key, needless=self._settled):
            cameras, lens, offsets, calibration = self._solved(self._calibration(), found, count)
            if not self._settled():
                self._history.add(key[1], calibration)
        return cameras, lens, offsets

    def _solved(
        self, calibration: Calibration, found: Correspondences | None, count: int, split_row: int | None = None
    ) -> tuple[Cameras, Lens, tuple[int, ...], Calibration]:
        """Cameras, the lens they hold for, neighbours for dense depth, and what is known of the lens afterwards.

        Nothing `found` is a camera that stands.
        """
        if found is None:
            return held(count, Status.HELD, "the camera stands"), calibration.lens, (), calibration
        solver = Solver(self._workers, found, self._size)
        solution = solver.solve(calibration) if split_row is None else solver.tie(calibration, split_row)
        cameras = assemble(solution.models, solution.verdict.cuts() if solution.models else (), count)
        cameras = replace(cameras, notes=(*solution.notes, *cameras.notes))
        return cameras, solution.lens, solution.flow_offsets(), solution.calibration

    def _geometry(
        self,
        frames: Sequence[Frame],
        grays: Sequence[Gray],
        cameras: Cameras,
        lens: Lens,
        offsets: tuple[int, ...],
        place_starts: tuple[int, ...],
    ) -> WindowGeometry:
        """The geometry with dense depth, for which no frame is compared with one of another place; each place begins at
        one of the rows `place_starts`."""
        straighten = Straightener(lens, self._size)
        depth, confidence = self._depth([straighten(gray) for gray in grays], cameras, lens, offsets, place_starts)
        return WindowGeometry(
            frame_indices=np.array([frame.index for frame in frames], np.int64),
            images=np.stack([straighten(frame.image) for frame in frames]),
            depth=depth,
            confidence=confidence,
            intrinsics=np.tile(lens.matrix(), (len(frames), 1, 1)),
            window_from_camera=cameras.poses,
            is_metric=False,
            status=cameras.status,
            breaks=cameras.breaks,
            notes=cameras.notes,
        )

    def _depth(
        self,
        grays: Sequence[Gray],
        cameras: Cameras,
        lens: Lens,
        offsets: tuple[int, ...],
        place_starts: tuple[int, ...],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Dense depth of all frames with a measured pose, in pieces over the workers."""
        shape = (len(grays), *grays[0].shape)
        depth, confidence = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        if not offsets:
            return depth, confidence
        poses = np.where(cameras.measured[:, None, None], cameras.poses, np.nan)
        tasks = dense_chunks(grays, poses, lens.matrix(), place_starts, offsets)
        pieces = [(rows, self._workers.submit(dense_depth, task)) for rows, task in tasks]
        for rows, piece in pieces:
            depth[rows.start : rows.stop], confidence[rows.start : rows.stop] = piece.result()
        return depth, confidence


def usual_limit_s(count: int, size: tuple[int, int]) -> float:
    """Seconds after which a piece of work on a window of so many frames of (width, height) is taken to hang."""
    return LEAST_LIMIT_S + FRAME_LIMIT_S * count * max(1.0, size[0] * size[1] / USUAL_PIXELS)


def _grays(frames: Sequence[Frame]) -> list[Gray]:
    return [cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY) for frame in frames]


def _key(frames: Sequence[Frame]) -> Key:
    return frames[0].index, frames[-1].index
