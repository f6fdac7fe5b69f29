"""The Gaussian head: a dense prediction transformer that sees the image, too."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from ..backbone.embedding import Grid, uv_embedding
from ..config import HeadConfig
from ..heads.pyramid import Fusion, Pyramid, Scratch, resized_rows

KEPT_AS_LATERALS = (2, 3)  # levels that are smaller once they have the width of the fusion; the others grow by it
BAND_PIXELS = 1 << 14  # computed together at full size, where every channel is expensive
HALO = 4  # rows beside a band on which its values depend: three convolutions of the image, and one of the sum


class GaussianHead(Pyramid):
    """Tokens are not normed; the map gets features of the image, and becomes channels band by band."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__(config, nn.Identity(), Scratch(config), has_positions=True)
        width = config.features
        steps = [(3, width // 8), (width // 8, width // 4), (width // 4, width // 2)]
        layers = [layer for a, b in steps for layer in (nn.Conv2d(a, b, 3, padding=1), nn.GELU())]
        self.images_merger = nn.Sequential(*layers)

    def keep(self, level: int, tokens: Tensor, grid: Grid) -> Tensor:
        """What is kept of the patch tokens [n,P,dim_in] of a tapped layer until `fuse`, as little as possible."""
        projected = self.project(level, tokens)
        return self.lateral(level, projected, grid) if level in KEPT_AS_LATERALS else projected

    def fuse(self, kept: list[Tensor], grid: Grid) -> Tensor:
        """What `keep` made of the four levels of n frames -> [n,F/2,8gh,8gw]."""
        laterals = [x if level in KEPT_AS_LATERALS else self.lateral(level, x, grid) for level, x in enumerate(kept)]
        scratch = self.scratch
        last = scratch.get_submodule("refinenet1")
        assert isinstance(last, Fusion)
        # a convolution of one pixel may go before the enlargement: a quarter of the work, and of the memory
        y = last.out_conv(last.refined(scratch.fuse(laterals, finest=2), laterals[0]))
        del laterals
        size = (2 * y.shape[2], 2 * y.shape[3])
        fused = y.new_empty(y.shape[0], scratch.output_conv1.out_channels, *size)
        for rows in bands(size, BAND_PIXELS // 2):  # of twice the channels
            wide = _widened(rows, 1, size[0])
            fused[:, :, rows] = _within(scratch.output_conv1(resized_rows(y, size, wide)), rows, wide)
        return fused

    def channels(self, fused: Tensor, images: Tensor, rows: slice) -> Tensor:
        """What `fuse` gave, and normalised images [n,3,H,W] -> the channels [n,output_dim,rows,W] of some rows."""
        height, width = images.shape[2:]
        wide, wider = _widened(rows, 1, height), _widened(rows, HALO, height)
        x = resized_rows(fused, (height, width), wide)
        x += _within(self.images_merger(images[:, :, wider]), wide, wider)
        x += self._positions(x.shape[1], (height, width), wide, x)
        return _within(self.scratch.output_conv2(x), rows, wide)

    def _positions(self, channels: int, size: tuple[int, int], rows: slice, like: Tensor) -> Tensor:
        return uv_embedding(channels, size, size[1] / size[0], like.device, rows).to(like.dtype)


def bands(size: tuple[int, int], pixels: int | None = None) -> Iterator[slice]:
    """The rows of maps of (height, width) in bands of about so many pixels, BAND_PIXELS where nothing is said."""
    rows = max(1, (BAND_PIXELS if pixels is None else pixels) // size[1])
    for start in range(0, size[0], rows):
        yield slice(start, min(start + rows, size[0]))


def _widened(rows: slice, halo: int, height: int) -> slice:
    """With the rows beside them, as far as there are any. Where there are none convolutions see their zeros."""
    return slice(max(0, rows.start - halo), min(height, rows.stop + halo))


def _within(x: Tensor, rows: slice, wide: slice) -> Tensor:
    """Of a map [n,c,wide,W] the rows inside."""
    return x[:, :, rows.start - wide.start : rows.stop - wide.start]
