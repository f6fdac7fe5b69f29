"""Decoding TIFF: by OpenCV where it is right, else by tifffile, else refused."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....geometry.masks import Mask
from ....types import UInt8
from .opencv import imdecode, read_page
from .stored_picture import StoredPicture, turned_upright, without_alpha

DAMAGED = "cannot be decoded as an image"
NOTHING_MEASURED = "holds nothing but its mark for nothing (nodata)"
ALPHA = (1, 2)  # of ExtraSamples: associated, unassociated
MINISWHITE, MINISBLACK, RGB = 0, 1, 2  # of PhotometricInterpretation
ORIENTATION, GDAL_NODATA = 274, 42113
LARGEST = 1e30  # of what was measured; beyond it are marks such as -3.4e38


def decode_tiff(data: UInt8) -> StoredPicture | str:
    """The first picture of a TIFF, or the reason why it cannot be read.

    OpenCV 5.0 gives another picture, without an error, for planes of 16 or 32 bits that are stored one after the other,
    fails on most tiles, and knows no bands: these are left to tifffile, which reads some of them with imagecodecs only.
    """
    import tifffile

    try:
        with tifffile.TiffFile(BytesIO(data.tobytes())) as file:
            page: Any = file.pages.first
            alpha = _has_alpha(page)
            if reason := _why_no_picture(page):
                return reason
            if page.photometric in (MINISWHITE, MINISBLACK, RGB):
                try:
                    return _as_picture(page, _bands_last(page), alpha)
                except ValueError as error:  # also for a codec that is not installed
                    if "imagecodecs" not in str(error):
                        return DAMAGED
            if _is_beyond_opencv(page):
                return _why_undecodable(page)
    except (tifffile.TiffFileError, ValueError, OSError, IndexError, KeyError, TypeError, OverflowError):
        return DAMAGED
    return _by_opencv(imdecode(data, unchanged=True), alpha)


def picture_pages(file: Any) -> list[int]:
    """The numbers of a TIFF's pages that are pictures like the first: no thumbnails, no masks."""
    first = file.pages.first
    return [
        number
        for number, page in enumerate(file.pages)
        if not (page.is_reduced or page.is_mask) and (page.shape, page.dtype) == (first.shape, first.dtype)
    ]


def decode_page(path: Path, page: Any) -> StoredPicture | str:
    """A page of a TIFF as `decode_tiff` decodes a first one, or the reason why it cannot be read."""
    if reason := _why_no_picture(page):
        return reason
    if page.photometric in (MINISWHITE, MINISBLACK, RGB):
        try:
            return _as_picture(page, _bands_last(page), _has_alpha(page))
        except (ValueError, OSError, IndexError, KeyError, TypeError, OverflowError) as error:
            if "imagecodecs" not in str(error):
                return DAMAGED
    if _is_beyond_opencv(page):
        return _why_undecodable(page)
    return _by_opencv(read_page(path, page.index), _has_alpha(page))


def _is_beyond_opencv(page: Any) -> bool:
    is_deep_planes = page.planarconfig == 2 and page.samplesperpixel > 1 and page.bitspersample > 8
    return bool(page.is_tiled or is_deep_planes)


def _by_opencv(image: NDArray[Any] | None, alpha: bool) -> StoredPicture | str:
    """What OpenCV decoded, unchanged."""
    if image is None:
        return DAMAGED
    if image.ndim == 2:
        return StoredPicture(image)
    return without_alpha(image[..., [2, 1, 0, 3]]) if alpha else StoredPicture(image[..., 2::-1])


def _has_alpha(page: Any) -> bool:
    extra = page.extrasamples
    if not extra:
        return bool(page.photometric == RGB and page.samplesperpixel == 4)  # as OpenCV writes it
    return int(extra[-1]) in ALPHA


def _why_no_picture(page: Any) -> str | None:
    bands = page.samplesperpixel
    if (
        page.photometric in (MINISWHITE, MINISBLACK)
        and bands not in (1, 3)
        and not (_has_alpha(page) and bands in (2, 4))
    ):
        return f"has {bands} bands: give pictures of one or of three"
    if page.photometric == RGB and bands not in (3, 4):
        return f"has {bands} bands: give pictures of one or of three"
    if page.ndim > 3 or page.imagedepth > 1:
        return "is a volume, not a picture"
    return None


def _why_undecodable(page: Any) -> str:
    layout = "in tiles" if page.is_tiled else "plane by plane"
    return (
        f"is stored {layout} with {page.compression.name} compression, which is read with imagecodecs only: "
        "pip install imagecodecs, or convert it to PNG"
    )


def _measured(page: Any, values: NDArray[Any]) -> Mask:
    """Where something was measured [H,W]: not where all bands hold what the file says is nothing (GDAL's nodata), nor
    where a number is too large to be one."""
    measured = np.ones(values.shape, np.bool_)
    if GDAL_NODATA in page.tags:
        measured &= values != page.nodata
    if values.dtype.kind == "f":
        measured &= ~(np.abs(values.astype(np.float64)) > LARGEST) | np.isinf(values)
    return measured if values.ndim == 2 else np.asarray(measured.any(axis=2), np.bool_)


def _bands_last(page: Any) -> NDArray[Any]:
    values = np.asarray(page.asarray())
    return np.moveaxis(values, 0, -1) if page.axes.startswith("S") else values


def _as_picture(page: Any, values: NDArray[Any], alpha: bool) -> StoredPicture | str:
    if page.photometric == MINISWHITE:
        values = ~values if values.dtype.kind in "bu" else -values
    values = turned_upright(values, int(page.tags.valueof(ORIENTATION, 1)))
    if alpha:
        return without_alpha(values)
    colours = values[..., :3] if values.ndim == 3 else values
    measured = _measured(page, colours)
    return StoredPicture(colours, None if measured.all() else measured) if measured.any() else NOTHING_MEASURED
