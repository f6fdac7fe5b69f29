"""Pictures of a decoder's frames: upright, in square pixels, of one field, in the colours that players show."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from ....geometry.masks import Mask, resize_mask
from ....types import UInt8
from ...image_size import fit_size, size_of
from ..picture import Picture
from .deep import is_deep_gray, show_levels
from .fields import WHOLE, fill_rows, measure_combing, take_field
from .orientation import is_quarter_turn, read_display_matrix, turn_upright
from .pixels import SQUARE, Pixels, square_size
from .tone_mapping import BT2020, HLG, P3, PQ, ToneMapping

LOST = "cannot be decoded"
DAMAGED = "decoded from damaged data"
BT709, UNKNOWN, RESERVED, BT2020_CL, BT2020_NCL = 1, 2, 3, 10, 9  # matrices of colours (ITU-T H.273)
HD_WIDTH, SD_HEIGHT = 1280, 576  # players take BT.709 from this width, or beyond this height, where nothing is said


@dataclass(eq=False)
class PictureReader:
    """Makes pictures of a stream's frames, their longest side at most `longest` (None: as they are).

    They are shrunk while their colours are converted, by FFmpeg's swscale, which is several times as fast as one after
    the other, and averages areas; pixel grids stay where they are.
    """

    pixels: Pixels = Pixels()
    longest: int | None = None
    _scaler: Any = None
    _tones: dict[tuple[int, int], ToneMapping] = field(default_factory=dict)

    def read(self, frame: Any | None, aspect: Fraction = SQUARE) -> Picture | str:
        """The picture of a frame whose pixels have this aspect, or the reason why it cannot be used."""
        if frame is None:
            return LOST
        if frame.is_corrupt:
            return DAMAGED
        full_size = square_size((frame.width, frame.height), aspect)
        size = fit_size(full_size, self.longest)
        matrix = read_display_matrix(frame)
        try:
            image, mask = self._image(frame, size), self._mask(frame, size)
        except (OSError, ValueError) as error:  # such as a colour space that swscale does not know
            return f"its pixels cannot be converted ({frame.format.name}, {error})"
        if is_quarter_turn(matrix):
            full_size = full_size[::-1]
        return Picture(turn_upright(image, matrix), None if mask is None else turn_upright(mask, matrix), full_size)

    def _image(self, frame: Any, size: tuple[int, int]) -> UInt8:
        if not self._is_interlaced(frame):
            return self._rgb(frame, size)
        rows = take_field(frame, self.pixels.field)
        whole = fill_rows(self._rgb(rows, (size[0], rows.height)), self.pixels.field, frame.height)
        return _shrink(whole, size)

    def _is_interlaced(self, frame: Any) -> bool:
        return (frame.interlaced_frame or self.pixels.unmarked) and measure_combing(frame) >= WHOLE

    def _rgb(self, frame: Any, size: tuple[int, int]) -> UInt8:
        if self.pixels.levels is not None and is_deep_gray(frame):
            return _shrink(show_levels(frame, self.pixels.levels), size)
        frame.colorspace = _matrix_of(frame)
        transfer, primaries = frame.color_trc, frame.color_primaries
        if transfer not in (PQ, HLG) and primaries not in (BT2020, P3):
            return np.asarray(self._scale(frame, size, "rgb24"))
        tones = self._tones.setdefault((transfer, primaries), ToneMapping(transfer, primaries))
        return tones(self._scale(frame, size, "rgb48le"))

    def _mask(self, frame: Any, size: tuple[int, int]) -> Mask | None:
        """Where alpha is not 0; None where it is so everywhere, or nowhere, which only files without alpha have."""
        if not (frame.format.has_palette or any(part.is_alpha for part in frame.format.components)):
            return None
        shown = np.asarray(self._scale(frame, (frame.width, frame.height), "rgba"))[..., 3] > 0
        return None if shown.all() or not shown.any() else resize_mask(shown, size)

    def _scale(self, frame: Any, size: tuple[int, int], format: str) -> Any:
        from av.video.reformatter import VideoReformatter

        if self._scaler is None:
            self._scaler = VideoReformatter()
        return self._scaler.reformat(frame, *size, format, interpolation=scaling(), threads=1).to_ndarray()


def scaling() -> int:
    """How swscale scales and converts: areas are averaged, and colours rounded; without that they are 2 levels off."""
    from av.video.reformatter import Interpolation

    return int(Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)


def _shrink(image: UInt8, size: tuple[int, int]) -> UInt8:
    import cv2

    return image if size_of(image) == size else np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _matrix_of(frame: Any) -> int:
    """The matrix from which RGB is computed: the frame's own, and where it says none, by its size."""
    if frame.colorspace == BT2020_CL:
        return BT2020_NCL
    if frame.format.is_rgb or frame.colorspace not in (UNKNOWN, RESERVED):
        return int(frame.colorspace)
    if frame.color_primaries == BT2020:
        return BT2020_NCL
    is_hd = frame.width >= HD_WIDTH or frame.height > SD_HEIGHT
    return BT709 if is_hd else UNKNOWN
