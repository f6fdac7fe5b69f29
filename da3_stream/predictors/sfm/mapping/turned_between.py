"""A turn found from key frames alone: orientations of the frames between, from what is tracked through them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ....geometry.lens import Lens
from ..matching.pairs import match_tracks
from ..matching.tracks import TrackedPoints
from .breathing import cell_weights
from .keyframe_cameras import Keyframes
from .rotation_bundle import TurnSolution
from .scaled_rotations import fit_scaled_rotations
from .turned_cameras import SAME_TURN
from .turning import BLURRED_PX, MIN_MATCHES

Array = NDArray[np.float64]


def turn_of_frames(
    solution: TurnSolution, keyframes: Keyframes, lens: Lens, size: tuple[int, int]
) -> TurnSolution | None:
    """The turn of key frames for all frames [N] of a window of images of (width, height).

    A frame between two key frames is turned from both, by a rotation and a scale as focus breathes (see `breathing`);
    what both make of it differs by its error. None where they share too little with one, or contradict each other.
    """
    count = len(keyframes.tracked)
    turned, error_deg = np.empty((count, 3, 3)), np.empty(count)
    turned[keyframes.rows], error_deg[keyframes.rows] = solution.run_from_camera, solution.error_deg
    for row, ends in _between(keyframes.rows):
        both = [_turned(turned[end], keyframes.tracked[end], keyframes.tracked[row], lens, size) for end in ends]
        if both[0] is None or both[1] is None:
            return None
        apart = Rotation.from_matrix(both[0].T @ both[1]).as_rotvec()
        if np.linalg.norm(apart) > SAME_TURN:
            return None
        turned[row] = both[0] @ Rotation.from_rotvec(apart * (row - ends[0]) / (ends[1] - ends[0])).as_matrix()
        error_deg[row] = np.degrees(np.linalg.norm(apart))
    return replace(solution, run_from_camera=turned, error_deg=error_deg)


def _between(rows: NDArray[np.int64]) -> Iterator[tuple[int, tuple[int, int]]]:
    """The rows between key frames, each with the key frame before and after it."""
    for before, after in zip(rows[:-1].tolist(), rows[1:].tolist(), strict=True):
        yield from ((row, (before, after)) for row in range(before + 1, after))


def _turned(
    run_from_end: Array, end: TrackedPoints, row: TrackedPoints, lens: Lens, size: tuple[int, int]
) -> Array | None:
    """The orientation [3,3] of a frame by that of a key frame; None where too little is tracked from one to the
    other."""
    common = match_tracks(row, end)
    xy = row.xy[common[:, 0]]
    weights = cell_weights(xy, size) if len(common) >= MIN_MATCHES else None
    if weights is None:
        return None
    here, there = (lens.rays(points)[None] for points in (xy, end.xy[common[:, 1]]))
    end_from_row, _ = fit_scaled_rotations(here, there, weights, np.array([BLURRED_PX / lens.fx]))
    return run_from_end @ end_from_row[0]
