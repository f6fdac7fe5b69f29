"""From tapped tokens to maps: one head for depth and sky, one for depth, confidence and rays."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..backbone.blocks import HEAD_EPS
from ..backbone.embedding import PATCH, Grid
from ..config import HeadConfig
from .pyramid import LAST_WIDTH, Pyramid, Scratch, output_layers, resize

RAY_LEVEL = "3"  # the ray branch has outputs at four levels, of which the finest alone is used
RAY_CHANNELS = 7


@dataclass(frozen=True, eq=False)
class Maps:
    """Dense predictions for n frames: depth [n,H,W]; confidence, sky [n,H,W] and rays where the head gives them."""

    depth: Tensor
    confidence: Tensor | None = None
    sky: Tensor | None = None
    rays: Tensor | None = None  # [n,8gh,8gw,6] direction and camera centre
    ray_confidence: Tensor | None = None  # [n,8gh,8gw]

    def to(self, device: torch.device | None) -> Maps:
        """The same on another device; None: where they are."""
        parts = (self.confidence, self.sky, self.rays, self.ray_confidence)
        return Maps(self.depth.to(device), *(x if x is None else x.to(device) for x in parts)) if device else self


class DenseHead(Pyramid):
    """Both heads: the dual one norms its tokens, adds sine embeddings and has a ray branch; the other has a sky."""

    def __init__(self, config: HeadConfig) -> None:
        self.dual = config.type == "DualDPT"
        norm = nn.LayerNorm(config.dim_in, eps=HEAD_EPS) if self.dual else nn.Identity()
        super().__init__(config, norm, _DenseScratch(config), has_positions=self.dual)

    def forward(self, projected: list[Tensor], grid: Grid, with_rays: bool = False) -> Maps:
        """The four levels [n,P,channels] of `project` -> maps of n frames."""
        laterals = [self.lateral(level, tokens, grid) for level, tokens in enumerate(projected)]
        size = (PATCH * grid[0], PATCH * grid[1])
        fused = self.scratch.fuse(laterals)
        x = self.add_positions(resize(self.scratch.output_conv1(fused), size), grid)
        logits = self.scratch.output_conv2(x)
        if not self.dual:
            assert isinstance(self.scratch, _DenseScratch)
            return Maps(logits[:, 0].exp(), sky=functional.relu(self.scratch.sky_output_conv2(x)[:, 0]))
        maps = Maps(logits[:, 0].exp(), logits[:, 1].exp() + 1)
        return self._add_rays(maps, laterals, grid) if with_rays else maps

    def _add_rays(self, maps: Maps, laterals: list[Tensor], grid: Grid) -> Maps:
        assert isinstance(self.scratch, _DenseScratch)
        x = self.add_positions(self.scratch.fuse_rays(laterals), grid)
        out = self.scratch.ray_output(x).permute(0, 2, 3, 1)
        return Maps(maps.depth, maps.confidence, None, out[..., :6], out[..., 6].exp() + 1)


class _DenseScratch(Scratch):
    """With the ray branch or the sky."""

    def __init__(self, config: HeadConfig) -> None:
        width, dual = config.features, config.type == "DualDPT"
        super().__init__(config, ("", "_aux") if dual else ("",))
        if dual:
            narrow = [width, width // 2, width, width // 2, width, width // 2]
            steps = [nn.Conv2d(a, b, 3, padding=1) for a, b in zip(narrow[:-1], narrow[1:], strict=True)]
            self.output_conv1_aux = nn.ModuleDict({RAY_LEVEL: nn.Sequential(*steps)})
            self.output_conv2_aux = nn.ModuleDict({RAY_LEVEL: _RayOutput(width // 2)})
        else:
            self.sky_output_conv2 = output_layers(width // 2, 1)

    def fuse_rays(self, laterals: list[Tensor]) -> Tensor:
        """The ray branch's own fusion and convolutions -> [n,F/2,8gh,8gw]."""
        return self.output_conv1_aux[RAY_LEVEL](self.fuse(laterals, "_aux"))

    def ray_output(self, x: Tensor) -> Tensor:
        """[n,F/2,h,w] -> [n,7,h,w]."""
        return self.output_conv2_aux[RAY_LEVEL](x)


class _ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of [n,c,h,w]."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class _RayOutput(nn.Sequential):
    """The numbers that the checkpoints give to its parts: convolution 0, norm 2, convolution 5."""

    def __init__(self, width: int) -> None:
        first, last = nn.Conv2d(width, LAST_WIDTH, 3, padding=1), nn.Conv2d(LAST_WIDTH, RAY_CHANNELS, 1)
        norm = _ChannelNorm(LAST_WIDTH, eps=HEAD_EPS)
        super().__init__(first, nn.Identity(), norm, nn.Identity(), nn.ReLU(), last)
