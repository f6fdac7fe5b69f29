"""Maps that come from the top in bands of rows, so that hardly any of them is ever there as a whole.

A convolution gives, for each band, the rows that have one below them by then, and keeps two for the next; so nothing is
computed twice. What a stream holds between two bands is little, for which no stage may keep a band in a variable while
later stages work: stages are calls (`map`), and generators only where a band becomes several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import tee

import torch
from torch import Tensor, nn
from torch.nn import functional

BAND_NUMBERS = 1 << 17  # of a band on a CPU: 0.5 MiB in float32
DEVICE_BANDS = 64  # such bands together on a device, where every call costs a launch
WEIGHTS_AT_ONCE = 10 * (1 << 16)  # of a convolution: oneDNN copies them at each call


@dataclass(frozen=True, eq=False)
class RowStream:
    """A map [n,c,height,W] as bands [n,c,rows,W], from the top. It can be gone through once."""

    height: int
    bands: Iterator[Tensor]

    @staticmethod
    def of(x: Tensor, growth: int = 1) -> RowStream:
        """Of a map [n,c,h,W] that is there; `growth` times as many numbers will come of it."""
        rows = _rows_at_once(x, growth * x.shape[1] * x.shape[3])
        return RowStream(x.shape[2], iter(x.split(rows, dim=2)))

    def placed(self) -> Iterator[tuple[slice, Tensor]]:
        """Bands and the rows that they are."""
        return map(_Places().of, self.bands)

    def mapped(self, work: Callable[[Tensor], Tensor], factor: int = 1) -> RowStream:
        """By work that makes `factor` rows of each."""
        return RowStream(factor * self.height, map(work, self.bands))

    def twice(self) -> tuple[RowStream, RowStream]:
        """For two who go through it side by side; neither may change the bands."""
        first, second = tee(self.bands)
        return RowStream(self.height, first), RowStream(self.height, second)

    def plus(self, other: RowStream) -> RowStream:
        """The sum, written over the bands of the first."""
        window = _Window(other.bands)
        return self.mapped(lambda band: band.add_(window.take(band.shape[2])))

    def convolved(self, layer: nn.Conv2d) -> RowStream:
        """By 3 x 3 pixels, with zeros around the map."""
        return RowStream(self.height, filter(_has_rows, map(_Convolution(layer, self.height).of, self.bands)))

    def resized(self, size: tuple[int, int]) -> RowStream:
        """Bilinear, its corners where they were."""
        step = (self.height - 1) / max(size[0] - 1, 1)

        def bands() -> Iterator[Tensor]:
            window, start = _Window(self.bands), 0
            at_once = window.rows_at_once(size[1])
            while start < size[0]:
                stop = min(start + at_once, size[0])
                place = torch.arange(start, stop, dtype=torch.float64) * step
                yield window.between(place, self.height, size[1])
                start = stop

        return RowStream(size[0], bands())


class _Places:
    """Says of bands, one after the other, where they are."""

    def __init__(self) -> None:
        self._start = 0

    def of(self, band: Tensor) -> tuple[slice, Tensor]:
        """The rows that this band is."""
        rows = slice(self._start, self._start + band.shape[2])
        self._start = rows.stop
        return rows, band


class _Convolution:
    """A layer of 3 x 3 pixels that is given bands one after the other."""

    def __init__(self, layer: nn.Conv2d, height: int) -> None:
        self._layer, self._height = layer, height
        self._given = 0
        self._above: Tensor | None = None  # the last two rows

    def of(self, band: Tensor) -> Tensor:
        """What can be said once this band is there, which may be no row; all of the rest with the last band."""
        x = functional.pad(band, (0, 0, 1, 0)) if self._above is None else torch.cat([self._above, band], dim=2)
        self._given += band.shape[2]
        if self._given == self._height:
            x = functional.pad(x, (0, 0, 0, 1))
        self._above = x[:, :, -2:].clone()
        if x.shape[2] < 3:
            return x.new_empty(x.shape[0], self._layer.out_channels, 0, x.shape[3])
        return convolve(self._layer, x, (0, 1))


class _Window:
    """The rows of a stream that are still needed."""

    def __init__(self, bands: Iterator[Tensor]) -> None:
        self._bands = bands
        self._held: list[tuple[int, Tensor]] = []  # bands with their first rows
        self._end = self._taken = 0

    def take(self, count: int) -> Tensor:
        """The next rows [n,c,count,W]."""
        start, self._taken = self._taken, self._taken + count
        return self._rows(start, self._taken)

    def rows_at_once(self, width: int) -> int:
        """In bands of such maps of another width."""
        self._read(1)
        first = self._held[0][1]
        return _rows_at_once(first, first.shape[1] * width)

    def between(self, place: Tensor, height: int, width: int) -> Tensor:
        """Rows [n,c,len(place),width] at places between those of a map of this height; the places only ever grow."""
        upper = place.floor().long().clamp(max=max(height - 2, 0))
        lower = (upper + 1).clamp(max=height - 1)
        x = self._rows(int(upper[0]), int(lower[-1]) + 1)
        above, below = (x[:, :, (rows - upper[0]).to(x.device)] for rows in (upper, lower))
        rows = above.lerp_(below, (place - upper).to(device=x.device, dtype=x.dtype)[:, None])
        return functional.interpolate(rows, size=(len(place), width), mode="bilinear", align_corners=True)

    def _rows(self, start: int, stop: int) -> Tensor:
        """[n,c,stop-start,W]; those before `start` are asked no more."""
        self._read(stop)
        self._held = [(at, band) for at, band in self._held if at + band.shape[2] > start]
        parts = [band[:, :, max(start - at, 0) : stop - at] for at, band in self._held if at < stop]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)

    def _read(self, stop: int) -> None:
        while self._end < stop:
            self._held.append((self._end, next(self._bands)))
            self._end += self._held[-1][1].shape[2]


def band_numbers(device: torch.device) -> int:
    """About how many numbers a band holds, at least those of a row."""
    return BAND_NUMBERS if device.type == "cpu" else DEVICE_BANDS * BAND_NUMBERS


def convolve(layer: nn.Conv2d, x: Tensor, padding: tuple[int, int] | None = None) -> Tensor:
    """`layer(x)`, with another padding where one is given; large weights in pieces of the channels that come out."""
    channels = max(1, layer.out_channels * WEIGHTS_AT_ONCE // layer.weight.numel())
    pieces = [slice(start, start + channels) for start in range(0, layer.out_channels, channels)]
    parts = [
        functional.conv2d(
            x,
            layer.weight[piece],
            None if layer.bias is None else layer.bias[piece],
            layer.stride,
            padding or layer.padding,  # type: ignore[arg-type]
        )
        for piece in pieces
    ]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def _rows_at_once(x: Tensor, row: int) -> int:
    """Of maps like x [n,...] with so many numbers in a row."""
    return max(1, band_numbers(x.device) // (x.shape[0] * row))


def _has_rows(band: Tensor) -> bool:
    return band.shape[2] > 0
