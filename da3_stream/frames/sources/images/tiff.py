"""Decoding TIFF: by OpenCV where it is right, else by tifffile, else refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....geometry.masks import Mask
from ....types import UInt8
from .opencv import imdecode, read_page
from .stored_picture import MOST_PIXELS, StoredPicture, turned_upright, without_alpha

DAMAGED = "cannot be decoded as an image"
NO_CODEC = "with {compression} compression cannot be decoded: it is damaged, or read with imagecodecs (pip install it)"
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

    content = BytesIO(data.tobytes())
    try:
        with tifffile.TiffFile(content) as file:
            return _decode(file.pages.first, content, lambda: imdecode(data, unchanged=True))
    except Exception:  # of a damaged file tifffile raises whatever comes first
        return DAMAGED


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
    return _decode(page, path, lambda: read_page(path, page.index))


def _decode(page: Any, file: Path | BytesIO, by_opencv: Callable[[], NDArray[Any] | None]) -> StoredPicture | str:
    if reason := _why_no_picture(page):
        return reason
    if page.photometric in (MINISWHITE, MINISBLACK, RGB):
        try:
            return _as_picture(page, _bands_last(page), _has_alpha(page))
        except ImportError:  # of a codec
            pass
        except Exception as error:  # whatever codecs raise, also where one is not installed
            if "imagecodecs" not in str(error):
                return DAMAGED
    if page.is_tiled and page.bitspersample <= 8:
        return _by_pillow(file, page.index, _has_alpha(page))
    return _why_undecodable(page) if _is_beyond_opencv(page) else _by_opencv(by_opencv(), page)


def _is_beyond_opencv(page: Any) -> bool:
    is_deep_planes = page.planarconfig == 2 and page.samplesperpixel > 1 and page.bitspersample > 8
    return bool(page.is_tiled or is_deep_planes or _is_odd(page))


def _by_opencv(image: NDArray[Any] | None, page: Any) -> StoredPicture | str:
    """What OpenCV decoded, unchanged."""
    if image is None:
        return NO_CODEC.format(compression=page.compression.name)
    if image.ndim == 2:
        return StoredPicture(image)
    return without_alpha(image[..., [2, 1, 0, 3]]) if _has_alpha(page) else StoredPicture(image[..., 2::-1])


def _by_pillow(file: Path | BytesIO, number: int, alpha: bool) -> StoredPicture | str:
    from PIL import Image

    try:
        with Image.open(file) as image:
            image.seek(number)
            image.load()  # turns it upright
            values = np.asarray(image.convert("RGBA" if alpha else "RGB"))
    except Exception:  # of a damaged file it raises whatever comes first
        return DAMAGED
    return without_alpha(values) if alpha else StoredPicture(values)


def _is_odd(page: Any) -> bool:
    """Whether values are differences with a compression that has none: OpenCV takes them for values."""
    return page.predictor > 1 and page.compression.name == "PACKBITS"


def _has_alpha(page: Any) -> bool:
    extra = page.extrasamples
    if not extra:
        return bool(page.photometric == RGB and page.samplesperpixel == 4)  # as OpenCV writes it
    return int(extra[-1]) in ALPHA


def _why_no_picture(page: Any) -> str | None:
    bands = page.samplesperpixel
    if page.imagewidth * page.imagelength > MOST_PIXELS or len(page.dataoffsets) != math.prod(page.chunked):
        return DAMAGED
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
    layout = "in tiles" if page.is_tiled else "plane by plane" if page.planarconfig == 2 else "as differences"
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
