"""gsplat's rasteriser on CUDA (Ye et al., "gsplat: an open-source library for Gaussian splatting", 2024)."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

import torch
from torch import Tensor

from ..types import Gaussians
from .footprints import BLUR
from .view import NEAR, Rendering, View


def gsplat_is_there() -> bool:
    """Whether it is installed; it imports without CUDA, and fails when it draws."""
    return importlib.util.find_spec("gsplat") is not None


@torch.no_grad()
def rasterise(gaussians: Gaussians[Any], view: View, background: Tensor, device: torch.device) -> Rendering:
    """As `render` describes it, where gsplat is installed."""
    from gsplat import rasterization

    kept = _those_that_are(gaussians, device)
    drawn, alpha, _ = rasterization(
        means=kept.means,
        quats=kept.rotations,
        scales=kept.scales,
        opacities=kept.opacities.clamp(max=1),
        colors=kept.harmonics.transpose(1, 2),  # [G,K,3]
        viewmats=torch.from_numpy(view.camera_from_world).float().to(device)[None],
        Ks=torch.from_numpy(view.intrinsics).float().to(device)[None],
        width=view.size[0],
        height=view.size[1],
        near_plane=NEAR,
        eps2d=BLUR,
        sh_degree=math.isqrt(kept.harmonics.shape[-1]) - 1,
        packed=False,
        render_mode="RGB+ED",
        backgrounds=background.to(device)[None],  # it adds one for the depth
    )
    return Rendering(*(x.cpu().numpy() for x in (drawn[0, ..., :3], drawn[0, ..., 3], alpha[0, ..., 0])))


def _those_that_are(gaussians: Gaussians[Any], device: torch.device) -> Gaussians[Tensor]:
    """In float32, without those that have a number that is not finite, a negative size, or no direction: one of them
    would spoil whole tiles."""
    fields = {name: torch.as_tensor(x).to(device, torch.float32) for name, x in vars(gaussians).items()}
    finite = torch.stack([x.flatten(1).isfinite().all(dim=1) for x in map(_with_column, fields.values())]).all(dim=0)
    kept = finite & (fields["scales"] >= 0).all(dim=1) & (fields["rotations"].norm(dim=1) > 0)
    return Gaussians(**{name: x[kept] for name, x in fields.items()})


def _with_column(x: Tensor) -> Tensor:
    return x[:, None] if x.ndim == 1 else x
