"""Frames -> WindowGeometry by classical structure from motion on the CPU: no weights, no download."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...geometry import intrinsics_from_hfov, resize_intrinsics
from ...types import Frame, Status, WindowGeometry
from .assemble import Cameras, assemble, held
from .calibration import Calibration
from .correspondences import Correspondences, combine, motion_px
from .depth import dense_chunks, dense_depth
from .features import track_points
from .lens import Lens, Straightener
from .pairs import loop_border
from .solve import Solver
from .turns import Turns
from .workers import Findings, Workers

log = logging.getLogger(__name__)

GUESS_HFOV_DEG = 60.0
STANDING_PX = 0.3  # a camera whose picture moves less than this stands
Gray = NDArray[np.uint8]


class SfmPredictor:
    """Windows of frames by global structure from motion and optical flow.

    `known_k` is K [3,3] at `source_size` (width, height) with its first pixel centre at 0.5, or None to learn one focal
    length for the whole video. `lens` "auto" also learns the radial term that a calibration left over, "pinhole"
    trusts the pictures to have none.
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
    ) -> None:
        self.image_side = side
        self._known_k, self._source_size, self._lens_mode = known_k, source_size, lens
        self.in_flight = max(2, workers)  # one window maps on one core while others look for key points and depth
        self._workers = Workers(workers)
        self._findings = Findings(self._workers, self.in_flight + 1)
        self._turns = Turns()
        self._calibration: Calibration | None = None
        self._size = (0, 0)

    @property
    def timings(self) -> dict[str, float]:
        """CPU seconds spent so far by each kind of work, over all processes."""
        return dict(self._workers.cpu_seconds)

    @property
    def camera(self) -> dict[str, Any]:
        """What is known of the lens at the input's resolution, ready for JSON."""
        if self._calibration is None:
            return {}
        summary, factor = self._calibration.summary(), self._source_size[0] / self._size[0]
        k = resize_intrinsics(self._lens().matrix(), self._size, self._source_size)
        summary["focal_px"] = [float(k[0, 0]), float(k[1, 1])]
        if summary["focal_sigma_px"] is not None:
            summary["focal_sigma_px"] *= factor
        return {"given": self._known_k is not None, "corner_shift_px": self._corner_shift() * factor, **summary}

    def prepare(self, frames: Sequence[Frame]) -> None:
        """Announce a window that is about to be predicted: the lens is learnt in the order of announcements."""
        self._begin(frames[0])
        self._turns.announce(_key(frames))

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Poses and depth of the frames, up to one similarity; see `Status` for how far to trust them."""
        self.prepare(frames)
        try:
            return self._predict(frames)
        finally:
            self._turns.leave(_key(frames))

    def _predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        grays = [cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY) for frame in frames]
        tracks = self._workers.submit(track_points, grays)
        ordinals = [frame.ordinal for frame in frames]
        learns = (
            loop_border(ordinals) is None
        )  # two places seen together teach nothing, and push out no window's findings
        findings = self._findings if learns else Findings(self._workers, 1)
        keypoints, matches = findings.of(ordinals, grays)
        tracked = tracks.result()
        if len(frames) == 1 or motion_px(tracked) < STANDING_PX:
            return self._geometry(frames, grays, held(len(frames), Status.HELD, "the camera stands"), self._lens(), ())
        with self._turns.turn(_key(frames), needless=self._settled):
            cameras, lens, offsets = self._cameras(combine(keypoints, matches, tracked), learns)
        return self._geometry(frames, grays, cameras, lens, offsets)

    def state(self) -> Calibration | None:
        """What must survive a kill."""
        return self._calibration

    def restore(self, state: Calibration | None) -> None:
        """Go on from a state."""
        self._calibration = state

    def close(self) -> None:
        """End the worker processes."""
        self._workers.close()

    def _begin(self, frame: Frame) -> None:
        """Fix the working size and the first belief about the lens."""
        if self._calibration is not None and self._size != (0, 0):
            return
        self._size = (frame.image.shape[1], frame.image.shape[0])
        known = self._known_k is not None
        k = resize_intrinsics(self._known_k, self._source_size, self._size) if self._known_k is not None else None
        lens = Lens.from_matrix(intrinsics_from_hfov(GUESS_HFOV_DEG, self._size) if k is None else k)
        if self._calibration is None:
            start = Calibration.given(lens) if known else Calibration.guessed(lens)
            self._calibration = start if self._lens_mode == "auto" else start.pinhole()

    def _lens(self) -> Lens:
        assert self._calibration is not None
        return self._calibration.lens

    def _settled(self) -> bool:
        return self._calibration is not None and self._calibration.settled

    def _corner_shift(self) -> float:
        return self._lens().shift_px(self._size)

    def _cameras(self, correspondences: Correspondences, learns: bool) -> tuple[Cameras, Lens, tuple[int, ...]]:
        """Solve the window and keep what it taught of the lens; a loop check teaches nothing."""
        assert self._calibration is not None
        solver = Solver(self._workers, correspondences, self._size)
        solution = solver.solve(self._calibration if learns else self._calibration.held())
        if learns and not self._settled():
            self._calibration = solution.calibration
        count = len(correspondences.xy)
        cameras = assemble(solution.models, solution.verdict.cuts() if solution.models else (), count)
        cameras = replace(cameras, notes=(*solution.notes, *cameras.notes))
        return cameras, solution.lens, solution.flow_offsets()

    def _geometry(
        self, frames: Sequence[Frame], grays: Sequence[Gray], cameras: Cameras, lens: Lens, offsets: tuple[int, ...]
    ) -> WindowGeometry:
        straighten = Straightener(lens, self._size)
        depth, confidence = self._depth([straighten(gray) for gray in grays], cameras, lens, offsets)
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
        self, grays: Sequence[Gray], cameras: Cameras, lens: Lens, offsets: tuple[int, ...]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Dense depth of all frames with a measured pose, in pieces over the workers."""
        shape = (len(grays), *grays[0].shape)
        depth, confidence = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        if not offsets:
            return depth, confidence
        poses = np.where(cameras.measured[:, None, None], cameras.poses, np.nan)
        tasks = dense_chunks(grays, poses, lens.matrix(), cameras.breaks, offsets)
        pieces = [(rows, self._workers.submit(dense_depth, task)) for rows, task in tasks]
        for rows, piece in pieces:
            depth[rows.start : rows.stop], confidence[rows.start : rows.stop] = piece.result()
        return depth, confidence


def _key(frames: Sequence[Frame]) -> tuple[int, int]:
    return frames[0].index, frames[-1].index
