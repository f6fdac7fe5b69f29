"""A film of a run's coloured points, or of its surface."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from ...cloud import fuse_pages
from ...errors import ExportError
from ...store import RunReader
from ...types import Float32, Float64, UInt8
from ..options import CloudOptions, FlythroughOptions
from ..progress import Progress
from .filming import film
from .flight import Flight, plan_flight, segment_points
from .surface import read_surface

if TYPE_CHECKING:
    from ...rendering import Rendering

DIAMETER_PX = 1.5  # of a point, at least
_WIDER = 1.5  # than the way to the nearest other one, so that discs on a surface close
_ASKED = 2000  # points of a tile, for that way


def export_flythrough(reader: RunReader, path: Path, options: FlythroughOptions, progress: Progress) -> str:
    """An MP4 (H.264) of the merged cloud, or of the mesh, from a camera that flies through it, with its depth.

    Points are discs as large as their spacing. Raises ExportError where the segment has no points or no surface, and
    as `plan_flight` and `film`.
    """
    flight = plan_flight(reader, options)
    read = read_surface if options.surface == "mesh" else _read_scene
    scene = read(reader, path.parent, options, flight, progress)
    return film(reader, path, options, flight, scene.draw, progress) + f"; {scene.text}"


@dataclass(frozen=True, eq=False)
class Tile:
    """Points that lie together: those beside the picture need not be looked at one by one."""

    xyz: Float32  # [M,3] in the world
    rgb: UInt8  # [M,3]
    middle: Float64  # [3] and radius of a ball around them
    radius: float
    nearest: float  # median way from a point to the nearest other one; infinite for a single one

    @staticmethod
    def of(xyz: Float32, rgb: UInt8) -> Tile:
        """Of points [M,3] with their colours; there is one at least."""
        low, high = xyz.min(axis=0).astype(np.float64), xyz.max(axis=0).astype(np.float64)
        some = xyz[:: max(1, len(xyz) // _ASKED)]
        ways = np.asarray(cKDTree(xyz).query(some, k=[2])[0])  # infinite for a single one
        return Tile(xyz, rgb, (low + high) / 2, float(np.linalg.norm(high - low)) / 2, float(np.median(ways)))

    def may_be_seen(self, camera_from_world: Float64, k: Float64, size: tuple[int, int]) -> bool:
        """Whether the ball meets the view."""
        at = camera_from_world[:3, :3] @ self.middle + camera_from_world[:3, 3]
        edges = np.linalg.inv(k) @ [[0.0, size[0], size[0], 0], [0, 0, size[1], size[1]], [1, 1, 1, 1]]
        inward = np.cross(edges.T, np.roll(edges.T, -1, axis=0))
        away = inward @ at / np.linalg.norm(inward, axis=1)
        return bool(at[2] > -self.radius and (away > -self.radius).all())


@dataclass(frozen=True, eq=False)
class _ScenePoints:
    """The points of a scene, tile by tile."""

    tiles: list[Tile]

    @property
    def text(self) -> str:
        """What is shown, for people."""
        return f"{sum(len(tile.xyz) for tile in self.tiles):,} points"

    @property
    def spacing(self) -> float:
        ways = np.repeat([tile.nearest for tile in self.tiles], [len(tile.xyz) for tile in self.tiles])
        return _WIDER * float(np.nan_to_num(np.median(ways), posinf=0.0))

    def draw(self, camera_from_world: Float64, k: Float64, size: tuple[int, int]) -> Rendering:
        """The points as a camera sees them."""
        from ...rendering import render_points

        seen = [tile for tile in self.tiles if tile.may_be_seen(camera_from_world, k, size)]
        xyz = np.concatenate([np.zeros((0, 3), np.float32), *(tile.xyz for tile in seen)])
        rgb = np.concatenate([np.zeros((0, 3), np.uint8), *(tile.rgb for tile in seen)])
        return render_points(xyz, rgb, camera_from_world, k, size, diameter_px=DIAMETER_PX, spacing=self.spacing)


def _read_scene(
    reader: RunReader, folder: Path, options: FlythroughOptions, flight: Flight, progress: Progress
) -> _ScenePoints:
    cloud_options = CloudOptions(max_points=options.max_points, confidence=options.confidence, normals=False)
    selection = segment_points(reader, options, flight, cloud_options)
    with fuse_pages(reader.run, reader.geometry, selection, folder, watch=progress.each) as cloud:
        tiles = [Tile.of(records["xyz"].copy(), records["rgb"].copy()) for _, records in cloud.tiles if len(records)]
    if not tiles:
        raise ExportError(f"the frames asked for have no points in {reader.path}: nothing to film")
    return _ScenePoints(tiles)
