"""What does not move between two frames, told from what does: for a car's own bonnet, and for a camera that stands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .pairs import Matches

STILL_PX = 0.75  # a match that moves less shows what does not move
CLEAR_PX = 2.25  # what moves moves more than this: few matches lie between
DISTINCT = 4.0  # times as many matches that do not move as such between
MIN_STILL = 15  # matches that do not move, at least

Points = NDArray[np.float32]


def moved_px(first: Points, second: Points, matches: Matches) -> NDArray[np.float32]:
    """How far the matches [m] of two frames with points [n,2] move, in pixels."""
    return np.asarray(np.linalg.norm(first[matches[:, 0]] - second[matches[:, 1]], axis=1), np.float32)


def still_and_slow(moved: NDArray[np.float32]) -> tuple[int, int]:
    """How many matches do not move, and how many move a little, of distances [m] in pixels."""
    still = moved < STILL_PX
    return int(still.sum()), int((~still & (moved < CLEAR_PX)).sum())


def is_apart(still: int, slow: int) -> bool:
    """Whether what does not move is a cluster apart from what does."""
    return still >= MIN_STILL and still >= DISTINCT * slow


def cell_numbers(xy: Points, size: tuple[int, int], cells: tuple[int, int]) -> NDArray[np.int64]:
    """Numbers [n] of the cells (columns, rows) of a picture of (width, height) in which points [n,2] lie."""
    column, row = (xy * np.array(cells) / size).astype(np.int64).clip(0, np.array(cells) - 1).T
    return np.asarray(row * cells[0] + column, np.int64)
