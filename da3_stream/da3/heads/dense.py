"""From tapped tokens to maps: dense prediction transformers (Ranftl et al., "Vision transformers for dense prediction",
ICCV 2021), one for depth and sky, one for depth, confidence and rays.

No frame needs another one here, so tokens are normed and projected as soon as they are tapped, and maps are computed
for one or two frames at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..backbone.blocks import HEAD_EPS
from ..backbone.embedding import PATCH, Grid, uv_embedding
from ..config import HeadConfig

RAY_LEVEL = "3"  # the ray branch has outputs at four levels, of which the finest alone is used
RAY_CHANNELS = 7
LAST_WIDTH = 32


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


class ResidualUnit(nn.Module):
    """x + conv(relu(conv(relu(x))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """[n,F,h,w] -> the same shape."""
        return self.conv2(functional.relu(self.conv1(functional.relu(x)))) + x


class Fusion(nn.Module):
    """A finer map added to what came from the coarser ones, refined and enlarged."""

    def __init__(self, width: int, has_coarser: bool) -> None:
        super().__init__()
        if has_coarser:
            self.resConfUnit1 = ResidualUnit(width)
        self.resConfUnit2 = ResidualUnit(width)
        self.out_conv = nn.Conv2d(width, width, 1)

    def forward(self, coarser: Tensor | None, lateral: Tensor, size: tuple[int, int]) -> Tensor:
        """[n,F,h,w] each -> [n,F,*size]."""
        y = lateral if coarser is None else coarser + self.resConfUnit1(lateral)
        return self.out_conv(_resize(self.resConfUnit2(y), size))


class DenseHead(nn.Module):
    """Both heads: the dual one norms its tokens, adds sine embeddings and has a ray branch; the other has a sky."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        self.dual = config.type == "DualDPT"
        channels = config.out_channels
        self.norm = nn.LayerNorm(config.dim_in, eps=HEAD_EPS) if self.dual else nn.Identity()
        self.projects = nn.ModuleList(nn.Conv2d(config.dim_in, width, 1) for width in channels)
        self.resize_layers = nn.ModuleList(
            [
                nn.ConvTranspose2d(channels[0], channels[0], 4, stride=4),
                nn.ConvTranspose2d(channels[1], channels[1], 2, stride=2),
                nn.Identity(),
                nn.Conv2d(channels[3], channels[3], 3, stride=2, padding=1),
            ]
        )
        self.scratch = _Scratch(config)

    def project(self, level: int, tokens: Tensor) -> Tensor:
        """Patch tokens [n,P,dim_in] of one tapped layer -> [n,P,channels of that level]."""
        convolution = self.projects[level]
        assert isinstance(convolution, nn.Conv2d) and convolution.bias is not None
        tokens = self.norm(tokens.to(convolution.weight.dtype))
        return functional.linear(tokens, convolution.weight[:, :, 0, 0], convolution.bias)

    def forward(self, projected: list[Tensor], grid: Grid, with_rays: bool = False) -> Maps:
        """The four levels [n,P,channels] of `project` -> maps of n frames."""
        laterals = [self._lateral(level, tokens, grid) for level, tokens in enumerate(projected)]
        size = (PATCH * grid[0], PATCH * grid[1])
        fused = self.scratch.fuse(laterals)
        x = self._add_positions(_resize(self.scratch.output_conv1(fused), size), grid)
        logits = self.scratch.output_conv2(x)
        if not self.dual:
            return Maps(logits[:, 0].exp(), sky=functional.relu(self.scratch.sky_output_conv2(x)[:, 0]))
        maps = Maps(logits[:, 0].exp(), logits[:, 1].exp() + 1)
        return self._add_rays(maps, laterals, grid) if with_rays else maps

    def _lateral(self, level: int, tokens: Tensor, grid: Grid) -> Tensor:
        tokens = tokens.to(self.scratch.output_conv1.weight.dtype)
        x = self._add_positions(tokens.transpose(1, 2).unflatten(2, grid), grid)
        return self.scratch.lateral(level, self.resize_layers[level](x))

    def _add_positions(self, x: Tensor, grid: Grid) -> Tensor:
        """x [n,c,h,w] plus the position embedding of its pixels."""
        if not self.dual:
            return x
        return x + uv_embedding(x.shape[1], (x.shape[2], x.shape[3]), grid[1] / grid[0], x.device).to(x.dtype)

    def _add_rays(self, maps: Maps, laterals: list[Tensor], grid: Grid) -> Maps:
        x = self._add_positions(self.scratch.fuse_rays(laterals), grid)
        out = self.scratch.ray_output(x).permute(0, 2, 3, 1)
        return Maps(maps.depth, maps.confidence, None, out[..., :6], out[..., 6].exp() + 1)


class _Scratch(nn.Module):
    """The convolutions of a head under their names in the checkpoints."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        width = config.features
        dual = config.type == "DualDPT"
        for level, channels in enumerate(config.out_channels, start=1):
            self.add_module(f"layer{level}_rn", nn.Conv2d(channels, width, 3, padding=1, bias=False))
            self.add_module(f"refinenet{level}", Fusion(width, has_coarser=level < 4))
            if dual:
                self.add_module(f"refinenet{level}_aux", Fusion(width, has_coarser=level < 4))
        self.output_conv1 = nn.Conv2d(width, width // 2, 3, padding=1)
        self.output_conv2 = _output_layers(width // 2, config.output_dim)
        if dual:
            narrow = [width, width // 2, width, width // 2, width, width // 2]
            steps = [nn.Conv2d(a, b, 3, padding=1) for a, b in zip(narrow[:-1], narrow[1:], strict=True)]
            self.output_conv1_aux = nn.ModuleDict({RAY_LEVEL: nn.Sequential(*steps)})
            self.output_conv2_aux = nn.ModuleDict({RAY_LEVEL: _RayOutput(width // 2)})
        else:
            self.sky_output_conv2 = _output_layers(width // 2, 1)

    def lateral(self, level: int, x: Tensor) -> Tensor:
        """[n,channels,h,w] -> [n,F,h,w]; levels count from 0."""
        return self.get_submodule(f"layer{level + 1}_rn")(x)

    def fuse(self, laterals: list[Tensor], suffix: str = "") -> Tensor:
        """Coarse to fine -> [n,F,8gh,8gw]."""
        y = None
        for level in (4, 3, 2, 1):
            here = laterals[level - 1]
            rows, columns = laterals[level - 2].shape[2:] if level > 1 else (2 * here.shape[2], 2 * here.shape[3])
            y = self.get_submodule(f"refinenet{level}{suffix}")(y, here, (rows, columns))
        assert y is not None
        return y

    def fuse_rays(self, laterals: list[Tensor]) -> Tensor:
        """The ray branch's own fusion and convolutions -> [n,F/2,8gh,8gw]."""
        return self.output_conv1_aux[RAY_LEVEL](self.fuse(laterals, "_aux"))

    def ray_output(self, x: Tensor) -> Tensor:
        """[n,F/2,h,w] -> [n,7,h,w]."""
        return self.output_conv2_aux[RAY_LEVEL](x)


def _output_layers(width: int, channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, LAST_WIDTH, 3, padding=1), nn.ReLU(), nn.Conv2d(LAST_WIDTH, channels, 1))


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


def _resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=True)
