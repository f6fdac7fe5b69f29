"""What is asked of a picture of splats, and who draws it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from numpy.typing import ArrayLike

from ..errors import RenderingError
from ..types import Gaussians
from .asked import checked_background, checked_device
from .compositing import Canvas, draw
from .footprints import footprints
from .pieces import pieces
from .view import Rendering, View
from .with_gsplat import gsplat_is_there, rasterise

Rasteriser = Literal["torch", "gsplat"]
LEAST_SEEN = 1e-6  # of alpha: below it there is no depth
BANDS = (1, 4, 9, 16)


def render(
    gaussians: Gaussians[Any],
    camera_from_world: ArrayLike,
    intrinsics: ArrayLike,
    size: tuple[int, int],
    *,
    background: Sequence[float] = (0.0, 0.0, 0.0),
    device: str | torch.device | None = None,
    rasteriser: Rasteriser | None = None,
) -> Rendering:
    """Draw Gaussians [G,...], arrays or tensors, as a camera sees them.

    The pose is camera_from_world [4,4] (OpenCV axes), `intrinsics` K [3,3] in pixels with centres at +0.5, `size`
    (width, height), `background` red, green and blue from 0 to 1. `device` is "cpu" or "cuda"; None: CUDA where it is.
    `rasteriser` says who draws: "torch", this package on any of them, or "gsplat" on CUDA; None: gsplat where it is
    installed and the device is CUDA. gsplat cuts a Gaussian off at an alpha of 1/255, this package at 1/1024, and takes
    0.999 for what is more.

    The order is that of depth at the means, as in the paper. Gaussians nearer than 0.01 are not drawn, nor what is
    none: with a number that is not finite, a negative size, a quaternion of length 0. Memory beside the Gaussians is
    about 100 bytes for each that is seen, 60 a pixel, and a quarter of a gigabyte. Raises RenderingError.
    """
    view, where, behind = (
        View.of(camera_from_world, intrinsics, size),
        checked_device(device),
        checked_background(background),
    )
    _check(gaussians)
    drawer = rasteriser or ("gsplat" if where.type == "cuda" and gsplat_is_there() else "torch")
    if drawer == "gsplat":
        if where.type != "cuda" or not gsplat_is_there():
            raise RenderingError("gsplat draws on CUDA only, where it is installed: pip install 'da3_stream[gpu]'")
        return rasterise(gaussians, view, behind, where)
    if drawer != "torch":
        raise RenderingError(f"there is no rasteriser {drawer!r}; choose torch or gsplat")
    return _splat(gaussians, view, behind, where)


@torch.no_grad()
def _splat(gaussians: Gaussians[Any], view: View, behind: torch.Tensor, device: torch.device) -> Rendering:
    canvas = Canvas.blank(view.size, device)
    for piece in pieces(footprints(gaussians, view, device), canvas.grid, canvas.done):
        draw(canvas, piece)
    sums, through = canvas.picture(view.size)
    alpha = 1 - through
    depth = torch.where(alpha > LEAST_SEEN, sums[0] / alpha.clamp(min=LEAST_SEEN), 0.0)
    colour = sums[1:].movedim(0, -1) + through[..., None] * behind.to(device)
    return Rendering(*(x.contiguous().cpu().numpy() for x in (colour, depth, alpha)))


def _check(gaussians: Gaussians[Any]) -> None:
    """That the fields are of one number of Gaussians, without a batch."""
    count = len(gaussians)
    bands = gaussians.harmonics.shape[-1]
    expected = {
        "means": (count, 3),
        "scales": (count, 3),
        "rotations": (count, 4),
        "harmonics": (count, 3, bands),
        "opacities": (count,),
    }
    wrong = [name for name, shape in expected.items() if tuple(getattr(gaussians, name).shape) != shape]
    if wrong or bands not in BANDS:
        shapes = {name: tuple(getattr(gaussians, name).shape) for name in wrong or ["harmonics"]}
        raise RenderingError(f"these are no {count} Gaussians without a batch: {shapes}")
