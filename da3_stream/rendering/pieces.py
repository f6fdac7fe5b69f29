"""Which tiles of a picture the Gaussians meet, nearest first, in pieces that fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .footprints import DEPTH, REACH, U_DX, V_DX, V_DY, Footprints, X, Y

TILE = 8  # pixels along both sides
AT_ONCE = 1 << 17  # Gaussians that are looked at together
MOST_MEETINGS = 1 << 19  # of Gaussians with tiles, in a piece

LOW_BITS = (1 << 32) - 1


class Grid(NamedTuple):
    """The tiles of a picture, row by row."""

    rows: int
    columns: int

    @staticmethod
    def of(size: tuple[int, int]) -> Grid:
        """That covers a picture of (width, height)."""
        width, height = size
        return Grid(-(-height // TILE), -(-width // TILE))


class Piece(NamedTuple):
    """M meetings of Gaussians with tiles, tile by tile and within each by depth."""

    rows: Tensor  # [M,11] of `Footprints.table`
    tiles: Tensor  # [M] the tile's number


def pieces(found: Footprints, grid: Grid, done: Tensor) -> Iterator[Piece]:
    """All meetings by depth: what is of a later piece lies behind what is of an earlier one, in every tile. Tiles that
    are `done` [tiles] meet nothing; who draws the pieces may set more of it on the way."""
    order = _nearest_first(found.table[:, DEPTH])
    for start in range(0, len(order), AT_ONCE):
        index = order[start : start + AT_ONCE]
        boxes = (found.box.index_select(0, index) // TILE).long()
        open_ = torch.nonzero(_any_open(boxes, grid, done))[:, 0]
        index, boxes = index[open_], boxes.index_select(0, open_)
        for few in _few(_areas(boxes)):
            piece = _meetings(found.table, index[few], boxes[few], grid, done)
            if len(piece.tiles):
                yield piece


def _nearest_first(depth: Tensor) -> Tensor:
    """The order [V] by depth; the first of equal ones stays first. Positive floats sort as their bits do."""
    bits = depth.contiguous().view(torch.int32).long()
    return sorted_keys((bits << 32) | torch.arange(len(depth), device=depth.device)) & LOW_BITS


def sorted_keys(keys: Tensor) -> Tensor:
    """Integers [n] in order; numpy's sort of numbers is ten times as fast on a CPU as torch's, which sorts an index."""
    if keys.device.type == "cpu":
        return torch.from_numpy(np.sort(keys.numpy()))
    return keys.sort().values


def _any_open(boxes: Tensor, grid: Grid, done: Tensor) -> Tensor:
    """Which boxes [n,4] of tiles hold one that is not done, from a table of sums over rows and columns."""
    sums = torch.zeros(grid.rows + 1, grid.columns + 1, dtype=torch.int32, device=done.device)
    sums[1:, 1:] = (~done).view(grid).cumsum(0, dtype=torch.int32).cumsum(1, dtype=torch.int32)
    left, right, top, bottom = boxes.T
    below, above = bottom + 1, right + 1
    return sums[below, above] - sums[top, above] - sums[below, left] + sums[top, left] > 0


def _areas(boxes: Tensor) -> Tensor:
    left, right, top, bottom = boxes.T
    return (right - left + 1) * (bottom - top + 1)


def _few(areas: Tensor) -> Iterator[slice]:
    """Neighbours with MOST_MEETINGS together, or one alone that has more."""
    until = areas.cumsum(0)
    start = 0
    while start < len(areas):
        before = int(until[start - 1]) if start else 0
        end = int(torch.searchsorted(until, before + MOST_MEETINGS, right=True))
        yield slice(start, max(end, start + 1))
        start = max(end, start + 1)


def _meetings(table: Tensor, index: Tensor, boxes: Tensor, grid: Grid, done: Tensor) -> Piece:
    """Of neighbours in depth, rows `index` [n] of the table."""
    areas = _areas(boxes)
    rank = torch.arange(len(areas), device=areas.device).repeat_interleave(areas)
    within = torch.arange(len(rank), device=areas.device) - (areas.cumsum(0) - areas)[rank]
    left, right, top, _ = (side[rank] for side in boxes.T)
    down = within // (right - left + 1)
    tile = (top + down) * grid.columns + left + within - down * (right - left + 1)
    kept = ~done[tile]
    tile, rank = tile[kept], rank[kept]
    keys = sorted_keys((tile << 32) | rank)
    piece = Piece(table.index_select(0, index[keys & LOW_BITS]), keys >> 32)
    near = torch.nonzero(_reached(piece, grid))[:, 0]
    return Piece(piece.rows.index_select(0, near), piece.tiles[near])


def _reached(piece: Piece, grid: Grid) -> Tensor:
    """Which tiles the ellipses may reach: a long one that lies aslant misses most tiles of its box."""
    u, v = offsets(piece, grid)
    half, rows = (TILE - 1) / 2, piece.rows
    v_span, u_span = half * (rows[:, V_DX].abs() + rows[:, V_DY].abs()), half * rows[:, U_DX]
    return (v.abs() <= rows[:, REACH] + v_span) & (u.abs() <= rows[:, REACH] + u_span)


def offsets(piece: Piece, grid: Grid) -> tuple[Tensor, Tensor]:
    """u and v [M] at the middle of the tile."""
    column, row = piece.tiles % grid.columns, piece.tiles // grid.columns
    dx = (column + 0.5) * TILE - piece.rows[:, X]
    dy = (row + 0.5) * TILE - piece.rows[:, Y]
    return piece.rows[:, U_DX] * dx, piece.rows[:, V_DX] * dx + piece.rows[:, V_DY] * dy
