"""Poses as lines of numbers, in the order of the pictures: KITTI's, matrices, and TUM's; lenses a line beside them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ...errors import SettingsError
from ...geometry.camera_models import CameraModel
from ..known_camera import KnownCamera, checked
from .given import Float64, GivenCameras, PictureCamera, pose_of_quaternion, rigid

POSES, INTRINSICS = "camera_poses.txt", "intrinsics.txt"  # of a run directory, and of DA3-Streaming
QUATERNION = 8  # numbers of a line of TUM: time, place, x, y, z, w


def read_pose_list(poses: Path, intrinsics: Path | None) -> GivenCameras:
    """world_from_camera of each picture, as 12 or 16 numbers a line (KITTI; a matrix) or 8 (TUM), and fx fy cx cy a
    line where there are `intrinsics` (pixels of the pictures, first centre at 0.5). Raises SettingsError."""
    rows, what = _rows(poses), f"'{poses}'"
    if len(set(map(len, rows))) != 1 or len(rows[0]) not in (QUATERNION, 12, 16):
        raise SettingsError(f"{what} is no list of poses: expected 12 or 16 numbers a line, or TUM's 8")
    found = [_pose(row, f"line {number} of {what}") for number, row in enumerate(rows, 1)]
    lenses = [None] * len(found) if intrinsics is None else _lenses(intrinsics)
    if len(lenses) != len(found):
        raise SettingsError(f"{what} has {len(found)} poses, and '{intrinsics}' {len(lenses)} lenses: expected as many")
    cameras = [
        None if pose is None else PictureCamera(lens, np.linalg.inv(pose).astype(np.float64, copy=False))
        for lens, pose in zip(lenses, found, strict=True)
    ]
    return GivenCameras(str(poses), {}, cameras)


def _rows(path: Path) -> list[list[float]]:
    lines = [line.replace(",", " ").split() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    lines = [words for words in lines if words and not words[0].startswith("#")]
    try:
        rows = [[float(word) for word in words] for words in lines]
    except ValueError:
        rows = []
    if not rows or any(math.isinf(value) for row in rows for value in row):
        raise SettingsError(f"'{path}' does not hold lines of numbers")
    return rows


def _pose(row: list[float], what: str) -> Float64 | None:
    """world_from_camera [4,4] of the numbers of a line; None where they are NaN: the pose is unknown."""
    if any(map(math.isnan, row)):
        return None
    if len(row) != QUATERNION:
        return rigid(np.array(row).reshape(-1, 4), what)
    return pose_of_quaternion(row[4:], row[1:4], what)


def _lenses(path: Path) -> list[KnownCamera | None]:
    rows = _rows(path)
    if any(len(row) != 4 for row in rows):
        raise SettingsError(f"'{path}' is no list of lenses: expected fx fy cx cy a line")
    return [None if any(map(math.isnan, row)) else _lens(row, path) for row in rows]


def _lens(row: list[float], path: Path) -> KnownCamera:
    fx, fy, cx, cy = row
    return checked(KnownCamera(CameraModel.perspective(fx, fy, cx, cy), None, str(path)), f"the lenses of '{path}'")
