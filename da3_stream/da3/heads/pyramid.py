"""What all dense prediction transformers here share (Ranftl et al., "Vision transformers for dense prediction", ICCV
2021): tokens of four layers, brought to four sizes, and fused from coarse to fine.

No frame needs another one here, so tokens are normed and projected as soon as they are tapped, and maps are computed
for one or two frames at a time.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ..backbone.embedding import Grid, uv_embedding
from ..config import HeadConfig

LAST_WIDTH = 32


class ResidualUnit(nn.Module):
    """x + conv(relu(conv(relu(x))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """[n,F,h,w] -> the same shape."""
        return self.conv2(functional.relu_(self.conv1(functional.relu(x)))).add_(x)


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
        y = lateral if coarser is None else self.resConfUnit1(lateral).add_(coarser)
        return self.out_conv(resize(self.resConfUnit2(y), size))


class Scratch(nn.Module):
    """The convolutions of a head under their names in the checkpoints; `branches` are the suffixes of the fusions that
    it has, "" for the main one."""

    def __init__(self, config: HeadConfig, branches: tuple[str, ...] = ("",)) -> None:
        super().__init__()
        width = config.features
        for level, channels in enumerate(config.out_channels, start=1):
            self.add_module(f"layer{level}_rn", nn.Conv2d(channels, width, 3, padding=1, bias=False))
            for branch in branches:
                self.add_module(f"refinenet{level}{branch}", Fusion(width, has_coarser=level < 4))
        self.output_conv1 = nn.Conv2d(width, width // 2, 3, padding=1)
        self.output_conv2 = output_layers(width // 2, config.output_dim)

    def lateral(self, level: int, x: Tensor) -> Tensor:
        """[n,channels,h,w] -> [n,F,h,w]; levels count from 0."""
        return self.get_submodule(f"layer{level + 1}_rn")(x)

    def fuse(self, laterals: list[Tensor], branch: str = "") -> Tensor:
        """Coarse to fine -> [n,F,8gh,8gw]."""
        y = None
        for level in (4, 3, 2, 1):
            here = laterals[level - 1]
            rows, columns = laterals[level - 2].shape[2:] if level > 1 else (2 * here.shape[2], 2 * here.shape[3])
            y = self.get_submodule(f"refinenet{level}{branch}")(y, here, (rows, columns))
        assert y is not None
        return y


class Pyramid(nn.Module):
    """The beginning of a head: `norm` is of its tokens; `has_positions` says whether maps get a sine embedding."""

    def __init__(self, config: HeadConfig, norm: nn.Module, scratch: Scratch, has_positions: bool) -> None:
        super().__init__()
        self.config, self.has_positions = config, has_positions
        channels = config.out_channels
        self.norm = norm
        self.projects = nn.ModuleList(nn.Conv2d(config.dim_in, width, 1) for width in channels)
        self.resize_layers = nn.ModuleList(
            [
                nn.ConvTranspose2d(channels[0], channels[0], 4, stride=4),
                nn.ConvTranspose2d(channels[1], channels[1], 2, stride=2),
                nn.Identity(),
                nn.Conv2d(channels[3], channels[3], 3, stride=2, padding=1),
            ]
        )
        self.scratch = scratch

    def project(self, level: int, tokens: Tensor) -> Tensor:
        """Patch tokens [n,P,dim_in] of one tapped layer -> [n,P,channels of that level]."""
        convolution = self.projects[level]
        assert isinstance(convolution, nn.Conv2d) and convolution.bias is not None
        tokens = self.norm(tokens.to(convolution.weight.dtype))
        return functional.linear(tokens, convolution.weight[:, :, 0, 0], convolution.bias)

    def lateral(self, level: int, projected: Tensor, grid: Grid) -> Tensor:
        """What `project` gave [n,P,channels] -> [n,F,h,w] at the size of the level."""
        tokens = projected.to(self.scratch.output_conv1.weight.dtype)
        x = self.add_positions(tokens.transpose(1, 2).unflatten(2, grid), grid)
        return self.scratch.lateral(level, self.resize_layers[level](x))

    def add_positions(self, x: Tensor, grid: Grid) -> Tensor:
        """x [n,c,h,w] plus the position embedding of its pixels."""
        if not self.has_positions:
            return x
        return x + uv_embedding(x.shape[1], (x.shape[2], x.shape[3]), grid[1] / grid[0], x.device).to(x.dtype)


def output_layers(width: int, channels: int) -> nn.Sequential:
    """The last two convolutions of a map."""
    return nn.Sequential(nn.Conv2d(width, LAST_WIDTH, 3, padding=1), nn.ReLU(), nn.Conv2d(LAST_WIDTH, channels, 1))


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """x [n,c,h,w] at another size, its corners where they were."""
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=True)
