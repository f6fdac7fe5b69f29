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

from ...types import Frame, WindowGeometry
from .cameras import solve_cameras, solve_pair_cameras, standing_cameras
from .geometry import CameraSolution, window_geometry
from .given_lens import GivenLens
from .mapping.calibration import Calibration
from .mapping.calibration_history import CalibrationHistory
from .mapping.lens_advice import lens_advice
from .mapping.lens_watch import lens_witnesses
from .mapping.place_witnesses import with_place_witnesses
from .mapping.standing import WithoutStands, leave_out_stands, standing_advice, with_stands
from .matching.carried import without_carried
from .matching.correspondences import WindowMatches
from .matching.feature_cache import FeatureCache
from .matching.pairs import window_pairs
from .matching.tracks import track_points
from .processes.ordered_lock import Key, OrderedLock
from .processes.process import WorkLostError
from .processes.time_limit import usual_limit_s
from .processes.workers import Workers

log = logging.getLogger(__name__)

Gray = NDArray[np.uint8]


class SfmPredictor:
    """Windows of frames by global structure from motion and optical flow.

    `known_k` is K [3,3] at `source_size` (width, height) with its first pixel centre at 0.5, or None to estimate one
    focal length for the whole video. `lens` "auto" also estimates the radial term that a calibration left over,
    "pinhole" trusts the images to have none. A window of which one piece of work takes longer than `timeout_s` (None:
    see `usual_limit_s`) has failed. The flow that gives depth is measured in images that are halved `flow_scale` times.
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
        flow_scale: int = 1,
    ) -> None:
        self.image_side, self._flow_scale = side, flow_scale
        self._given, self._timeout_s = GivenLens(known_k, source_size, radial=lens == "auto"), timeout_s
        self.in_flight = max(2, workers)  # one window maps on one core while others extract keypoints and depth
        self._workers = Workers(workers)
        self._features = FeatureCache(self._workers, self.in_flight + 1)
        self._lens_lock = OrderedLock()
        self._history = CalibrationHistory()
        self._size = (0, 0)

    @property
    def timings(self) -> dict[str, float]:
        """CPU seconds spent so far by each kind of work, over all processes."""
        return dict(self._workers.cpu_seconds)

    @property
    def camera(self) -> dict[str, Any]:
        """What is known of the lens at the input's resolution, ready for JSON."""
        return {} if self._size == (0, 0) else self._given.summary(self._calibration(), self._size)

    def prepare(self, frames: Sequence[Frame]) -> None:
        """Announce a window that is about to be predicted: windows calibrate the lens in the order of announcements."""
        self._begin(frames)
        self._lens_lock.announce(_span(frames))

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Poses and depth of the frames, up to one similarity; see `Status` for how far to trust them."""
        self._begin(frames)
        self._lens_lock.announce(_span(frames))
        try:
            return self._failing_softly(frames, self._solve_window)
        finally:
            self._lens_lock.release(_span(frames))

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

    def _solve_window(self, frames: Sequence[Frame]) -> WindowGeometry:
        grays = _grays(frames)
        found = self._match(frames, grays, window_pairs(len(frames)), self._features)
        found = without_carried(found, self._size)
        without = leave_out_stands(found, self._workers, self._size) if found.moves else None
        solution, calibration = self._solve_in_order(_span(frames), without, len(frames))
        passed = () if without is None else without.stands
        sure = [stand for stand in passed if stand.sure]
        cameras = with_place_witnesses(solution.cameras, found, solution.lens, self._size, sure)
        solution = replace(solution, cameras=cameras)
        geometry = window_geometry(frames, grays, solution, solution.cameras.breaks, self._workers, self._flow_scale)
        row_of = np.arange(len(frames)) if without is None else without.row_of
        geometry = self._with_lens_watched(geometry, solution, calibration, row_of)
        advice = standing_advice(frames, passed)
        return replace(geometry, advice=(*geometry.advice, *advice))

    def _solve_pair(self, frames: Sequence[Frame], split_row: int) -> WindowGeometry:
        """Two places, of which the second begins at `split_row`. They push no window's frames out of the cache."""
        grays = _grays(frames)
        pairs = window_pairs(len(frames), split_row)
        found = self._match(frames, grays, pairs, FeatureCache(self._workers, 1))
        known = self._history.before(frames[-1].index).freeze()
        if found.moves:
            solution = solve_pair_cameras(self._workers, found.combine(), self._size, known, split_row)
        else:
            solution = standing_cameras(len(frames), known)
        place_starts = sorted({*solution.cameras.breaks, split_row})
        return window_geometry(frames, grays, solution, place_starts, self._workers, self._flow_scale)

    def _with_lens_watched(
        self,
        geometry: WindowGeometry,
        solution: CameraSolution,
        calibration: Calibration,
        row_of: NDArray[np.int64],
    ) -> WindowGeometry:
        """The geometry with what its images and its K say of the lens; `calibration` is that after the window, `row_of`
        [N] which row that was solved each frame is."""
        indices = geometry.frame_indices[np.unique(row_of, return_index=True)[1]].tolist()
        advice = self._given.size_advice((indices[0], indices[-1]))
        if solution.reading is None:
            return replace(geometry, advice=(*geometry.advice, *advice))
        reading = solution.reading.result()
        # with the K of another size all else that could be said follows from that
        advice = advice or lens_advice(reading, solution.switches, calibration, solution.lens, indices, self._size)
        of_lens = lens_witnesses(reading, solution.switches, len(indices))
        witnesses = {**geometry.witnesses, **{name: values[row_of] for name, values in of_lens.items()}}
        return replace(geometry, advice=(*geometry.advice, *advice), witnesses=witnesses)

    def _match(
        self, frames: Sequence[Frame], grays: Sequence[Gray], pairs: Sequence[tuple[int, int]], features: FeatureCache
    ) -> WindowMatches:
        """Matched keypoints of the pairs of rows, and tracked points."""
        masks = [frame.mask for frame in frames]
        tracks = self._workers.submit(track_points, grays, masks)
        images = list(zip(grays, masks, strict=True))
        keypoints, matches = features.get([frame.ordinal for frame in frames], images, pairs)
        return WindowMatches(keypoints, matches, tracks.result())

    def state(self) -> list[dict[str, Any]]:
        """What must survive a kill: the calibrations after the windows, by their last frames.

        Windows in flight after the one that a run goes on from may have added theirs already: `_begin` drops those.
        """
        return self._history.state()

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Go on from a state, with the first window that is prepared next."""
        self._history.restore(state)
        self._size = (0, 0)

    def close(self) -> None:
        """End the worker processes, for good."""
        self._workers.close()

    def _begin(self, frames: Sequence[Frame]) -> None:
        """Fix the working size and the initial calibration, with the first frames after the start or a restore."""
        if self._size != (0, 0):
            return
        self._history.forget_from(frames[-1].index)
        self._size = (frames[0].image.shape[1], frames[0].image.shape[0])
        if self._history.latest is None:
            self._history.add(-1, self._given.calibration(self._size))

    def _calibration(self) -> Calibration:
        latest = self._history.latest
        assert latest is not None
        return latest

    def _is_lens_frozen(self) -> bool:
        return self._calibration().is_frozen

    def _solve_in_order(
        self, key: Key, without: WithoutStands | None, count: int
    ) -> tuple[CameraSolution, Calibration]:
        """Solve a window when those before it are solved, and keep the calibration after it."""
        correspondences = without.correspondences if without is not None and not without.stands_throughout else None
        with self._lens_lock.hold(key, needless=self._is_lens_frozen):
            before = self._calibration()
            if correspondences is None:
                solution, calibration = standing_cameras(count, before), before
            else:
                solution, calibration = solve_cameras(self._workers, correspondences, self._size, before)
            if not self._is_lens_frozen():
                self._history.add(key[1], calibration)
        if correspondences is not None and without is not None and without.stands:
            solution = replace(solution, cameras=with_stands(solution.cameras, without))
        return solution, calibration


def _grays(frames: Sequence[Frame]) -> list[Gray]:
    return [cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY) for frame in frames]


def _span(frames: Sequence[Frame]) -> Key:
    return frames[0].index, frames[-1].index
