"""A window without the rows at which the camera stands: mapped with one camera for each stand, and filled up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ....types import Advice, AdviceCode, Frame, Status
from ..matching.correspondences import Correspondences, Pair, WindowMatches
from ..matching.pairs import Matches, match_chunk
from ..matching.stillness import STILL_PX, moved_px
from ..processes.workers import Workers
from .assemble import WindowCameras
from .movers import Stand, StandFinder


@dataclass(frozen=True, eq=False)
class WithoutStands:
    """Correspondences in which each stand is one row, and which of them [N] each row of the window is.

    The row of a stand holds the points of its first and of its last row, what did not move between them once. Rows
    inside a stand have no points of their own there.
    """

    correspondences: Correspondences
    row_of: NDArray[np.int64]
    stands: tuple[Stand, ...]

    @property
    def stands_throughout(self) -> bool:
        """Whether one stand is the whole window."""
        return len(self.correspondences.xy) == 1


def leave_out_stands(found: WindowMatches, workers: Workers, size: tuple[int, int]) -> WithoutStands:
    """The correspondences of a window of images of (width, height), without the rows at which the camera stands while
    something passes it."""
    keypoints = found.keypoints

    def match(pair: Pair) -> Matches:
        return workers.submit(match_chunk, {row: keypoints[row] for row in pair}, [pair]).result()[pair]

    finder = StandFinder(keypoints, found.matches, size, match)
    stands = finder.find()
    ends = {stand.ends: finder.matches[stand.ends] for stand in stands}
    return without_stands(replace(found, matches={**found.matches, **ends}).combine(), stands)


def without_stands(correspondences: Correspondences, stands: Sequence[Stand]) -> WithoutStands:
    """Merge every stand (ascending); `correspondences` has the matches between its first and its last row."""
    count = len(correspondences.xy)
    owner = np.arange(count)
    for stand in stands:
        owner[stand.first : stand.last + 1] = stand.first
    row_of = np.unique(owner, return_inverse=True)[1].reshape(-1)
    numbers = {row: np.arange(len(xy)) for row, xy in enumerate(correspondences.xy)}
    xy, tracked_from = list(correspondences.xy), list(correspondences.tracked_from)
    for stand in stands:
        merged = _merge(correspondences, stand)
        xy[stand.first], tracked_from[stand.first] = merged.xy, merged.tracked_from
        numbers[stand.first], numbers[stand.last] = merged.number_of_first, merged.number_of_last
    kept = np.unique(owner).tolist()
    outer = {*kept, *(stand.last for stand in stands)}
    matches = _renumbered(correspondences.matches, outer, row_of, numbers)
    frames = None if correspondences.frames is None else correspondences.frames[kept]
    reduced = Correspondences([xy[row] for row in kept], [tracked_from[row] for row in kept], matches, frames)
    return WithoutStands(reduced, row_of, tuple(stands))


def with_stands(cameras: WindowCameras, without: WithoutStands) -> WindowCameras:
    """Cameras of all rows again: those of a stand are at one pose, and only its ends were measured."""
    row_of = without.row_of
    measured = cameras.measured[row_of]
    for stand in without.stands:
        measured[stand.first + 1 : stand.last] = False
    breaks, guessed = (
        [int(np.searchsorted(row_of, row)) for row in of] for of in (cameras.breaks, cameras.guessed_scale)
    )
    of_rows = cameras.frame_status or (cameras.status,) * len(cameras.poses)
    held = {row for stand in without.stands for row in range(stand.first + 1, stand.last)}
    status = tuple(Status.HELD if row in held else of_rows[number] for row, number in enumerate(row_of))
    return WindowCameras(
        poses=cameras.poses[row_of],
        measured=measured,
        breaks=tuple(breaks),
        status=cameras.status,
        notes=cameras.notes,
        witnesses={name: values[row_of] for name, values in cameras.witnesses.items()},
        frame_status=status,
        guessed_scale=tuple(guessed),
    )


def standing_advice(frames: Sequence[Frame], stands: Sequence[Stand]) -> tuple[Advice, ...]:
    """What the user hears of each stand."""
    text = "most of the picture moves by itself while the camera stands: it was not believed, and gives no depth"
    return tuple(
        Advice(AdviceCode.MOVING_OBJECTS, text, frames[stand.first].index, frames[stand.last].index) for stand in stands
    )


@dataclass(frozen=True, eq=False)
class _Merged:
    """The points of both ends of a stand, and the numbers that they have there."""

    xy: NDArray[np.float32]
    tracked_from: int
    number_of_first: NDArray[np.int64]
    number_of_last: NDArray[np.int64]


def _merge(correspondences: Correspondences, stand: Stand) -> _Merged:
    """Keypoints of both ends come first, tracked points after them, as in any row."""
    (a, b), firsts = stand.ends, correspondences.tracked_from
    xy_a, xy_b = correspondences.xy[a], correspondences.xy[b]
    xy = np.concatenate([xy_a[: firsts[a]], xy_b[: firsts[b]], xy_a[firsts[a] :], xy_b[firsts[b] :]])
    tracked_from = firsts[a] + firsts[b]
    of_a, of_b = np.arange(len(xy_a)), np.arange(len(xy_b)) + firsts[a]
    of_a[firsts[a] :] += firsts[b]
    of_b[firsts[b] :] += len(xy_a) - firsts[a]
    matches = correspondences.matches.get(stand.ends, np.zeros((0, 2), np.uint32))
    still = moved_px(xy_a, xy_b, matches) < STILL_PX
    of_b[matches[still, 1]] = of_a[matches[still, 0]]
    return _Merged(xy, tracked_from, of_a, of_b)


def _renumbered(
    matches: Mapping[Pair, Matches],
    outer: set[int],
    row_of: NDArray[np.int64],
    numbers: Mapping[int, NDArray[np.int64]],
) -> dict[Pair, Matches]:
    """The matches between rows that are left, by their numbers there; a point has one match in another row."""
    found: dict[Pair, list[Matches]] = {}
    for (a, b), matched in matches.items():
        pair = int(row_of[a]), int(row_of[b])
        if {a, b} <= outer and pair[0] != pair[1]:
            renumbered = np.stack([numbers[a][matched[:, 0]], numbers[b][matched[:, 1]]], axis=1)
            found.setdefault(pair, []).append(renumbered.astype(np.uint32))
    return {pair: _one_each(np.concatenate(parts)) if len(parts) > 1 else parts[0] for pair, parts in found.items()}


def _one_each(matches: Matches) -> Matches:
    """The first match of every point of either row."""
    for column in (0, 1):
        matches = matches[np.sort(np.unique(matches[:, column], return_index=True)[1])]
    return matches
