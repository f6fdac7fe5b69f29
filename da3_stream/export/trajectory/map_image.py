"""A map as an image: a raster between axes, with lines, marks and words.

Drawn by OpenCV and Pillow: to import matplotlib and to draw with it takes a second of CPU, a tenth of a short run.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ...types import Float64, UInt8

TEXT, BACKGROUND, FAINT, FRAME = "#e8e8e8", "#14161a", "#7d828c", "#3a3e46"
_LONG_SIDE = 1100  # pixels of the map
_LEAST = (540, 380)  # pixels around which axes and title have room
_LEFT, _TOP, _RIGHT, _BOTTOM = 76, 56, 12, 66  # pixels beside the map
_TICKS = 6  # along the longer side, about
_TICK = 6  # pixels
_SUBPIXEL = 4  # bits
_SIZES = {"title": 17, "label": 14, "tick": 13}  # of letters


@dataclass(frozen=True, eq=False)
class MapImage:
    """An image [h,w,3] with the map of `limits` [[left, right], [bottom, top]] on it, to be drawn on."""

    pixels: UInt8
    limits: Float64
    corner: Float64  # [2] of the map: left and top, in pixels
    scale: float  # pixels per unit of length

    @staticmethod
    def of(raster: UInt8, limits: Float64) -> MapImage:
        """The raster [H,W,3], first row at the bottom, enlarged to the map."""
        extent = limits[:, 1] - limits[:, 0]
        scale = _LONG_SIDE / float(extent.max())
        width, height = (max(1, round(scale * side)) for side in extent)
        room = np.maximum([width, height], _LEAST)
        left, top = _LEFT + (room[0] - width) // 2, _TOP + (room[1] - height) // 2
        shape = (room[1] + _TOP + _BOTTOM, room[0] + _LEFT + _RIGHT, 3)
        pixels = np.full(shape, colour_of(BACKGROUND), np.uint8)
        enlarged = cv2.resize(raster[::-1], (width, height), interpolation=cv2.INTER_NEAREST)
        pixels[top : top + height, left : left + width] = enlarged
        cv2.rectangle(pixels, (left - 1, top - 1), (left + width, top + height), colour_of(FRAME), 1)
        return MapImage(pixels, limits, np.array([left, top], np.float64), scale)

    def line(self, places: Float64, colour: str, width: int) -> None:
        """A line through places [N,2] of the map."""
        points = self._points(places).reshape(-1, 1, 2)
        cv2.polylines(self.pixels, [points], False, colour_of(colour), width, cv2.LINE_AA, _SUBPIXEL)

    def dot(self, place: Float64, colour: str, radius: float) -> None:
        """A disc around a place [2]."""
        centre, size = self._points(place[None])[0].tolist(), round(radius * 2**_SUBPIXEL)
        cv2.circle(self.pixels, centre, size, colour_of(colour), cv2.FILLED, cv2.LINE_AA, _SUBPIXEL)

    def square(self, place: Float64, colour: str, radius: float) -> None:
        """A square around a place [2]."""
        corners = self._points(place[None]) + round(radius * 2**_SUBPIXEL) * np.array(
            [[-1, -1], [1, -1], [1, 1], [-1, 1]]
        )
        cv2.fillConvexPoly(self.pixels, corners.astype(np.int32), colour_of(colour), cv2.LINE_AA, _SUBPIXEL)

    def png(self, title: str, labels: tuple[str, str], legend: Sequence[tuple[str, str]]) -> bytes:
        """The file, with a title, labels of both axes, and a legend of (colour, text)."""
        from PIL import Image, ImageDraw

        image = Image.fromarray(self.pixels)
        draw = ImageDraw.Draw(image)
        draw.text((self.corner[0], self.corner[1] - 14), title, TEXT, _font("title"), anchor="ls")
        self._draw_ticks(draw)
        self._draw_labels(image, draw, labels)
        for number, (colour, text) in enumerate(legend):
            at = (image.width - _RIGHT - 12, self.corner[1] + 12 + 18 * number)
            draw.text(at, text, colour, _font("tick"), "rt", stroke_width=2, stroke_fill=BACKGROUND)
        file = io.BytesIO()
        image.save(file, "PNG")
        return file.getvalue()

    def _points(self, places: Float64) -> Any:
        """Places [N,2] of the map in fixed-point pixels [N,2], within what OpenCV can draw."""
        up = np.array([1.0, -1.0])
        at = self.corner + up * (places - [self.limits[0, 0], self.limits[1, 1]]) * self.scale - 0.5
        return np.rint(np.clip(at, -1e5, 1e5) * 2**_SUBPIXEL).astype(np.int32)

    def _draw_ticks(self, draw: Any) -> None:
        (left, right), (low, high) = self.limits
        step = nice_step(max(right - left, high - low) / _TICKS)
        bottom = self.corner[1] + (high - low) * self.scale
        for value in _multiples(step, left, right):
            x = self.corner[0] + (value - left) * self.scale
            draw.line([(x, bottom), (x, bottom + _TICK)], FRAME)
            draw.text((x, bottom + _TICK + 3), f"{value:g}", FAINT, _font("tick"), anchor="mt")
        for value in _multiples(step, low, high):
            y = bottom - (value - low) * self.scale
            draw.line([(self.corner[0] - _TICK, y), (self.corner[0], y)], FRAME)
            draw.text((self.corner[0] - _TICK - 4, y), f"{value:g}", FAINT, _font("tick"), anchor="rm")

    def _draw_labels(self, image: Any, draw: Any, labels: tuple[str, str]) -> None:
        from PIL import Image, ImageDraw

        middle = (_LEFT + image.width - _RIGHT) // 2
        draw.text((middle, image.height - 14), labels[0], FAINT, _font("label"), anchor="ms")
        upright = Image.new("RGB", (image.height - _TOP - _BOTTOM, 22), BACKGROUND)
        ImageDraw.Draw(upright).text((upright.width // 2, 11), labels[1], FAINT, _font("label"), anchor="mm")
        image.paste(upright.rotate(90, expand=True), (4, _TOP))


def nice_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is at least so much."""
    power = 10.0 ** np.floor(np.log10(max(least, 1e-300)))
    return float(power * next(factor for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9)))


def colour_of(text: str) -> tuple[int, int, int]:
    """Red, green and blue of #rrggbb."""
    red, green, blue = (int(text[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def _multiples(step: float, low: float, high: float) -> Iterator[float]:
    for number in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1):
        yield round(number * step, 12)


def _font(kind: str) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(_SIZES[kind])
