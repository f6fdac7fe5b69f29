"""The Gaussian head: a dense prediction transformer that sees the image, too."""

from __future__ import annotations

from functools import cache

from torch import Tensor, nn
from torch.nn import functional

from ..backbone.embedding import Grid, uv_axes
from ..config import HeadConfig
from ..heads.pyramid import Fusion, Pyramid, ResidualUnit, Scratch
from .row_stream import RowStream, convolve

KEPT_AS_LATERALS = (2, 3)  # levels that are smaller once they have the width of the fusion; the others grow by it
ENLARGED = (4, 2)  # times, of the other levels


class GaussianHead(Pyramid):
    """Tokens are not normed; the map gets features of the image, and becomes channels band by band."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__(config, nn.Identity(), Scratch(config), has_positions=True)
        width = config.features
        steps = [(3, width // 8), (width // 8, width // 4), (width // 4, width // 2)]
        layers = [layer for a, b in steps for layer in (nn.Conv2d(a, b, 3, padding=1), nn.GELU())]
        self.images_merger = nn.Sequential(*layers)

    def keep(self, level: int, tokens: Tensor, grid: Grid) -> Tensor:
        """What is kept of the patch tokens [n,P,dim_in] of a tapped layer until `channels`, as little as possible."""
        projected = self.project(level, tokens)
        if level not in KEPT_AS_LATERALS:
            return projected
        axes = uv_axes(projected.shape[2], grid, grid[1] / grid[0], projected.device)
        x = _add_positions(projected.transpose(1, 2).unflatten(2, grid), slice(0, grid[0]), axes)
        resize = self.resize_layers[level]
        return convolve(self._lateral_layer(level), convolve(resize, x) if isinstance(resize, nn.Conv2d) else x)

    def channels(self, kept: list[Tensor], images: Tensor, grid: Grid) -> RowStream:
        """What `keep` made of the four levels, and normalised images [n,3,H,W] -> the channels [n,output_dim,H,W]."""
        size = (images.shape[2], images.shape[3])
        fine = self.fused(kept, grid).resized(size).plus(self.merged(images))
        return self.outputs(_positioned(fine, size))

    def fused(self, kept: list[Tensor], grid: Grid) -> RowStream:
        """[n,F/2,8gh,8gw]. Convolutions of one pixel go before the enlargements: a quarter of the work, and memory."""
        y: RowStream | None = None
        for level, times in ((3, 1), (2, 2), (1, 4), (0, 8)):  # patches: the size that is next
            fusion = self.scratch.get_submodule(f"refinenet{level + 1}")
            assert isinstance(fusion, Fusion)
            y = _refined(fusion, y, self._lateral_rows(level, kept[level], grid)).mapped(fusion.out_conv)
            y = y.resized((times * grid[0], times * grid[1]))
        assert y is not None
        return y.convolved(self.scratch.output_conv1)

    def merged(self, images: Tensor) -> RowStream:
        """The features [n,F/2,H,W] of images."""
        return _in_turn(self.images_merger, RowStream.of(images, growth=self.config.features // 2 // images.shape[1]))

    def outputs(self, x: RowStream) -> RowStream:
        """[n,F/2,H,W] -> [n,output_dim,H,W]."""
        return _in_turn(self.scratch.output_conv2, x)

    def _lateral_rows(self, level: int, kept: Tensor, grid: Grid) -> RowStream:
        """[n,F,h,w] at the size of the level."""
        weights = self.scratch.output_conv1.weight
        if level in KEPT_AS_LATERALS:
            return RowStream.of(kept.to(weights.dtype))
        times = ENLARGED[level]
        tokens = RowStream.of(kept.transpose(1, 2).unflatten(2, grid), times * times)
        tokens = _positioned(tokens.mapped(lambda x: x.to(weights.dtype, copy=True)), grid)
        enlarged = tokens.mapped(self.resize_layers[level], times)
        return enlarged.convolved(self._lateral_layer(level))

    def _lateral_layer(self, level: int) -> nn.Conv2d:
        layer = self.scratch.get_submodule(f"layer{level + 1}_rn")
        assert isinstance(layer, nn.Conv2d)
        return layer


def _refined(fusion: Fusion, coarser: RowStream | None, lateral: RowStream) -> RowStream:
    """`Fusion.refined`, by rows."""
    if coarser is not None:
        lateral = _residual(fusion.resConfUnit1, lateral).plus(coarser)
    return _residual(fusion.resConfUnit2, lateral)


def _residual(unit: ResidualUnit, rows: RowStream) -> RowStream:
    """`ResidualUnit`, by rows."""
    x, kept = rows.twice()
    y = x.mapped(functional.relu).convolved(unit.conv1).mapped(functional.relu_).convolved(unit.conv2)
    return y.plus(kept)


def _in_turn(layers: nn.Sequential, x: RowStream) -> RowStream:
    """Convolutions, and what lies between them."""
    for layer in layers:
        wide = isinstance(layer, nn.Conv2d) and layer.kernel_size != (1, 1)
        x = x.convolved(layer) if wide else x.mapped(layer)  # type: ignore[arg-type]
    return x


def _positioned(x: RowStream, size: Grid) -> RowStream:
    """A map of `size` with the position embedding of its pixels, written over its bands."""
    axes = cache(lambda channels, device: uv_axes(channels, size, size[1] / size[0], device))

    def positioned(placed: tuple[slice, Tensor]) -> Tensor:
        rows, band = placed
        return _add_positions(band, rows, axes(band.shape[1], band.device))

    return RowStream(x.height, map(positioned, x.placed()))


def _add_positions(x: Tensor, rows: slice, axes: tuple[Tensor, Tensor]) -> Tensor:
    """These rows [n,c,rows,W] of a map, with their position embedding written over them."""
    across, down = (axis.to(x.dtype) for axis in axes)
    x[:, : len(across)] += across[:, None, :]
    x[:, len(across) :] += down[:, rows, None]
    return x
