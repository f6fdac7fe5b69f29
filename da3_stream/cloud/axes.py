"""The frame of reference of a file: where its coordinates lie in a run's world, and on the Earth if it is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..geometry import Sim3
from ..store.files import json_line, plain
from ..types import Float32, Float64

AxesName = Literal["world", "upright", "map"]
Up = Literal["z", "y", "-y"]

_COMMENT = 900  # characters in a line: RPLY, of which Open3D reads PLY, takes 1024
_Y_UP_FROM_Z_UP = Sim3(1.0, np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), np.zeros(3))
_Y_UP_FROM_Y_DOWN = Sim3(1.0, np.diag([1.0, -1, -1]), np.zeros(3))


@dataclass(frozen=True, eq=False)
class Anchor:
    """Where a file's coordinates lie on the Earth. `origin` is a place in coordinates of `crs` (easting, northing,
    height or X, Y, Z): that of the file's origin, or of the world's where the file is in coordinates of the map."""

    crs: str  # anything that pyproj reads
    map_from_world: Sim3
    origin: Float64  # [3]
    longitude: float | None  # of the origin, degrees (WGS84); None where PROJ knows no way from a map's datum
    latitude: float | None
    height: float | None  # metres over the ellipsoid; None where PROJ has no grid of the heights' geoid, too


@dataclass(frozen=True, eq=False)
class FileAxes:
    """The axes and units of a file's coordinates.

    `world` are the run's own (x right, y down, z ahead of the first camera), in metres where they are known; `upright`
    are turned such that `up` points up; `map` are east, north, up in metres from a local origin, or coordinates of the
    map itself, whose `crs` then is not None.
    """

    name: AxesName
    file_from_world: Sim3  # from the world as the run's own files have it
    units: str  # "metres", "relative", or what PROJ calls the map's unit
    up: Up
    crs: str | None = None  # of the file's own coordinates
    anchor: Anchor | None = None  # where the run is located
    up_sigma_deg: float | None = None  # of `up`, where it was estimated

    @staticmethod
    def world(units: str) -> FileAxes:
        """The run's own axes and units."""
        return FileAxes("world", Sim3.identity(), units, "-y")

    def apply(self, points: ArrayLike) -> Float64:
        """Points [..., 3] of the run's world in the file's coordinates."""
        return self.file_from_world.apply(points)

    def rotate(self, normals: NDArray[np.floating]) -> Float32:
        """Directions [..., 3] of the run's world in the file's axes."""
        return np.asarray(normals @ self.file_from_world.rotation.T, np.float32)

    def y_up(self) -> FileAxes:
        """The same turned such that y points up and z back, as glTF has it."""
        turn = {"z": _Y_UP_FROM_Z_UP, "-y": _Y_UP_FROM_Y_DOWN, "y": Sim3.identity()}[self.up]
        return replace(self, file_from_world=turn @ self.file_from_world, up="y")

    @property
    def up_text(self) -> str:
        """ "z up" and the like."""
        return {"z": "z up", "y": "y up", "-y": "y down"}[self.up]

    def json(self) -> dict[str, Any]:
        """What every format stores; 4x4 matrices row by row, `map_from_file` only where the run is located."""
        sigma = {} if self.up_sigma_deg is None else {"up_sigma_deg": round(self.up_sigma_deg, 3)}
        return {
            "axes": self.name,
            "up": self.up,
            **sigma,
            "units": self.units,
            "file_from_world": self.file_from_world.matrix().tolist(),
            "crs": self.crs,
            "anchor": None if self.anchor is None else self._anchor_json(self.anchor),
        }

    def text(self) -> str:
        """`json` in one line."""
        return json_line(self.json())

    def comments(self) -> list[str]:
        """`json` for the comments of a file, `key: value` in ASCII, with `+ ` before the rest of a long line."""
        return record_comments(self.json())

    def _anchor_json(self, anchor: Anchor) -> dict[str, Any]:
        return {
            "crs": anchor.crs,
            "origin": anchor.origin.tolist(),
            "longitude": anchor.longitude,
            "latitude": anchor.latitude,
            "height": anchor.height,
            "map_from_file": (anchor.map_from_world @ self.file_from_world.inverse()).matrix().tolist(),
        }


def record_comments(record: Mapping[str, Any]) -> list[str]:
    """A record as comments of a file, as `FileAxes.comments` writes them."""
    lines = [f"{key}: {json.dumps(plain(value))}" for key, value in record.items()]
    cuts = [(line, range(0, len(line), _COMMENT)) for line in lines]
    return [("+ " if at else "") + line[at : at + _COMMENT] for line, starts in cuts for at in starts]
