"""All pages in the world, fused: cloud.ply, cloud.laz or a folder of LAZ tiles.

Every point is moved by the place of its own frame, so that the cloud is as free of steps as the trajectory. Of each
voxel of the world the best-seen point stays: the one of most confidence per distance; and of these go those that better
views see through (see free_space.py). Memory is bounded by cutting the world into tiles: points go to a scratch file by
their tile, 23 bytes each (26 with normals), and tiles are finished one by one. Equal runs give equal bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..settings import CloudSettings
from ..store import Run, RunGeometry
from .free_space import seen_through
from .output import Cloud, writing_cloud
from .pages import page_chunks, read_page
from .placing import distances, points_in_world, world_voxel
from .points import Points
from .scratch import Scratch
from .thinning import Tile, within_limit
from .tiles import Tiling, cube_codes, tiling
from .views import Views
from .voxels import best_of_each, shuffled, voxel_keys

_TILE = 1 << 21  # points in a tile, about; finishing it takes some 100 bytes of memory for each
_SURVEYED = 256  # every so many points tell how the world is cut
_PLAIN = [("xyz", "<f4", 3), ("rgb", "u1", 3), ("score", "<f4"), ("distance", "<f4")]
_RECORD = {False: np.dtype(_PLAIN), True: np.dtype([*_PLAIN, ("normal", "i1", 3)])}  # without and with normals


def merge_cloud(run: Run, geometry: RunGeometry, settings: CloudSettings) -> int:
    """Write the cloud from all pages in `settings.format`, at most `settings.max_points` points; returns how many.

    Raises StoreError if a page or a window is absent
    or damaged, or where normals are asked for that the pages do not have; what was there before stays then.
    """
    voxel, kind = world_voxel(geometry, settings), _RECORD[settings.normals]
    cubes = _surveyed(run, geometry, voxel)
    with tempfile.TemporaryFile(dir=run.path / "cloud") as file, tempfile.TemporaryFile(dir=run.path / "cloud") as more:
        scratch, farthest = Scratch(file, kind), 0.0
        for points in _placed(run, geometry):
            farthest = max(farthest, float(np.abs(points.xyz).max(initial=0.0)))
            scratch.add(cubes.of(cube_codes(points.xyz, voxel)), _records(points, geometry, kind))
        tiles = _fused(_best_seen(scratch, voxel), Views(run, geometry), voxel, settings)
        if settings.max_points is not None and scratch.count > settings.max_points:
            tiles = within_limit(tiles, settings.max_points, voxel, Scratch(more, kind))
        with writing_cloud(run, Cloud(geometry.scene.units, voxel, farthest, cubes), settings) as output:
            for tile, records in tiles:
                output.write(tile, records)
    return output.count


def _surveyed(run: Run, geometry: RunGeometry, voxel: float) -> Tiling:
    """The tiles, by an even sample of all pages."""
    codes = [np.zeros(0, np.uint64)]
    for node in geometry.nodes:
        codes.append(cube_codes(points_in_world(read_page(run, node, _SURVEYED), geometry, node).xyz, voxel))
    return tiling(np.concatenate(codes), _TILE // _SURVEYED)


def _placed(run: Run, geometry: RunGeometry) -> Iterator[Points]:
    for node in geometry.nodes:
        for points in page_chunks(run, node):
            yield points_in_world(points, geometry, node)


def _records(points: Points, geometry: RunGeometry, kind: np.dtype[np.void]) -> NDArray[np.void]:
    records = np.empty(len(points), kind)
    records["xyz"], records["rgb"] = points.xyz, points.rgb
    records["distance"] = np.maximum(distances(points, geometry), np.float32(1e-12))
    records["score"] = points.confidence / records["distance"]
    if "normal" in (kind.names or ()):
        if points.normal is None:
            raise StoreError("the pages hold no normals: run again with --set cloud.normals=true")
        records["normal"] = np.rint(points.normal * 127)
    return records


def _best_seen(scratch: Scratch, voxel: float) -> Iterator[Tile]:
    """Tile by tile the best record of every voxel, in an order without spatial pattern."""
    for tile in scratch.tiles():
        best = np.zeros(0, scratch.dtype)
        for records in scratch.chunks(tile, _TILE):
            together = np.concatenate([best, records]) if len(best) else records
            best = together[best_of_each(shuffled(voxel_keys(together["xyz"], voxel)), together["score"])]
        yield tile, best


def _fused(tiles: Iterator[Tile], views: Views, voxel: float, settings: CloudSettings) -> Iterator[Tile]:
    """Without what `settings.fusion` drops."""
    for tile, records in tiles:
        if settings.fusion != "off":
            xyz = records["xyz"]
            gone = seen_through(views, xyz, records["distance"], cube_codes(xyz, voxel), settings)
            records = records[~gone]
        yield tile, records
