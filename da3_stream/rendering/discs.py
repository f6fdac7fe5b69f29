"""Coloured points as discs that face the camera; at every pixel the nearest is seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..errors import RenderingError
from .asked import checked_background, checked_device
from .view import NEAR, Rendering, View

AT_ONCE = 1 << 18  # points that are drawn together
PIXELS_AT_ONCE = 1 << 17  # that they may cover
MOST_RADIUS_PX = 16.0
NOTHING = (1 << 63) - 1
LOW_BITS = (1 << 32) - 1


@torch.no_grad()
def render_points(
    points: NDArray[Any],
    colours: NDArray[Any],
    camera_from_world: ArrayLike,
    intrinsics: ArrayLike,
    size: tuple[int, int],
    *,
    diameter_px: float = 2.0,
    spacing: float = 0.0,
    background: Sequence[float] = (0.0, 0.0, 0.0),
    device: str | torch.device | None = None,
) -> Rendering:
    """Draw points [N,3] of colours [N,3], uint8 or from 0 to 1, as a camera sees them; camera as in `render`.

    A disc has `diameter_px` pixels, or that of a ball of the diameter `spacing` (scene's unit) where that is more; 32
    pixels at most. A point covers the pixel that it falls into, and those whose centres its disc covers. Points that
    are not finite or nearer than 0.01 are not drawn. Memory beside the points is about 100 MB. Raises RenderingError.
    """
    view, where, behind = (
        View.of(camera_from_world, intrinsics, size),
        checked_device(device),
        checked_background(background),
    )
    places, shades = np.asarray(points), np.asarray(colours)
    if places.ndim != 2 or places.shape[1] != 3 or shades.shape != places.shape:
        raise RenderingError(f"points and colours must be [N,3] both, not {places.shape} and {shades.shape}")
    if not (diameter_px > 0 and spacing >= 0):
        raise RenderingError(f"diameter_px must be above 0 and spacing not below, not {diameter_px:g} and {spacing:g}")
    nearest = torch.full((view.size[0] * view.size[1],), NOTHING, device=where)
    for start in range(0, len(places), AT_ONCE):
        few = torch.tensor(places[start : start + AT_ONCE], dtype=torch.float64).to(where)
        _draw(nearest, start, few, view, (diameter_px / 2, spacing / 2))
    return _picture(nearest.cpu().numpy().reshape(view.size[::-1]), shades, behind.numpy())


def _draw(nearest: Tensor, first: int, points: Tensor, view: View, radii: tuple[float, float]) -> None:
    """Enter points [n,3], numbered from `first`, where they are nearer than what is there: `nearest` [H*W] holds the
    bits of a depth, which sort as the positive depths do, and the point's number below."""
    seen = (points - points.new_tensor(view.centre)) @ points.new_tensor(view.rotation.T)
    index = torch.nonzero(seen[:, 2] >= NEAR)[:, 0]
    k, (x, y, z) = view.intrinsics, seen[index].T
    column = float(k[0, 0]) * x / z + float(k[0, 1]) * y / z + float(k[0, 2])
    row = float(k[1, 1]) * y / z + float(k[1, 2])
    radius = (float(k[0, 0]) * radii[1] / z).clamp(min=radii[0], max=max(MOST_RADIUS_PX, radii[0]))
    width, height = view.size
    inside = (column > -radius) & (column < width + radius) & (row > -radius) & (row < height + radius)
    kept = torch.nonzero(inside)[:, 0]
    kept = kept[(-radius[kept]).argsort()] if radii[1] else kept  # the largest first
    keys = (z[kept].float().view(torch.int32).long() << 32) | (first + index[kept])
    for pixel, few in _covered(column[kept], row[kept], radius[kept], view.size):
        nearest.scatter_reduce_(0, pixel, keys[few], "amin")


def _covered(column: Tensor, row: Tensor, radius: Tensor, size: tuple[int, int]) -> Iterator[tuple[Tensor, Tensor]]:
    """The pixels that discs cover, and which disc each is of, for discs of about one radius after the other. Radii
    fall."""
    width, height = size
    start = 0
    while start < len(radius):
        largest = float(radius[start])
        offsets = _offsets(largest).to(radius.device)
        alike = _how_many(radius, largest - 1)
        few = slice(start, min(alike, start + max(1, PIXELS_AT_ONCE // len(offsets))))
        x, y, own = column[few, None], row[few, None], (offsets == 0).all(dim=1)
        j, i = x.floor() + offsets[:, 0], y.floor() + offsets[:, 1]
        covers = ((j + 0.5 - x) ** 2 + (i + 0.5 - y) ** 2 <= radius[few, None] ** 2) | own
        covers &= (j >= 0) & (j < width) & (i >= 0) & (i < height)
        yield (i[covers] * width + j[covers]).long(), torch.nonzero(covers)[:, 0] + start
        start = few.stop


def _offsets(radius: float) -> Tensor:
    """From the pixel that a disc's centre falls into to all [K,2] whose centres the disc may cover: x, y."""
    reach = torch.arange(-int(radius + 1), int(radius + 1) + 1, dtype=torch.float64)
    offsets = torch.cartesian_prod(reach, reach)
    return offsets[offsets.norm(dim=1) <= radius + 1]


def _how_many(radius: Tensor, least: float) -> int:
    """Of falling radii those of at least so much."""
    return int(torch.searchsorted(-radius, -least, right=True))


def _picture(nearest: NDArray[np.int64], colours: NDArray[Any], background: NDArray[np.float32]) -> Rendering:
    there = nearest != NOTHING
    shades = colours[nearest[there] & LOW_BITS]
    colour = np.broadcast_to(background, (*there.shape, 3)).copy()
    colour[there] = shades / np.float32(255) if shades.dtype == np.uint8 else shades
    depth = np.zeros(there.shape, np.float32)
    depth[there] = (nearest[there] >> 32).astype(np.int32).view(np.float32)
    return Rendering(colour, depth, there.astype(np.float32))
