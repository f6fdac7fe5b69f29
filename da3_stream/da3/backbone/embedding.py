"""What tokens are made of: normalised pixels, and where they are (learned positions, rotary angles, sine embedding)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

PATCH = 14  # side of a token in pixels
ROTARY_BASE = 100.0
UV_BASE = 100.0
UV_SHARE = 0.1
SIZE_OFFSET = 0.1  # DINOv2 enlarges its table by this many patches more than it needs

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet

Grid = tuple[int, int]  # rows and columns of patches


def normalise_images(images: Tensor) -> Tensor:
    """uint8 [...,H,W,3] -> float32 [...,3,H,W], by ImageNet's mean and deviation."""
    mean, std = (torch.tensor(values, device=images.device) for values in (MEAN, STD))
    return ((images.float() / 255 - mean) / std).movedim(-1, -3)


def position_table(table: Tensor, grid: Grid) -> Tensor:
    """The learned positions [1,1+S*S,C] brought to a grid of patches by bicubic interpolation -> [1+P,C] float32."""
    side = math.isqrt(table.shape[1] - 1)
    first, patches = table[0, :1].float(), table[0, 1:].float()
    if grid != (side, side):
        scale = ((grid[0] + SIZE_OFFSET) / side, (grid[1] + SIZE_OFFSET) / side)
        image = patches.reshape(1, side, side, -1).permute(0, 3, 1, 2)
        image = functional.interpolate(image, scale_factor=scale, mode="bicubic", align_corners=False)
        patches = image[0].flatten(1).T
    return torch.cat([first, patches])


class Rotary:
    """Angles that turn queries and keys by the position of their token: rows in the first half of the channels,
    columns in the second (Su et al., "RoFormer", 2021; in two dimensions Heo et al., ECCV 2024)."""

    def __init__(self, rows: Tensor, columns: Tensor, width: int) -> None:
        """`rows`, `columns` [T] are the tokens' positions, `width` is the number of channels of a head."""
        quarter = width // 4
        speed = ROTARY_BASE ** (-torch.arange(quarter, dtype=torch.float32, device=rows.device) / quarter)
        angle = torch.stack([rows.float()[:, None] * speed, columns.float()[:, None] * speed], dim=1)  # [T,2,width/4]
        self._cos, self._sin = angle.cos(), angle.sin()

    def __call__(self, x: Tensor, frames: int = 1) -> Tensor:
        """Turn x [..., frames*T, width], every frame's tokens alike."""
        a, b = x.unflatten(-1, (2, 2, -1)).unbind(dim=-2)  # [..., frames*T, 2, width/4] each
        cos, sin = (table.to(x.dtype).repeat(frames, 1, 1) for table in (self._cos, self._sin))
        return torch.stack([a * cos - b * sin, b * cos + a * sin], dim=-2).flatten(-3)


def local_rotary(grid: Grid, width: int, device: torch.device) -> Rotary:
    """Angles within a frame: patch (row, column) is at (row + 1, column + 1), the class token at (0, 0)."""
    rows = torch.arange(1, grid[0] + 1, device=device).repeat_interleave(grid[1])
    columns = torch.arange(1, grid[1] + 1, device=device).repeat(grid[0])
    origin = torch.zeros(1, dtype=rows.dtype, device=device)
    return Rotary(torch.cat([origin, rows]), torch.cat([origin, columns]), width)


def global_rotary(grid: Grid, width: int, device: torch.device) -> Rotary:
    """Angles across frames: all patches of all frames at (1, 1), the camera tokens at (0, 0)."""
    place = torch.ones(1 + grid[0] * grid[1], device=device)
    place[0] = 0
    return Rotary(place, place, width)


def uv_embedding(channels: int, size: tuple[int, int], aspect: float, device: torch.device) -> Tensor:
    """The position embedding that the heads add to maps of `size` (rows, columns): [channels, rows, columns] float32.

    `aspect` is the image's width over its height.
    """
    across, down = uv_axes(channels, size, aspect, device)
    return torch.cat([across[:, None, :].expand(-1, size[0], -1), down[:, :, None].expand(-1, -1, size[1])])


def uv_axes(channels: int, size: tuple[int, int], aspect: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """What `uv_embedding` is made of: its first channels [channels/2, columns], which are alike in all rows, and the
    others [channels/2, rows], which are alike in all columns."""
    diagonal = math.hypot(aspect, 1.0)
    across = _sinusoids(channels // 4, _cell_centres(size[1], aspect / diagonal))
    down = _sinusoids(channels // 4, _cell_centres(size[0], 1.0 / diagonal))
    return across.to(device), down.to(device)


def _sinusoids(count: int, positions: Tensor) -> Tensor:
    """Sines and cosines [2*count,n] float32 of positions [n]; on the CPU, since not every device knows float64."""
    speed = UV_BASE ** (-torch.arange(count, dtype=torch.float64) / count)
    angle = speed[:, None] * positions
    return (UV_SHARE * torch.cat([angle.sin(), angle.cos()])).float()


def _cell_centres(count: int, reach: float) -> Tensor:
    """Middles of `count` equal cells from -reach to reach."""
    end = reach * (count - 1) / count
    return torch.linspace(-end, end, count, dtype=torch.float64)
