"""Decoding image files of any format to upright pictures in their own depth."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ....types import UInt8
from .exr import decode_exr
from .formats import (
    AVIF_BRANDS,
    EXR_MAGIC,
    JPEG_XL_MAGIC,
    NO_HEIF,
    NO_JPEG_XL,
    NO_RAW,
    TIFF_MAGIC,
    is_iso_media,
    is_raw,
)
from .header import read_header
from .opencv import imdecode
from .stored_picture import StoredPicture, turned_upright, without_alpha
from .tiff import decode_tiff

DAMAGED = "cannot be decoded as an image"
GRAY_PFM_MAGIC = b"Pf"
ALPHA_MAGIC = (b"\x89PNG", b"RIFF", b"\0\0\0\x0cjP  ")  # formats whose pictures may be transparent


def read_stored(path: Path) -> StoredPicture | str:
    """An image file as an upright picture, or the reason why it cannot be read."""
    if is_raw(path):
        return NO_RAW
    try:
        data = np.fromfile(path, np.uint8)  # cv2.imread fails on names outside ASCII on some systems
    except OSError as error:
        return f"cannot be opened ({error.strerror or error})"
    return decode_exr(path) if data[:16].tobytes().startswith(EXR_MAGIC) else decode_bytes(data)


def decode_bytes(data: UInt8) -> StoredPicture | str:
    """The bytes of an image file as an upright picture, or the reason why they cannot be read; EXR is read by path."""
    if not data.size:
        return "empty file (0 bytes)"
    head = data[:16].tobytes()
    if head.startswith(TIFF_MAGIC):
        return decode_tiff(data)
    if head.startswith(JPEG_XL_MAGIC):
        return NO_JPEG_XL
    if is_iso_media(head):
        return _decode_avif(data) if head[8:12] in AVIF_BRANDS else _decode_heif(data)
    return _decode_with_alpha(data) if head.startswith(ALPHA_MAGIC) else _decode_opaque(data)


def _decode_with_alpha(data: UInt8) -> StoredPicture | str:
    """By OpenCV, which forgets alpha where it turns a picture upright: so it decodes as stored where there is alpha."""
    header = read_header(data)
    if header is None or not header.has_alpha:
        return _decode_opaque(data)
    image = imdecode(data, unchanged=True)
    if image is None:
        return DAMAGED
    return without_alpha(turned_upright(image[..., [2, 1, 0, 3]], header.orientation))


def _decode_opaque(data: UInt8) -> StoredPicture | str:
    """By OpenCV, which makes another picture of gray PFM (version 5.0) unless it leaves it gray."""
    import cv2

    image = imdecode(data, unchanged=data[:2].tobytes() == GRAY_PFM_MAGIC)
    if image is None:
        return DAMAGED
    return StoredPicture(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _decode_avif(data: UInt8) -> StoredPicture | str:
    """By Pillow, which tells `irot` and `imir` as an orientation; OpenCV never turns AVIF."""
    from PIL import Image

    try:
        with Image.open(BytesIO(data.tobytes())) as image:
            return from_pillow(image)
    except Exception:  # of a damaged file its readers raise whatever comes first
        return DAMAGED


def _decode_heif(data: UInt8) -> StoredPicture | str:
    """By libheif, which turns pictures itself and says so in their orientation."""
    try:
        import pi_heif
    except ImportError:
        return NO_HEIF
    try:
        return from_pillow(pi_heif.open_heif(BytesIO(data.tobytes())).to_pillow())
    except Exception:  # of a damaged file its readers raise whatever comes first
        return DAMAGED


def from_pillow(image: Any) -> StoredPicture | str:
    """An image of Pillow as an upright picture, or the reason why it is none."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        return without_alpha(np.asarray(upright.convert("RGBA")))
    return StoredPicture(np.asarray(upright.convert("RGB")))
