"""Metres and sky: relative depth is scaled by the metric branch's, and filled in where the sky is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import NoScaleError

SKY_THRESHOLD = 0.3  # of the sky map, above which depth is filled in
MIN_PIXELS = 10  # of sky, or of the rest; fewer tell nothing
FAR_SHARE = 0.99
FARTHEST_M = 200.0
CANONICAL_FOCAL_PX = 300.0
MOST_VALUES = 1_000_000  # values from which a quantile is taken, evenly spaced


@dataclass(frozen=True, eq=False)
class MetricDepth:
    """Depth in metres [N,H,W], confidence, and the metres of one relative unit."""

    depth: Tensor
    confidence: Tensor
    scale: float


def fill_sky(depth: Tensor, sky: Tensor) -> Tensor:
    """Depth [...,H,W] with the sky as far as the farthest hundredth of everything else."""
    clear = sky < SKY_THRESHOLD
    if int(clear.sum()) <= MIN_PIXELS or int((~clear).sum()) <= MIN_PIXELS:
        return depth
    return torch.where(clear, depth, quantile(depth[clear], FAR_SHARE))


def metres_from_canonical(depth: Tensor, k: Tensor) -> Tensor:
    """Output of the metric model [...,N,H,W] times focal length over 300 px, with K [...,N,3,3]."""
    focal = (k[..., 0, 0] + k[..., 1, 1]) / 2
    return depth * (focal / CANONICAL_FOCAL_PX)[..., None, None]


def align_to_metric(depth: Tensor, confidence: Tensor, metric: Tensor, sky: Tensor) -> MetricDepth:
    """Bring relative depth [N,H,W] to metres by one factor, fitted where the surer half is not sky.

    Raises NoScaleError where (nearly) everything is sky, or nothing is sure.
    """
    clear = sky < SKY_THRESHOLD
    if int(clear.sum()) <= MIN_PIXELS:
        raise NoScaleError("the clip shows nothing but sky: there is no scale to be found")
    sure = confidence >= quantile(confidence[clear], 0.5)
    mask = sure & clear & (metric > 0.01) & (depth > 0.001)
    if not mask.any():
        raise NoScaleError("no pixel has a sure depth by both branches: there is no scale to be found")
    products = (torch.where(mask, depth * other, 0.0).sum(dtype=torch.float64) for other in (metric, depth))
    scale = float(next(products) / next(products).clamp(min=1e-12))
    depth = depth * scale
    far = quantile(depth[clear], FAR_SHARE).clamp(max=FARTHEST_M)
    return MetricDepth(torch.where(clear, depth, far), torch.where(clear, confidence, 1.0), scale)


def quantile(values: Tensor, share: float) -> Tensor:
    """Linear quantile of [n]; of very many every k-th is used, so that the result does not depend on chance."""
    step = -(-len(values) // MOST_VALUES)
    return torch.quantile(values[::step].float(), share)
