"""From the frames of one window to its cameras: by its key frames where these leave no doubt, else by all frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .cameras import solve_cameras, solve_keyframe_cameras, standing_cameras
from .geometry import CameraSolution
from .mapping.calibration import Calibration
from .mapping.keyframe_cameras import Keyframes
from .mapping.movers import Stand
from .mapping.place_witnesses import with_place_witnesses
from .mapping.solve import ThinGaps
from .mapping.standing import WithoutStands, leave_out_stands, with_stands
from .matching.carried import without_carried
from .matching.correspondences import WindowMatches
from .processes.workers import Workers

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SolvedWindow:
    """Cameras of all frames of a window, and what they were found from.

    `rows` are the frames [K] that were solved, `spread` gives what they know [K] to all frames [N]; `stands` are the
    runs of frames in which the camera stands while something passes.
    """

    solution: CameraSolution
    calibration: Calibration
    rows: NDArray[np.int64]
    spread: Callable[[Array], Array]
    stands: tuple[Stand, ...] = ()


class WindowSolver:
    """Solves one window of images of (width, height); `match` gives the keypoints and matches of some of its frames."""

    def __init__(
        self,
        workers: Workers,
        size: tuple[int, int],
        match: Callable[[Keyframes], WindowMatches],
        keyframes: Keyframes,
    ) -> None:
        self._workers, self._size, self._match = workers, size, match
        self._keyframes = keyframes
        self._found = match(keyframes)

    def solve(self, calibration: Calibration) -> SolvedWindow:
        """The cameras, with what the calibration before the window knows of the lens."""
        keyframes = self._keyframes
        if not keyframes.are_fewer:
            return self._solve_frames(calibration)
        solved = self._solve_keyframes(keyframes, self._found, calibration)
        if isinstance(solved, ThinGaps):
            denser = keyframes.with_all_near(solved.frames)
            if len(keyframes.rows) < len(denser.rows) < len(denser.tracked):
                solved = self._solve_keyframes(denser, self._match(denser), calibration)
        return solved if isinstance(solved, SolvedWindow) else self._solve_frames(calibration)

    def _solve_keyframes(
        self, keyframes: Keyframes, found: WindowMatches, calibration: Calibration
    ) -> SolvedWindow | ThinGaps | None:
        """By key frames alone; None where they leave doubts, or where something goes with the camera or passes it while
        it stands."""
        in_frames = found.in_frames(keyframes.tracked)
        if not in_frames.moves:
            return self._standing(in_frames, calibration)
        if without_carried(found, self._size) is not found:
            return None
        without = leave_out_stands(found, self._workers, self._size)
        if without.stands:
            return None
        solved = solve_keyframe_cameras(self._workers, without.correspondences, keyframes, self._size, calibration)
        if not isinstance(solved, tuple):
            return solved
        return self._with_places(SolvedWindow(*solved, keyframes.rows, keyframes.spread), in_frames)

    def _solve_frames(self, calibration: Calibration) -> SolvedWindow:
        """By all frames."""
        every = self._keyframes.of_all_frames()
        found = without_carried(self._match(every) if self._keyframes.are_fewer else self._found, self._size)
        if not found.moves:
            return self._standing(found, calibration)
        without = leave_out_stands(found, self._workers, self._size)
        if without.stands_throughout:
            return self._standing(found, calibration, without.stands)
        solution, after = solve_cameras(self._workers, without.correspondences, self._size, calibration)
        return self._with_places(_with_stands(solution, after, without), found)

    def _standing(self, found: WindowMatches, calibration: Calibration, stands: Sequence[Stand] = ()) -> SolvedWindow:
        """A camera that stands throughout."""
        count = len(found.tracked)
        solution = standing_cameras(count, calibration)
        every = np.arange(count)
        return self._with_places(SolvedWindow(solution, calibration, every, np.asarray, tuple(stands)), found)

    def _with_places(self, solved: SolvedWindow, found: WindowMatches) -> SolvedWindow:
        """The same, with witnesses of what stays in one place."""
        solution, sure = solved.solution, [stand for stand in solved.stands if stand.sure]
        cameras = with_place_witnesses(solution.cameras, found, solution.lens, self._size, sure)
        return replace(solved, solution=replace(solution, cameras=cameras))


def _with_stands(solution: CameraSolution, calibration: Calibration, without: WithoutStands) -> SolvedWindow:
    """Of all frames again, where each stand was one row."""
    row_of = without.row_of
    if without.stands:
        solution = replace(solution, cameras=with_stands(solution.cameras, without))
    rows = np.unique(row_of, return_index=True)[1]
    return SolvedWindow(solution, calibration, rows, lambda values: values[row_of], without.stands)
