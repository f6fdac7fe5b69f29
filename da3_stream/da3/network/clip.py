"""What goes into a pass of the network, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ...types import Gaussians
from ..backbone.embedding import PATCH, Grid
from ..gaussians import GaussianOptions
from ..heads.rays import RayFit
from .frame_cache import FrameCache, FrameKey


@dataclass(frozen=True, eq=False)
class Clip:
    """Images, and the cameras where they are known: poses [N,3 or 4,4] and K [N,3,3]."""

    images: Tensor  # [N,3,H,W] normalised, or uint8 [N,H,W,3] RGB
    camera_from_world: Tensor | None = None
    intrinsics: Tensor | None = None
    keys: tuple[FrameKey, ...] = ()  # of every frame where they are to be kept in a cache

    def __len__(self) -> int:
        return len(self.images)

    @property
    def count(self) -> int:
        """How many images: as len(), but torch.export may leave it open."""
        return self.images.shape[0]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        height, width = self.images.shape[1:3] if self.images.dtype == torch.uint8 else self.images.shape[2:]
        return height, width

    @property
    def grid(self) -> Grid:
        """Rows and columns of patches."""
        return self.size[0] // PATCH, self.size[1] // PATCH

    def only(self, frames: slice | Sequence[int]) -> Clip:
        """These images, without anything that goes with them."""
        return Clip(self.images[frames if isinstance(frames, slice) else list(frames)])


@dataclass(frozen=True, eq=False)
class Request:
    """Options of one pass, see `Network.forward`; `cache` holds frames of earlier clips."""

    ref_view: str = "saddle_balanced"
    ref_index: int | None = None
    use_ray_pose: bool = False
    ray_fit: RayFit = RayFit()
    export_layers: frozenset[int] = frozenset()
    descriptors: bool = False
    gaussians: GaussianOptions | None = None
    frames_at_once: int = 8
    output_device: torch.device | None = None
    cache: FrameCache | None = None
    keep: bool = True  # whether frames of this clip enter the cache

    @property
    def head_frames_at_once(self) -> int:
        """Fewer: maps are larger than tokens."""
        return max(1, self.frames_at_once // 4)

    def for_single_frames(self) -> Request:
        """The same for a branch that takes frames one by one and gives maps only."""
        return replace(self, use_ray_pose=False, export_layers=frozenset(), descriptors=False, gaussians=None)


@dataclass(frozen=True, eq=False)
class ClipOutput:
    """Predictions for a clip's N frames."""

    depth: Tensor  # [N,H,W]
    confidence: Tensor | None = None  # [N,H,W]
    sky: Tensor | None = None  # [N,H,W]
    camera_from_world: Tensor | None = None  # [N,3,4]
    intrinsics: Tensor | None = None  # [N,3,3]
    scale: Tensor | None = None
    descriptors: Tensor | None = None  # [N,2C]
    exported: dict[int, Tensor] = field(default_factory=dict)  # layer -> [N,gh,gw,C]
    reference: int | Tensor = 0  # the frame whose camera is the origin
    gaussians: Gaussians[Tensor] | None = None  # [N*H*W,...] in the predicted world and unit, never in metres
