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

from ...geometry.keypoints import MAX_KEYPOINTS, Keypoints
from ...types import Frame, WindowGeometry
from .cameras import solve_pair_cameras, standing_cameras
from .geometry import window_geometry
from .given_lens import GivenLens
from .mapping.calibration import Calibration
from .mapping.calibration_history import CalibrationHistory
from .mapping.keyframe_cameras import Keyframes
from .mapping.lens_advice import lens_advice
from .mapping.lens_watch import lens_witnesses
from .mapping.standing import standing_advice
from .matching.correspondences import Pair, WindowMatches
from .matching.feature_cache import FeatureCache
from .matching.keyframes import LONGEST, keyframe_rows
from .matching.pairs import KEYFRAME_OFFSETS, OFFSETS, Matches, window_pairs
from .matching.tracks import track_points
from .processes.ordered_lock import Key, OrderedLock
from .processes.process import WorkLostError
from .processes.time_limit import usual_limit_s
from .processes.workers import Workers
from .window import SolvedWindow, WindowSolver

LEARNING_FRAMES = 600  # about the windows after which the lens is held, see `Calibration`

log = logging.getLogger(__name__)

Gray = NDArray[np.uint8]


class SfmPredictor:
    """Windows of frames by global structure from motion and optical flow.

    `known_k` is K [3,3] at `source_size` (width, height) with its first pixel centre at 0.5, or None to estimate one
    focal length for the whole video; with `focal_sigma`, a relative standard deviation, K is a first guess of it.
    `lens` "auto" also estimates the radial term that a calibration left over, "pinhole" trusts the images to have none.
    `keyframes` "auto" maps key frames where these leave no doubt, "all" every frame; from one to the next are
    `keyframe_gap` frames at most, and `keypoints` are looked for in each. A window of which one piece of work takes
    longer than `timeout_s` (None: see `usual_limit_s`) has failed. The flow that gives depth is measured in images that
    are halved `flow_scale` times.
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
        keyframes: str = "auto",
        keyframe_gap: int = LONGEST,
        keypoints: int = MAX_KEYPOINTS,
        timeout_s: float | None = None,
        flow_scale: int = 1,
        focal_sigma: float | None = None,
    ) -> None:
        self.image_side, self._flow_scale = side, flow_scale
        self._keyframes, self._keyframe_gap, self._most_keypoints = keyframes, keyframe_gap, keypoints
        self._given = GivenLens(known_k, source_size, radial=lens == "auto", focal_sigma=focal_sigma)
        self._timeout_s = timeout_s
        self.in_flight = max(2, workers)  # one window maps on one core while others extract keypoints and depth
        self._workers = Workers(workers)
        self._features = FeatureCache(self._workers, self.in_flight + 1, keypoints)
        self._lens_lock = OrderedLock()
        self._history = CalibrationHistory()
        self._restored = False  # and no window has come since
        self._size = (0, 0)

    @property
    def timings(self) -> dict[str, float]:
        """CPU seconds spent so far by each kind of work, over all processes."""
        return dict(self._workers.cpu_seconds)

    @property
    def camera(self) -> dict[str, Any]:
        """What is known of the lens at the input's resolution, ready for JSON."""
        return {} if self._size == (0, 0) else self._given.summary(self._calibration(), self._size)

    @property
    def learns(self) -> bool:
        """Whether windows still calibrate the lens; not once it is held."""
        return not (self._history.latest or self._given.calibration(self._given.size)).is_frozen

    def prepare(self, frames: Sequence[Frame]) -> None:
        """Announce a window that is about to be predicted: windows calibrate the lens in the order of announcements."""
        self._begin_window(frames)

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Poses and depth of the frames, up to one similarity; see `Status` for how far to trust them."""
        self._begin_window(frames)
        in_order = partial(self._solve_in_order, _span(frames))
        try:
            return self._failing_softly(frames, partial(self._solve_window, features=self._features, solve=in_order))
        finally:
            self._lens_lock.release(_span(frames))

    def predict_keyframes(self, frames: Sequence[Frame]) -> WindowGeometry:
        """The same for frames out of several windows.

        It has the lens as it was known before its last frame, and does not calibrate it.
        """
        self._begin(frames)
        features = FeatureCache(self._workers, 1, self._most_keypoints)  # it pushes no window's frames out of the other
        known = partial(self._solve_with_known_lens, frames[-1].index)
        return self._failing_softly(frames, partial(self._solve_window, features=features, solve=known))

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        """The same for two neighbourhoods that may show one place.

        It has the lens as it was known before its last frame, and does not calibrate it.
        """
        frames = [*first, *second]
        self._begin(frames)
        return self._failing_softly(frames, partial(self._solve_pair, split_row=len(first)))

    def _failing_softly(
        self, frames: Sequence[Frame], solve: Callable[[Sequence[Frame]], WindowGeometry]
    ) -> WindowGeometry:
        """The geometry that `solve` gives the frames; FAILED where a piece of its work is lost or takes too long."""
        self._workers.raise_time_limit(self._timeout_s or usual_limit_s(len(frames), self._size))
        try:
            return solve(frames)
        except WorkLostError as error:
            log.warning("frames %d to %d have no geometry: %s", *_span(frames), error)
            return WindowGeometry.failed(frames, str(error))

    def _solve_window(
        self, frames: Sequence[Frame], features: FeatureCache, solve: Callable[[WindowSolver], SolvedWindow]
    ) -> WindowGeometry:
        grays = _grays(frames)
        tracked = self._workers.submit(track_points, grays, [frame.mask for frame in frames]).result()
        rows = np.arange(len(frames))
        if self._keyframes == "auto":
            rows = keyframe_rows(tracked, self._size[0], self._gap(frames))
        match = partial(self._match_keyframes, frames, grays, features)
        solver = WindowSolver(self._workers, self._size, match, Keyframes(rows, tracked))
        solved = solve(solver)
        solution = solved.solution
        geometry = window_geometry(frames, grays, solution, solution.cameras.breaks, self._workers, self._flow_scale)
        geometry = self._with_lens_watched(geometry, solved)
        advice = (*geometry.advice, *standing_advice(frames, solved.stands))
        return replace(geometry, advice=advice, keyframes=np.isin(np.arange(len(frames)), solved.rows))

    def _gap(self, frames: Sequence[Frame]) -> int:
        """Frames from one key frame to the next: less by one in the windows that the focal length is learnt from, which
        more views tell better, unless they are few on purpose. (Which windows these are must not depend on how far the
        ones before have come.)"""
        if self._keyframe_gap > LONGEST:
            return self._keyframe_gap
        learns = not self._given.is_held and frames[0].ordinal < LEARNING_FRAMES
        return max(self._keyframe_gap - learns, 1)

    def _solve_pair(self, frames: Sequence[Frame], split_row: int) -> WindowGeometry:
        """Two places, of which the second begins at `split_row`. They push no window's frames out of the cache."""
        grays = _grays(frames)
        tracks = self._workers.submit(track_points, grays, [frame.mask for frame in frames])
        pairs = window_pairs(len(frames), split_row)
        keypoints, matches = self._match(frames, grays, pairs, FeatureCache(self._workers, 1, self._most_keypoints))
        found = WindowMatches(keypoints, matches, tracks.result())
        known = self._history.before(frames[-1].index).freeze()
        if found.moves:
            solution = solve_pair_cameras(self._workers, found.combine(), self._size, known, split_row)
        else:
            solution = standing_cameras(len(frames), known)
        place_starts = sorted({*solution.cameras.breaks, split_row})
        return window_geometry(frames, grays, solution, place_starts, self._workers, self._flow_scale)

    def _with_lens_watched(self, geometry: WindowGeometry, solved: SolvedWindow) -> WindowGeometry:
        """The geometry with what its images and its K say of the lens."""
        solution, indices = solved.solution, geometry.frame_indices[solved.rows].tolist()
        advice = self._given.size_advice((indices[0], indices[-1]))
        if solution.reading is None:
            return replace(geometry, advice=(*geometry.advice, *advice))
        reading = solution.reading.result()
        # with the K of another size all else that could be said follows from that
        advice = advice or lens_advice(
            reading, solution.switches, solved.calibration, solution.lens, indices, self._size
        )
        of_lens = lens_witnesses(reading, solution.switches, len(indices))
        witnesses = {**geometry.witnesses, **{name: solved.spread(values) for name, values in of_lens.items()}}
        return replace(geometry, advice=(*geometry.advice, *advice), witnesses=witnesses)

    def _match_keyframes(
        self, frames: Sequence[Frame], grays: Sequence[Gray], features: FeatureCache, keyframes: Keyframes
    ) -> WindowMatches:
        """Matched keypoints of the key frames of a window, beside what is tracked there."""
        rows = keyframes.rows.tolist()
        chosen, images = [frames[row] for row in rows], [grays[row] for row in rows]
        keypoints, matches = self._match(
            chosen,
            images,
            window_pairs(len(rows), offsets=KEYFRAME_OFFSETS if keyframes.are_few else OFFSETS),
            features,
        )
        of_rows = keyframes.rows if keyframes.are_fewer else None
        return WindowMatches(keypoints, matches, [keyframes.tracked[row] for row in rows], of_rows)

    def _match(
        self, frames: Sequence[Frame], grays: Sequence[Gray], pairs: Sequence[Pair], features: FeatureCache
    ) -> tuple[list[Keypoints], dict[Pair, Matches]]:
        """Keypoints of frames, and the matches of pairs of rows."""
        images = list(zip(grays, (frame.mask for frame in frames), strict=True))
        return features.get([frame.ordinal for frame in frames], images, pairs)

    def state(self) -> list[dict[str, Any]]:
        """What must survive a kill: the calibrations after the windows, by their last frames.

        Windows in flight after the one that a run goes on from may have added theirs already: `_begin_window` drops
        those.
        """
        return self._history.state()

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Go on from a state, with the first window that is prepared next."""
        self._history.restore(state)
        self._restored, self._size = True, (0, 0)

    def close(self) -> None:
        """End the worker processes, for good."""
        self._workers.close()

    def _begin_window(self, frames: Sequence[Frame]) -> None:
        """Announce a window. The first one after a restore is the one that the run goes on with."""
        if self._restored:
            self._history.forget_from(frames[-1].index)
            self._restored = False
        self._begin(frames)
        self._lens_lock.announce(_span(frames))

    def _begin(self, frames: Sequence[Frame]) -> None:
        """Fix the working size and the initial calibration, with the first frames after the start or a restore."""
        if self._size != (0, 0):
            return
        self._size = (frames[0].image.shape[1], frames[0].image.shape[0])
        if self._history.latest is None:
            self._history.add(-1, self._given.calibration(self._size))

    def _calibration(self) -> Calibration:
        latest = self._history.latest
        assert latest is not None
        return latest

    def _is_lens_frozen(self) -> bool:
        return self._calibration().is_frozen

    def _solve_in_order(self, key: Key, solver: WindowSolver) -> SolvedWindow:
        """Solve a window when those before it are solved, and keep the calibration after it."""
        with self._lens_lock.hold(key, needless=self._is_lens_frozen):
            solved = solver.solve(self._calibration())
            if not self._is_lens_frozen():
                self._history.add(key[1], solved.calibration)
        return solved

    def _solve_with_known_lens(self, last: int, solver: WindowSolver) -> SolvedWindow:
        """Solve with what was known of the lens before a frame."""
        return solver.solve(self._history.before(last).freeze())


def _grays(frames: Sequence[Frame]) -> list[Gray]:
    return [cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY) for frame in frames]


def _span(frames: Sequence[Frame]) -> Key:
    return frames[0].index, frames[-1].index
