"""The beginning of an image file: its size and tags, without decoding its pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from ....types import UInt8
from .formats import HEIF_SUFFIXES, is_raw

ORIENTATION, EXIF_IFD = 0x112, 0x8769
TURNED = (5, 6, 7, 8)  # orientations whose width is the stored height
BY_OPENCV = ("JPEG", "MPO", "PNG", "WEBP")  # formats that have EXIF, and are decoded by OpenCV
MOST_HEADERS = 256  # of a sequence that are read, evenly spaced

Size = tuple[int, int]
Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Header:
    """Upright (width, height), EXIF's orientation (1 where there is none), its tags about the photograph, and whether
    pixels may be transparent."""

    size: Size
    orientation: int
    exif: Mapping[int, Any]
    has_alpha: bool


def read_header(source: Path | UInt8) -> Header | None:
    """The header of an image file, or of its bytes; None where Pillow cannot read it."""
    if isinstance(source, Path) and (is_raw(source) or source.suffix.lower() in HEIF_SUFFIXES):
        return _heif_header(source)
    from PIL import Image

    try:
        with Image.open(source if isinstance(source, Path) else BytesIO(source.tobytes())) as image:
            return _of(image)
    except Exception:  # of a damaged file its readers raise whatever comes first
        return None


def most_common_size(headers: Sequence[Header | None]) -> Size | None:
    """The size that most pictures have, the first of several; None where no header tells one."""
    sizes = Counter(header.size for header in headers if header is not None)
    return sizes.most_common(1)[0][0] if sizes else None


def sampled(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of the items, evenly spaced from the first to the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]


def _of(image: Any) -> Header:
    exif = _exif(image)
    orientation = _orientation(exif.get(ORIENTATION))
    is_turned = orientation in TURNED and image.format != "TIFF"  # of TIFF, Pillow's own size is upright already
    size = image.size[::-1] if is_turned else image.size
    return Header(size, orientation, exif.get_ifd(EXIF_IFD), image.has_transparency_data)


def _exif(image: Any) -> Any:
    """EXIF data; without the orientation that Pillow takes from XMP where EXIF has none, which OpenCV does not obey."""
    from PIL import Image

    if image.format not in BY_OPENCV:
        return image.getexif()
    exif = Image.Exif()
    if image.info.get("exif"):
        exif.load(image.info["exif"])
    return exif


def _heif_header(path: Path) -> Header | None:
    try:
        import pi_heif
    except ImportError:
        return None
    try:
        return _of(pi_heif.open_heif(path).to_pillow())
    except Exception:  # of a damaged file its readers raise whatever comes first
        return None


def _orientation(value: Any) -> int:
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
