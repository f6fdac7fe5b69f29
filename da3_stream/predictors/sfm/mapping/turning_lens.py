"""The runs of a window in which the camera only turns, and the lens that makes them turns where it is not known yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from ..matching.pairs import Matches, TwoView
from .breathing import steadiest_lens, steady
from .calibration import REDO_SHIFT, Calibration, focal_shift
from .rotation_bundle import TurnSolution, solve_turn
from .sparse_model import FreeLens
from .turning import MIN_STEPS, Pair, PairRotation, Run, find_runs, pair_rotations
from .turning_focal import find_focal

STEADYING_ROUNDS, SAME_FOCAL = 3, 0.02
MAX_RESIDUAL_PX = 1.0  # median; above, all rotations together do not explain what single pairs did

Array = NDArray[np.float64]
TwoViews = Mapping[Pair, TwoView]


@dataclass(frozen=True, slots=True)
class TurnScale:
    """How long a turn is in rows: the steps that a run has at least, and the offsets of the pairs by which a focal
    length is looked for, as they turn far enough and still overlap."""

    steps: int
    offsets: tuple[int, ...]


OF_FRAMES = TurnScale(MIN_STEPS, (4, 8, 16))
OF_KEYFRAMES = TurnScale(3, (1, 2, 4))


@dataclass(frozen=True, eq=False)
class Turns:
    """Runs of a window, their orientations, the lens that they hold for, and the calibration after them.

    The lens is that of the calibration, unless the turns contradict a focal length that was given.
    """

    runs: tuple[Run, ...]
    solutions: tuple[TurnSolution, ...]
    lens: Lens
    calibration: Calibration

    @property
    def contradict_given(self) -> bool:
        """Whether only another focal length than the given one makes them turns."""
        return bool(self.runs) and self.lens != self.calibration.lens

    def pairs(self) -> list[tuple[Run, TurnSolution]]:
        """Every run with its solution."""
        return list(zip(self.runs, self.solutions, strict=True))

    def under(self, lens: Lens, xy: Sequence[NDArray[np.float32]], verify: Callable[[Lens], TwoViews]) -> Turns:
        """The same runs under another lens, unless they contradict it."""
        if lens == self.lens or self.contradict_given:
            return self
        views, rotations = _rotations(xy, verify, lens)
        solutions = tuple(solve_turn(xy, views, rotations, run, lens, FreeLens()) for run in self.runs)
        return replace(self, solutions=solutions, lens=lens)


def find_turns(
    xy: Sequence[NDArray[np.float32]],
    verify: Callable[[Lens], TwoViews],
    matches: Mapping[Pair, Matches],
    calibration: Calibration,
    size: tuple[int, int],
    scale: TurnScale = OF_FRAMES,
) -> Turns:
    """The runs in which the camera only turns; none in most windows.

    `xy` are the keypoints [n,2] of the rows, `verify` gives the verified pairs of rows under a lens, `matches` all that
    were matched. A window whose images breathe is one turn throughout or none (see `breathing`). A focal length that is
    free is estimated from the longest run. The given lens is otherwise kept, as centimetres of motion while turning
    would look like distortion; but where there are turns with another focal length only, they are told with that, as
    long as the calibration still listens.
    """
    turns = _find(calibration.lens, xy, verify, calibration, size, scale)
    turns = turns if turns.runs else _find_breathing(xy, matches, calibration, size, scale) or turns
    if turns.runs or not calibration.focal_given or calibration.is_frozen:
        return turns
    guess = find_focal(xy, verify(calibration.lens), calibration.lens, size[0], scale.offsets)
    if guess is None:
        return turns
    free = replace(calibration, free=FreeLens(focal=True), focal_given=False)
    other = _find_with(guess, xy, verify, free, size, scale)
    different = focal_shift(other.lens, calibration.lens) > REDO_SHIFT
    return replace(other, calibration=calibration) if other.runs and different else turns


def _find_breathing(
    xy: Sequence[NDArray[np.float32]],
    matches: Mapping[Pair, Matches],
    calibration: Calibration,
    size: tuple[int, int],
    scale: TurnScale,
) -> Turns | None:
    """A turn that fills the window once small changes of the images' scale and what moves by itself are left out.

    As scales and turns depend on the focal length, both are looked for anew where the turns tell another one. Turns too
    narrow to tell one are looked for with the lens that steadied the images, not with a guess.
    """
    lens = calibration.lens
    lens = steadiest_lens(xy, matches, lens, size) if calibration.free.focal else lens
    for _ in range(STEADYING_ROUNDS):
        still = steady(xy, matches, lens, size)
        if still is None:
            return None
        turns = _find(lens, still.xy, partial(_whatever_lens, still.views), calibration, size, scale)
        if not any(run.fills(len(xy)) for run in turns.runs):
            return None
        if focal_shift(turns.lens, lens) < SAME_FOCAL:
            break
        lens = turns.lens
    return turns


def _whatever_lens(views: TwoViews, lens: Lens) -> TwoViews:
    """Views that no lens had to verify."""
    return views


def _find(
    start: Lens,
    xy: Sequence[NDArray[np.float32]],
    verify: Callable[[Lens], TwoViews],
    calibration: Calibration,
    size: tuple[int, int],
    scale: TurnScale,
) -> Turns:
    """The runs under a lens; where the calibration leaves it free, wide turns tell a better one to start from."""
    if calibration.free.focal:
        guess = find_focal(xy, verify(start), start, size[0], scale.offsets)
        start = start if guess is None else guess
    return _find_with(start, xy, verify, calibration, size, scale)


def _find_with(
    start: Lens,
    xy: Sequence[NDArray[np.float32]],
    verify: Callable[[Lens], TwoViews],
    calibration: Calibration,
    size: tuple[int, int],
    scale: TurnScale,
) -> Turns:
    """The runs that a lens tells; from there the focal length is estimated where the calibration leaves it free."""
    views, rotations = _rotations(xy, verify, start)
    runs = find_runs(rotations, len(xy), scale.steps)
    if runs and calibration.free.focal:
        calibration, moved = _calibrate(
            xy, views, rotations, max(runs, key=lambda run: run.steps), start, calibration, size
        )
        views, rotations = _rotations(xy, verify, calibration.lens) if moved else (views, rotations)
        runs = find_runs(rotations, len(xy), scale.steps) if moved else runs
    solved = [(run, solve_turn(xy, views, rotations, run, calibration.lens, FreeLens())) for run in runs]
    good = [(run, solution) for run, solution in solved if solution.residual_px < MAX_RESIDUAL_PX]
    return Turns(tuple(run for run, _ in good), tuple(turn for _, turn in good), calibration.lens, calibration)


def _rotations(
    xy: Sequence[NDArray[np.float32]], verify: Callable[[Lens], TwoViews], lens: Lens
) -> tuple[TwoViews, dict[Pair, PairRotation]]:
    views = verify(lens)
    return views, pair_rotations(xy, views, lens)


def _calibrate(
    xy: Sequence[NDArray[np.float32]],
    views: TwoViews,
    rotations: Mapping[Pair, PairRotation],
    run: Run,
    start: Lens,
    calibration: Calibration,
    size: tuple[int, int],
) -> tuple[Calibration, bool]:
    """The calibration with the focal length of a run, and whether its lens is far from the one that was started from.

    The window is not counted: the rest of it may tell the lens, too.
    """
    free = FreeLens(focal=True)
    estimate = solve_turn(xy, views, rotations, run, start, free).estimate
    if estimate is None or not calibration.accepts(estimate, free, size):
        return calibration, calibration.lens != start
    after = replace(calibration.update(estimate, free, size), windows=calibration.windows, free=calibration.free)
    return after, focal_shift(after.lens, start) > REDO_SHIFT / 10
