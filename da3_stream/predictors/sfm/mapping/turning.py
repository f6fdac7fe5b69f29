"""Where a camera only turns: runs of frames whose verified pairs a rotation explains as well as an essential matrix.

The parallax of a pair is what the best rotation leaves, in pixels. Neighbours of a slow drive have none either, so a
pair counts with all pairs in reach: a run that does not fill its window must end where the camera soon moves by more
than it did in the whole run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....geometry import nearest_rotations
from ....geometry.lens import Lens
from ..matching.pairs import TwoView

MIN_MATCHES = 30  # fewer tell no parallax
MATCHES = 200  # of a pair that are looked at
STEPS = 5
QUANTILE = 0.75  # of what a rotation leaves: a quarter of the image may move by itself
PARALLAX_PX = 0.7  # above what keypoints err by
BLURRED_PX = 2.0  # what they may err by in noisy images, where it has no direction
ISOTROPY = 0.5  # smallest to largest spread of what a rotation leaves, 1 for noise; parallax points to its epipole
MIN_STEPS = 8  # of a run that is worth telling
MIN_ANGLE = np.radians(5.0)  # by which a run inside a window turns; a camera that stops for a while is mapped
MISTAKEN = np.radians(5.0)  # by which a pair may contradict the turns between its rows
SOON = 0.5  # of a run's length, within which the camera moves beyond its ends

Array = NDArray[np.float64]
Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class PairRotation:
    """The rotation [3,3] that best explains a pair (b_from_a), and whether it leaves parallax."""

    b_from_a: Array
    parallax: bool


@dataclass(frozen=True)
class Run:
    """Rows from `first` to `last`, both included, at one place."""

    first: int
    last: int

    @property
    def steps(self) -> int:
        """Between its rows."""
        return self.last - self.first

    def holds(self, pair: Pair) -> bool:
        """Whether both rows of a pair are in it."""
        return self.first <= pair[0] and pair[1] <= self.last

    def fills(self, count: int) -> bool:
        """Whether it is all of a window of `count` rows."""
        return self.steps == count - 1


def pair_rotations(
    xy: Sequence[NDArray[np.float32]], views: Mapping[Pair, TwoView], lens: Lens
) -> dict[Pair, PairRotation]:
    """The rotation of every verified pair with enough matches; `xy` are the keypoints [n,2] of the rows.

    Pairs that see another place of the same looks are left out.
    """
    of_row = [lens.rays(points) for points in xy]
    found = {
        (a, b): _pair_rotation(of_row[a][picked[:, 0]], of_row[b][picked[:, 1]], lens.fx)
        for (a, b), view in views.items()
        if len(picked := thinned(view.matches, MATCHES)) >= MIN_MATCHES
    }
    return _without_mistaken(found, len(xy))


def _without_mistaken(rotations: Mapping[Pair, PairRotation], count: int) -> dict[Pair, PairRotation]:
    """Those pairs that do not contradict the turns from frame to frame between their rows, where these are sure."""
    turned, sure = np.tile(np.eye(3), (count, 1, 1)), np.zeros(count, np.int64)
    for row in range(1, count):
        step = rotations.get((row - 1, row))
        turned[row] = turned[row - 1] if step is None else step.b_from_a @ turned[row - 1]
        sure[row] = sure[row - 1] + (step is not None and not step.parallax)
    kept = {}
    for (a, b), rotation in rotations.items():
        difference = rotation.b_from_a @ turned[a] @ turned[b].T
        if sure[b] - sure[a] < b - a or angle_of(difference) < MISTAKEN:
            kept[a, b] = rotation
    return kept


def thinned(matches: NDArray[np.uint32], count: int) -> NDArray[np.uint32]:
    """At most so many of the matches [m,2], evenly."""
    return matches[:: -(-len(matches) // count)] if len(matches) else matches


def _pair_rotation(first: Array, second: Array, focal: float) -> PairRotation:
    """The rotation from unit rays [n,3] to others, by L1 as `rotation_averaging` says, and what it leaves."""
    rotation, left = fit_rotation(first, second)
    quantile = focal * float(np.quantile(left, QUANTILE))
    parallax = quantile > PARALLAX_PX and (
        quantile > BLURRED_PX or _isotropy(first @ rotation.T, second, left) < ISOTROPY
    )
    return PairRotation(rotation, bool(parallax))


def fit_rotation(first: Array, second: Array) -> tuple[Array, Array]:
    """The rotations [...,3,3] that take unit rays [...,n,3] to others with the least sum of distances, and these
    [...,n].

    Iteratively reweighted least squares (Hartley et al., "Rotation averaging", IJCV 2013, section 5.4); each round is
    Wahba's problem.
    """
    weights = np.ones(first.shape[:-1])
    for _ in range(STEPS):
        rotation = nearest_rotations(np.swapaxes(second * weights[..., None], -1, -2) @ first)
        left = np.linalg.norm(second - first @ np.swapaxes(rotation, -1, -2), axis=-1)
        weights = 1 / np.maximum(left, 0.2 * np.median(left, axis=-1, keepdims=True) + 1e-12)
    return rotation, left


def _isotropy(turned: Array, second: Array, left: Array) -> float:
    """Ratio of the smallest to the largest spread of what a rotation leaves, over all directions of a translation.

    A translation t moves every ray within the plane of t and the ray, so the normals of these planes are across t:
    their moments, relative to those of errors without direction, have a small eigenvalue. The largest tenth is left
    out.
    """
    inlier = left <= np.quantile(left, 0.9)
    normals, seen = np.cross(turned, second)[inlier], second[inlier]
    without_direction = inlier.sum() * np.eye(3) - seen.T @ seen
    moments = np.linalg.eigvals(np.linalg.solve(without_direction, normals.T @ normals)).real
    return float(np.sqrt(max(moments.min(), 0.0) / max(moments.max(), 1e-300)))


def find_runs(rotations: Mapping[Pair, PairRotation], count: int, steps: int = MIN_STEPS) -> list[Run]:
    """The runs of at least so many steps of a window of `count` rows in which the camera only turns, in order."""
    moving = _moving_pairs(rotations)
    runs = [run for run in _runs_without(moving, count, steps) if _is_covered(run, rotations, moving)]
    kept = [run for run in runs if run.fills(count) or _is_turn(run, rotations, moving, count)]
    return [run for k, run in enumerate(kept) if not k or run.first >= kept[k - 1].last]


def _moving_pairs(rotations: Mapping[Pair, PairRotation]) -> set[Pair]:
    """Pairs with parallax, but for few among neighbours of the same distance without: these are accidents."""
    moving = set()
    for (a, b), rotation in rotations.items():
        near = [rotations[a + k, b + k].parallax for k in (-2, -1, 1, 2) if (a + k, b + k) in rotations]
        if rotation.parallax and (not near or np.mean(near) >= 0.5):
            moving.add((a, b))
    return moving


def _runs_without(moving: set[Pair], count: int, steps: int) -> list[Run]:
    """The longest runs of at least so many steps that hold no pair with parallax."""
    earliest = np.zeros(count, np.int64)  # first row of the run that ends at a row
    for a, b in moving:
        earliest[b] = max(earliest[b], a + 1)
    earliest = np.maximum.accumulate(earliest)
    ends = [row for row in range(count) if row + 1 == count or earliest[row + 1] > earliest[row]]
    return [Run(int(earliest[row]), row) for row in ends if row - earliest[row] >= steps]


def _is_covered(run: Run, rotations: Mapping[Pair, PairRotation], moving: set[Pair]) -> bool:
    """Whether pairs without parallax link its rows throughout: every step lies in one."""
    covered = np.zeros(run.steps, bool)
    for a, b in rotations:
        if run.holds((a, b)) and (a, b) not in moving:
            covered[a - run.first : b - run.first] = True
    return bool(covered.all())


def _is_turn(run: Run, rotations: Mapping[Pair, PairRotation], moving: set[Pair], count: int) -> bool:
    """Whether a run that does not fill its window turns, and ends where the camera begins to move."""
    if _angle(run, rotations) < MIN_ANGLE:
        return False
    reach = int(SOON * run.steps)
    before, after = Run(run.first - reach, run.first), Run(run.last, run.last + reach)
    begins = run.first == 0 or any(before.holds(pair) for pair in moving)
    return begins and (run.last == count - 1 or any(after.holds(pair) for pair in moving))


def _angle(run: Run, rotations: Mapping[Pair, PairRotation]) -> float:
    """The largest angle (rad) of a pair in the run."""
    return max(angle_of(rotation.b_from_a) for pair, rotation in rotations.items() if run.holds(pair))


def angle_of(rotation: Array) -> float:
    """The angle of a rotation [3,3] in radians, precise for small ones too."""
    return float(angles_of(rotation))


def angles_of(rotations: Array) -> Array:
    """The angles [...] of rotations [...,3,3] in radians, precise for small ones too."""
    off = np.linalg.norm(rotations - np.eye(3), axis=(-2, -1))
    return np.asarray(2 * np.arcsin(np.minimum(off / np.sqrt(8), 1.0)))
