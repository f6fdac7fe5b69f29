"""images.bin and images.txt of COLMAP: name, camera and pose of every picture.

pycolmap reads whole models only, points included, and where a file was cut off it goes on reading behind the end until
memory is full. Of a model the poses are enough here, so models without points are read as well.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ...errors import SettingsError
from .given import Float64, pose_of_quaternion

_COUNT = struct.Struct("<Q")
_IMAGE = struct.Struct("<I7dI")  # number, w x y z, translation, camera; then the name, 0, and the points
_POINT_BYTES = 8 + 8 + 8  # x, y, and the number of the point
_TEXT_WORDS = 10  # the same as text, the name last


class ImagePose(NamedTuple):
    """A picture of a model."""

    name: str
    camera: int
    camera_from_world: Float64  # [4,4]


def read_images(path: Path) -> list[ImagePose]:
    """All pictures of the file, which have a pose each. Raises SettingsError with one sentence."""
    try:
        rows = list(_binary(path) if path.suffix == ".bin" else _text(path))
    except (struct.error, ValueError, OSError):
        raise SettingsError(f"'{path}' holds no pictures of COLMAP's that can be read: is it cut off?") from None
    return [_posed(*row, path) for row in rows]


def _binary(path: Path) -> Iterator[tuple[str, int, list[float]]]:
    """Raises struct.error or ValueError where the file ends too early."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        (count,), at = _COUNT.unpack_from(data), _COUNT.size
        for _ in range(count):
            _, *pose, camera = _IMAGE.unpack_from(data, at)
            name = data[at + _IMAGE.size : data.find(b"\0", at + _IMAGE.size)]
            at += _IMAGE.size + len(name) + 1
            (points,) = _COUNT.unpack_from(data, at)
            at += _COUNT.size + _POINT_BYTES * points
            if at > len(data):
                raise ValueError("points are missing")
            yield name.decode("utf-8", "surrogateescape"), camera, pose


def _text(path: Path) -> Iterator[tuple[str, int, list[float]]]:
    """Two lines a picture, of which the second, its points, may be empty. Raises ValueError for others."""
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
        for line in file:
            if not line.strip() or line.startswith("#"):
                continue
            words = line.split(maxsplit=_TEXT_WORDS - 1)
            if len(words) < _TEXT_WORDS or not _is_points(next(file, "")):
                raise ValueError("no picture with its points")
            yield words[-1].strip(), int(words[8]), [float(word) for word in words[1:8]]


def _is_points(line: str) -> bool:
    words = line.split()
    return len(words) % 3 == 0 and (not words or words[-1].lstrip("-").isdecimal())


def _posed(name: str, camera: int, numbers: list[float], path: Path) -> ImagePose:
    (w, *xyz), place = numbers[:4], numbers[4:]
    return ImagePose(name, camera, pose_of_quaternion((*xyz, w), place, f"the pose of '{name}' in '{path}'"))
