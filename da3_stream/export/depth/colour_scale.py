"""Colours for depth: inverse depth on one scale for a whole run, near surfaces bright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...errors import ExportError
from ...store import RunReader
from ...types import Float32, Float64, UInt8
from ..frame_views import FrameView, depth_views
from ..options import FrameOptions

SAMPLED_FRAMES = 64
SAMPLED_PIXELS = 4096  # of each frame
QUANTILES = (0.02, 0.98)


@dataclass(frozen=True)
class DepthScale:
    """A colour map for inverse depths from `low` to `high`, in 1 / world units; values outside take the end colours."""

    low: float
    high: float
    colours: Literal["turbo", "inferno"]

    def paint(self, depth: Float32) -> UInt8:
        """An RGB image [H,W,3] of depth [H,W]; pixels without depth are black."""
        import cv2

        valid = np.isfinite(depth) & (depth > 0)
        inverse = 1.0 / np.where(valid, depth, 1.0)
        level = np.clip((inverse - self.low) / (self.high - self.low), 0, 1)
        table = {"turbo": cv2.COLORMAP_TURBO, "inferno": cv2.COLORMAP_INFERNO}[self.colours]
        painted = cv2.applyColorMap(np.rint(255 * level).astype(np.uint8), table)[..., ::-1]
        return np.where(valid[..., None], painted, 0).astype(np.uint8)

    def summary(self, units: str) -> str:
        """One line for people."""
        unit = " m" if units == "metres" else ""
        near, far = 1 / self.high, 1 / self.low
        return f"{self.colours}: {near:.3g}{unit} and nearer to {far:.3g}{unit} and farther, by inverse depth"


def depth_scale(reader: RunReader, colours: Literal["turbo", "inferno"]) -> DepthScale:
    """The 2 % and 98 % quantiles of inverse depth over a sample of all frames of the run, the sky left out.

    Of all frames, so that parts of a run that are exported one by one have the same colours. Raises ExportError where
    there is no depth at all.
    """
    views = depth_views(reader, FrameOptions())
    steps = np.unique(np.linspace(0, len(views) - 1, min(SAMPLED_FRAMES, len(views))).round().astype(int)).tolist()
    samples = [_sample(reader, views[k]) for k in steps]
    inverse = np.concatenate([np.zeros(0), *samples])
    if not len(inverse):
        raise ExportError(f"no frame of {reader.path} has depth: nothing to export")
    low, high = np.quantile(inverse, QUANTILES).tolist()
    return DepthScale(low, max(high, low * 1.01), colours)


def _sample(reader: RunReader, view: FrameView) -> Float64:
    """Inverse depths of pixels that are evenly spread over a frame."""
    depth, sky = reader.depth(view.index)[0], reader.sky(view.index)
    valid = np.isfinite(depth) & (depth > 0) & (True if sky is None else ~sky)
    values = depth[valid]
    return 1.0 / values[:: max(1, -(-len(values) // SAMPLED_PIXELS))].astype(np.float64)
