"""Raster files: a map of numbers or an image each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from ...types import Float32, UInt8

JPEG_QUALITY = 95
SUFFIXES = {"jpg": (".jpg", ".jpeg", ".jpe"), "png": (".png",)}  # that say how a picture is encoded


def new_file(path: Path) -> Path:
    """The path, of which the folder is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write_raster(path: Path, values: Float32, channel: str, encoding: Literal["tiff", "exr", "npy"]) -> None:
    """A map [H,W] of float32, without loss: TIFF (deflate), OpenEXR (ZIP; one channel of this name) or .npy.

    Raises ExportError or OSError where the disk refuses.
    """
    if encoding == "tiff":
        import tifffile

        tifffile.imwrite(
            path, values, compression="zlib", photometric="minisblack", metadata=None, software="da3_stream"
        )
    elif encoding == "exr":
        import OpenEXR

        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        try:
            OpenEXR.File(header, {channel: np.ascontiguousarray(values)}).write(str(path))
        except RuntimeError as error:  # a full disk, too
            raise ExportError(f"cannot write {path.name}: {' '.join(str(error).split())}") from error
    else:
        np.save(path, values)


def write_png(path: Path, values: NDArray[np.uint16] | UInt8) -> None:
    """A map [H,W] of 8 or 16 bits. Raises ExportError for one that PNG cannot hold, OSError where the disk refuses."""
    _encode(path, values)


def write_image(path: Path, rgb: UInt8) -> None:
    """An RGB image [H,W,3] as JPEG (quality 95) or PNG, by the suffix. Raises as `write_png`."""
    import cv2

    is_jpeg = path.suffix.casefold() in SUFFIXES["jpg"]
    _encode(path, rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if is_jpeg else [])


def _encode(path: Path, values: NDArray[Any], parameters: Sequence[int] = ()) -> None:
    import cv2

    is_encoded, data = cv2.imencode(path.suffix, values, parameters)
    if not is_encoded:
        raise ExportError(f"cannot encode {path.name}: a picture of {values.shape} pixels")
    path.write_bytes(data.tobytes())
