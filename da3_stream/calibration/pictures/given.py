"""Cameras that are known of single pictures, and which of them belongs to which picture."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ...errors import SettingsError
from ...geometry import nearest_rotations
from ..known_camera import KnownCamera

Float64 = NDArray[np.float64]
RIGID = 1e-3  # how far a rotation may be off


@dataclass(frozen=True, eq=False)
class PictureCamera:
    """The lens of a picture (None: unknown) and where it stood, camera_from_world [4,4], rigid, in OpenCV's axes."""

    lens: KnownCamera | None
    camera_from_world: Float64


@dataclass(frozen=True, eq=False)
class GivenCameras:
    """Cameras by the pictures' names in the file that tells them, or in the order of the pictures where it has no
    names; `source` is that file."""

    source: str
    by_name: Mapping[str, PictureCamera]
    in_order: Sequence[PictureCamera | None] = ()

    def of_pictures(self, paths: Sequence[str]) -> list[PictureCamera | None]:
        """The camera of each picture file, None where there is none.

        A name belongs to the picture whose path ends with it, folders included. Raises SettingsError where that is said
        of two pictures, no picture has a camera, or the counts of a file without names differ.
        """
        if not self.by_name:
            return self._as_ordered(len(paths))
        found = [self._name_of(path) for path in paths]
        twice = [name for name, count in Counter(name for name in found if name is not None).items() if count > 1]
        if twice:
            first, second = [path for path, name in zip(paths, found, strict=True) if name == twice[0]][:2]
            raise SettingsError(
                f"'{twice[0]}' in {self.source} may be {first} or {second}: give pictures of one of the folders"
            )
        if not any(found):
            raise SettingsError(
                f"{self.source} names no picture of the input: it has '{next(iter(self.by_name))}', and the input "
                f"'{paths[0]}'"
            )
        return [None if name is None else self.by_name[name] for name in found]

    def _as_ordered(self, count: int) -> list[PictureCamera | None]:
        if count != len(self.in_order):
            raise SettingsError(
                f"{self.source} has cameras of {len(self.in_order)} pictures without names, and the input has {count}: "
                "give one for each, in their order"
            )
        return list(self.in_order)

    def _name_of(self, path: str) -> str | None:
        """The longest name in the file that is the end of the path."""
        parts = PurePath(path).parts
        ends = [name for name, of_name in self._by_last_part.get(parts[-1], ()) if _is_end(of_name, parts)]
        return max(ends, key=len, default=None)

    @cached_property
    def _by_last_part(self) -> Mapping[str, list[tuple[str, tuple[str, ...]]]]:
        """The names with their parts, less the steps to the folder that they count from, by the pictures' own names."""
        found = defaultdict[str, list[tuple[str, tuple[str, ...]]]](list)
        for name in self.by_name:
            parts = tuple(part for part in PurePath(name).parts if part != "..")
            found[parts[-1] if parts else ""].append((name, parts))
        return found


def _is_end(shorter: Sequence[str], longer: Sequence[str]) -> bool:
    return len(shorter) <= len(longer) and tuple(longer[len(longer) - len(shorter) :]) == tuple(shorter)


def rigid(matrix: Float64, what: str) -> Float64:
    """A pose [3 or 4,4] as [4,4] with a rotation proper. Raises SettingsError, which begins with `what`, for others."""
    pose = np.eye(4)
    pose[:3] = matrix[:3]
    rotation = pose[:3, :3]
    if not np.isfinite(pose).all():
        raise SettingsError(f"{what} is not of finite numbers")
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=RIGID) or np.linalg.det(rotation) < 0:
        raise SettingsError(f"{what} is no rotation with a translation")
    pose[:3, :3] = nearest_rotations(rotation)
    return pose


def pose_of_quaternion(xyzw: Sequence[float], place: Sequence[float], what: str) -> Float64:
    """The pose [4,4] of a quaternion and a translation. Raises SettingsError, which begins with `what`, for others."""
    if not 0.9 < math.hypot(*xyzw) < 1.1:  # never with NaN
        raise SettingsError(f"{what} holds no quaternion of length 1")
    return rigid(np.column_stack([Rotation.from_quat(xyzw).as_matrix(), place]), what)
