"""Calibrations as plain numbers: a line, or a matrix."""

from __future__ import annotations

import math
import re

import numpy as np

from ..errors import SettingsError
from .known_camera import KnownCamera, opencv_camera

FISHEYE = "opencv_fisheye"
EXPECTED = (
    "expected four numbers fx,fy,cx,cy in pixels (with k1,k2,p1,p2[,k3] behind them where the lens distorts, or as "
    "opencv_fisheye:fx,fy,cx,cy,k1,k2,k3,k4, and @WIDTHxHEIGHT at the end for pictures of another size), or a file "
    "with a calibration"
)
SIZE = re.compile(r"@\s*(\d+)\s*[xX*]\s*(\d+)\s*$")
SHAPES = ((3, 3), (3, 4), (4, 4))  # of matrices that begin with K


def read_line(line: str, what: str) -> KnownCamera:
    """The camera of one line of numbers between commas or blanks, first pixel centre at 0.

    Raises SettingsError with one sentence that begins with `what`.
    """
    text, size = _split_size(line.strip(), what)
    prefix, colon, rest = text.partition(":")
    is_fisheye = bool(colon) and prefix.strip().lower() == FISHEYE
    if colon and not is_fisheye:
        raise SettingsError(f"{what} are neither numbers nor a file that exists: {EXPECTED}")
    values = _numbers(rest if is_fisheye else text, what)
    if len(values) not in ((8,) if is_fisheye else (4, 8, 9)):
        raise SettingsError(f"{what} have {len(values)} number{'s' * (len(values) != 1)}: {EXPECTED}")
    return opencv_camera(values[:4], values[4:], is_fisheye=is_fisheye, size=size, what=what)


def read_matrix(lines: list[str], what: str) -> KnownCamera | None:
    """The camera of a matrix of 3x3, 3x4 or 4x4 numbers that begins with K; None where the lines are none."""
    rows = [row.replace(",", " ").replace(";", " ").strip("[] \t").split() for row in lines]
    if len(rows) == 1 and len(rows[0]) == 9:
        rows = [rows[0][i : i + 3] for i in (0, 3, 6)]
    try:
        matrix = np.array([[float(word) for word in row] for row in rows])
    except ValueError:
        return None
    if matrix.shape not in SHAPES or abs(matrix[2, 2]) < 1e-12:
        return None
    return camera_of_matrix(matrix, (), is_fisheye=False, size=None, what=what)


def camera_of_matrix(
    matrix: np.ndarray,
    distortion: tuple[float, ...],
    *,
    is_fisheye: bool,
    size: tuple[int, int] | None,
    what: str,
) -> KnownCamera:
    """The camera of a matrix [3+,3+] that begins with K, in OpenCV's convention. Raises SettingsError without one."""
    k = matrix[:3, :3]
    if k[2, :2].any() and not k[:2, 2].any():  # column by column, as MATLAB and Open3D have it
        k = k.T
    if not np.isfinite(k).all() or np.any(k[[1, 2, 2], [0, 0, 1]] != 0) or k[2, 2] != 1:
        raise SettingsError(f"{what} hold no camera's matrix: expected fx 0 cx / 0 fy cy / 0 0 1")
    if abs(k[0, 1]) > 1e-6 * abs(k[0, 0]):
        raise SettingsError(f"{what} have a skew of {k[0, 1]:g}, which is not understood: give a matrix without")
    values = [float(value) for value in (k[0, 0], k[1, 1], k[0, 2], k[1, 2])]
    return opencv_camera(values, distortion, is_fisheye=is_fisheye, size=size, what=what)


def _split_size(text: str, what: str) -> tuple[str, tuple[int, int] | None]:
    found = SIZE.search(text)
    if found is None and "@" in text:
        raise SettingsError(f"{what} have '{text[text.index('@') :]}' where a size belongs: {EXPECTED}")
    return (text, None) if found is None else (text[: found.start()], (int(found[1]), int(found[2])))


def _numbers(text: str, what: str) -> list[float]:
    words = text.replace(",", " ").split()
    values = [_number(word) for word in words]
    if words and all(value is None for value in values):
        raise SettingsError(f"{what} are neither numbers nor a file that exists: {EXPECTED}")
    for word, value in zip(words, values, strict=True):
        if value is None:
            raise SettingsError(f"{what} have '{word}' where a finite number belongs: {EXPECTED}")
    return [value for value in values if value is not None]


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
