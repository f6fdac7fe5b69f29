"""Calibrations of KITTI: lines "P0: ..." with projection matrices [3,4] of rectified pictures, and their sizes."""

from __future__ import annotations

import re

import numpy as np

from ..errors import SettingsError
from .known_camera import KnownCamera
from .lines import camera_of_matrix

PROJECTION = re.compile(r"P(?:_rect_)?(\d+)\s*:\s*(.*)")
SIZE = re.compile(r"S_rect_(\d+)\s*:\s*(\S+)\s+(\S+)")


def is_kitti(lines: list[str]) -> bool:
    """Whether one of the lines is a projection matrix."""
    return any(PROJECTION.match(line) for line in lines)


def read_kitti(lines: list[str], what: str) -> dict[str, KnownCamera]:
    """The cameras by their names (P0, ...). Raises SettingsError with one sentence."""
    sizes = {int(found[1]): (float(found[2]), float(found[3])) for line in lines if (found := SIZE.match(line))}
    cameras = {}
    for line in lines:
        if found := PROJECTION.match(line):
            name, number = f"P{int(found[1])}", int(found[1])
            size = sizes.get(number)
            cameras[name] = camera_of_matrix(
                _matrix(found[2], f"{what}, {name},"),
                (),
                is_fisheye=False,
                size=None if size is None else (round(size[0]), round(size[1])),
                what=f"{what}, {name},",
            )
    return dict(sorted(cameras.items()))


def _matrix(text: str, what: str) -> np.ndarray:
    try:
        return np.array([float(word) for word in text.split()]).reshape(3, 4)
    except ValueError:
        raise SettingsError(f"{what} have no twelve numbers, as a projection matrix has") from None
