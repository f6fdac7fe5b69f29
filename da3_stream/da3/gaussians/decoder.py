"""From what is kept of a clip's features to its Gaussians: frame by frame, and within a frame band by band, so that
nothing grows with the clip but the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...types import Gaussians
from ..backbone.embedding import Grid, normalise_images
from ..config import AdapterConfig
from .adapter import FrameGeometry, adapt
from .gaussians import GaussianOptions
from .head import GaussianHead

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GaussianCameras:
    """Cameras of N frames, and the length of the depth's unit in that of the result."""

    camera_from_world: Float64  # [N,3,4]
    intrinsics: Float64  # [N,3,3] in pixels, first pixel centre at 0.5
    unit: float = 1.0


@dataclass(frozen=True, eq=False)
class GaussianDecoder:
    """The head with the meaning of its channels, for clips with images on a grid of patches."""

    head: GaussianHead
    config: AdapterConfig
    grid: Grid
    options: GaussianOptions

    def decode(
        self, kept: list[Tensor], images: Tensor, depth: Tensor, cameras: GaussianCameras, device: torch.device
    ) -> Gaussians[Tensor]:
        """The Gaussians [G,...] of N frames on a device: from what `GaussianHead.keep` made of the four levels, images
        [N,3,H,W] normalised or uint8 [N,H,W,3], and depth [N,H,W]."""
        result = self._empty(depth, device)
        for i in range(depth.shape[0]):
            geometry = self._geometry(cameras, i, kept[0])
            for rows, channels in self._channels([level[i : i + 1] for level in kept], images[i : i + 1]):
                found = adapt(channels, depth[i, rows].to(channels), rows.start, geometry, self.config)
                for name, values in vars(found).items():
                    getattr(result, name)[i, rows] = values
        return Gaussians(**{name: values.flatten(0, 2) for name, values in vars(result).items()})

    def _channels(self, kept: list[Tensor], image: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Bands of rows with their channels [C,rows,W], of one frame."""
        pixels = normalise_images(image) if image.dtype == torch.uint8 else image
        for rows, band in self.head.channels(kept, pixels, self.grid).placed():
            yield rows, band[0].float()

    def _geometry(self, cameras: GaussianCameras, i: int, like: Tensor) -> FrameGeometry:
        pose, k = cameras.camera_from_world[i], cameras.intrinsics[i]
        exact = self.options.exact_rotations
        return FrameGeometry.of(pose, k, cameras.unit, self.config, exact, like.new_empty(0, dtype=torch.float32))

    def _empty(self, depth: Tensor, device: torch.device) -> Gaussians[Tensor]:
        """Room for all Gaussians, [N,H,W,...]."""
        shapes = {"means": (3,), "scales": (3,), "rotations": (4,), "harmonics": (3, self.config.coefficients)}
        kinds = {"harmonics": self.options.harmonics_dtype}
        return Gaussians(
            **{
                name: torch.empty(*depth.shape, *shapes.get(name, ()), dtype=kinds.get(name), device=device)
                for name in (*shapes, "opacities")
            }
        )
