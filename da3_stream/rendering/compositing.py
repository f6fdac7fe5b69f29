"""The sums of every pixel, front to back: colour += T alpha colour, T *= 1 - alpha.

In a tile of 8 x 8 pixels ln(alpha) is a quadratic polynomial of the pixel's place, so it is a product of matrices:
coefficients of each Gaussian times monomials of each pixel. Tiles with about as many Gaussians are drawn together.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .footprints import DEPTH, LEAST_ALPHA, LOG_OPACITY, U_DX, V_DX, V_DY
from .pieces import TILE, Grid, Piece, offsets

STEP = 16  # Gaussians of a tile that are drawn together
TILES_AT_ONCE = 512
OPAQUE = 1e-4  # a tile is done when less than that of the background is seen anywhere in it
NOWHERE = -1e4  # ln(alpha) of a Gaussian that fills up a step
PIXELS = TILE * TILE
VALUES = 4  # depth, red, green, blue


@dataclass(frozen=True, eq=False)
class Canvas:
    """What has been drawn, tile by tile; changed in place."""

    grid: Grid
    sums: Tensor  # [tiles,4,64] of depth, red, green, blue
    through: Tensor  # [tiles,64] T, the share of the background that is still seen; 0 beside the picture
    done: Tensor  # [tiles] whether hardly any is

    @staticmethod
    def blank(size: tuple[int, int], device: torch.device) -> Canvas:
        """Nothing drawn yet on a picture of (width, height)."""
        grid = Grid.of(size)
        inside = torch.zeros(grid.rows * TILE, grid.columns * TILE, device=device)
        inside[: size[1], : size[0]] = 1
        through = inside.view(grid.rows, TILE, grid.columns, TILE).transpose(1, 2).reshape(-1, PIXELS)
        sums = torch.zeros(len(through), VALUES, PIXELS, device=device)
        return Canvas(grid, sums, through, torch.zeros(len(through), dtype=torch.bool, device=device))

    def picture(self, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """The sums [4,H,W] and T [H,W]."""
        every = torch.cat([self.sums, self.through[:, None]], dim=1).view(*self.grid, VALUES + 1, TILE, TILE)
        whole = every.permute(2, 0, 3, 1, 4).reshape(VALUES + 1, self.grid.rows * TILE, self.grid.columns * TILE)
        return whole[:VALUES, : size[1], : size[0]], whole[VALUES, : size[1], : size[0]]


def draw(canvas: Canvas, piece: Piece) -> None:
    """Add a piece, which lies behind all that is there."""
    coefficients, values = _filled_up(_coefficients(piece, canvas.grid), NOWHERE), _filled_up(piece.rows[:, DEPTH:], 0)
    tiles, counts = torch.unique_consecutive(piece.tiles, return_counts=True)
    starts = counts.cumsum(0) - counts
    order = counts.argsort(descending=True)
    for few in order.split(TILES_AT_ONCE):
        _draw_tiles(canvas, tiles[few], starts[few], counts[few], coefficients, values)
    canvas.done[tiles] = canvas.through[tiles].amax(dim=1) < OPAQUE


def _filled_up(rows: Tensor, value: float) -> Tensor:
    """With one more row at the end, that draws nothing: its first column is the value, the others are 0."""
    more = torch.zeros_like(rows[:1])
    more[:, 0] = value
    return torch.cat([rows, more])


def _coefficients(piece: Piece, grid: Grid) -> Tensor:
    """Of 1, x, y, x^2, x y, y^2 in ln(alpha), [M,6]; x and y are pixels from the middle of the tile."""
    u, v = offsets(piece, grid)
    rows = piece.rows
    u_dx, v_dx, v_dy = rows[:, U_DX], rows[:, V_DX], rows[:, V_DY]
    constant = rows[:, LOG_OPACITY] - (u * u + v * v) / 2
    columns = [-(u * u_dx + v * v_dx), -v * v_dy, -(u_dx * u_dx + v_dx * v_dx) / 2, -v_dx * v_dy, -v_dy * v_dy / 2]
    return torch.stack([constant, *columns], dim=1)


def _monomials(like: Tensor) -> Tensor:
    """[6,64] of the pixels of a tile, by rows."""
    along = torch.arange(TILE, device=like.device, dtype=like.dtype) + 0.5 - TILE / 2
    y, x = (side.flatten() for side in torch.meshgrid(along, along, indexing="ij"))
    return torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y])


def _draw_tiles(
    canvas: Canvas, tiles: Tensor, starts: Tensor, counts: Tensor, coefficients: Tensor, values: Tensor
) -> None:
    """Some tiles, the fullest first, STEP Gaussians at a time. Those that are full, or have no more, leave."""
    monomials, last = _monomials(coefficients), len(values) - 1
    steps = torch.arange(STEP, device=tiles.device)
    for first in range(0, int(counts[0]), STEP):
        left = (counts > first) & (canvas.through[tiles].amax(dim=1) >= OPAQUE)
        tiles, starts, counts = tiles[left], starts[left], counts[left]
        if not len(tiles):
            return
        places = first + steps
        index = torch.where(places < counts[:, None], starts[:, None] + places, last).flatten()
        alpha = (coefficients.index_select(0, index) @ monomials).exp_()
        weights = torch.threshold_(alpha, LEAST_ALPHA, 0.0).view(-1, STEP, PIXELS)
        canvas.through[tiles] = _weigh(weights, canvas.through[tiles])
        canvas.sums[tiles] += values.index_select(0, index).view(-1, STEP, VALUES).transpose(1, 2) @ weights


def _weigh(alpha: Tensor, through: Tensor) -> Tensor:
    """Make weights T alpha of the alphas [t,STEP,64] of neighbours in depth, in place; what is still seen behind."""
    for k in range(alpha.shape[1]):
        here = alpha[:, k].mul_(through)
        through = through - here
    return through
