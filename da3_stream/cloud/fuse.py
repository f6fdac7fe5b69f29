"""All pages in the world, fused, tile by tile: what the run's own cloud and every export of it is written from.

Every point is moved by the place of its own frame, so that the cloud is as free of steps as the trajectory. Of each
voxel of the world the best-seen point stays: the one of most confidence per distance; and of these go those that better
views see through (see free_space.py). Memory is bounded by cutting the world into tiles: points go to a scratch file by
their tile, 23 bytes each (26 with normals, 4 more with their frames), and tiles are finished one by one. Equal runs
give equal bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..settings import CloudSettings
from ..store import Run, RunGeometry
from .fusion.depth_views import Views
from .fusion.free_space import seen_through
from .fusion.spill import Scratch
from .fusion.subsampling import Tile, within_limit
from .fusion.tiling import Tiling, cube_codes, tiling
from .output import WRITERS, Cloud, write_tiles
from .pages import count_points, page_chunks, read_page
from .points import Points
from .transform import distances, points_in_world, positions, world_voxel
from .voxels import best_of_each, shuffled, voxel_keys

_TILE = 1 << 21  # points in a tile, about; finishing it takes some 100 bytes of memory for each
_SURVEYED = 256  # every so many points tell how the world is cut
_SAMPLE = 1 << 16  # points, at least where there are so many, that tell how confident the points are


@dataclass(frozen=True, eq=False)
class Choice:
    """Which points of a run's pages, and what of each.

    `settings` say the voxel, the fusion, the limit and whether there are normals; all frames judge, whatever `frames`.
    """

    settings: CloudSettings
    frames: NDArray[np.int64] | None = None  # ascending, numbers in the input; None: all
    least_confident: float = 0.0  # share of their points that is left out, by an even sample of them
    with_frames: bool = False  # records also say their frame


def merge_cloud(run: Run, geometry: RunGeometry, settings: CloudSettings) -> int:
    """Write the run's own cloud (cloud.ply, cloud.laz or tiles/, by `settings.format`); returns how many points.

    Raises StoreError if a page or a window is absent or damaged, or where normals are asked for that the pages do not
    have; what was there before stays then.
    """
    with merged(run, geometry, Choice(settings), run.path / "cloud") as cloud:
        if settings.format == "tiles":
            return write_tiles(run.path / "tiles", cloud)
        return WRITERS[settings.format](run.path / f"cloud.{settings.format}", cloud)


@contextmanager
def merged(
    run: Run, geometry: RunGeometry, choice: Choice, folder: Path, cubes: Tiling | None = None
) -> Iterator[Cloud]:
    """The chosen points of all pages, fused, in tiles (`cubes`, or by their number); scratch files are in `folder`.

    Raises StoreError as `merge_cloud` does, also while the tiles are taken.
    """
    settings, kind = choice.settings, _record(choice)
    voxel = world_voxel(geometry, settings)
    cubes = cubes or _surveyed(run, geometry, voxel)
    with tempfile.TemporaryFile(dir=folder) as file, tempfile.TemporaryFile(dir=folder) as more:
        scratch, farthest = Scratch(file, kind), 0.0
        for points in _chosen(run, geometry, choice):
            farthest = max(farthest, float(np.abs(points.xyz).max(initial=0.0)))
            scratch.add(cubes.of(cube_codes(points.xyz, voxel)), _records(points, geometry, kind))
        tiles = _fused(_best_seen(scratch, voxel), Views(run, geometry), voxel, settings)
        if settings.max_points is not None and scratch.count > settings.max_points:
            tiles = within_limit(tiles, settings.max_points, voxel, Scratch(more, kind))
        yield Cloud(geometry.scene.units, voxel, farthest, cubes, kind, tiles)


def _record(choice: Choice) -> np.dtype[np.void]:
    fields = [("xyz", "<f4", 3), ("rgb", "u1", 3), ("confidence", "<f4"), ("distance", "<f4")]
    frame = [("frame", "<i4")] if choice.with_frames else []
    normal = [("normal", "i1", 3)] if choice.settings.normals else []
    return np.dtype([*fields, *frame, *normal])


def _surveyed(run: Run, geometry: RunGeometry, voxel: float) -> Tiling:
    """The tiles, by an even sample of all pages."""
    codes = [np.zeros(0, np.uint64)]
    for submap in geometry.submaps:
        codes.append(cube_codes(points_in_world(read_page(run, submap, _SURVEYED), geometry, submap).xyz, voxel))
    return tiling(np.concatenate(codes), _TILE // _SURVEYED)


def _chosen(run: Run, geometry: RunGeometry, choice: Choice) -> Iterator[Points]:
    """The pages in the world, without the points of other frames and the least confident ones."""
    threshold = _threshold(run, geometry, choice) if choice.least_confident else 0.0
    for submap in _submaps(geometry, choice):
        for page in page_chunks(run, submap):
            points = _of_frames(points_in_world(page, geometry, submap), choice)
            points = points.take(points.confidence >= threshold) if threshold else points
            if len(points):
                yield points


def _submaps(geometry: RunGeometry, choice: Choice) -> list[int]:
    """Those that own one of the chosen frames."""
    if choice.frames is None:
        return list(geometry.submaps)
    places = geometry.frame_poses
    return np.unique(places.submap[np.isin(places.source_index, choice.frames)]).tolist()


def _of_frames(points: Points, choice: Choice) -> Points:
    return points if choice.frames is None else points.take(positions(choice.frames, points.frame)[1])


def _threshold(run: Run, geometry: RunGeometry, choice: Choice) -> float:
    """The confidence below which the share of the chosen points lies that is left out."""
    submaps = _submaps(geometry, choice)
    total = sum(count_points(run, submap) for submap in submaps)
    every = min(_SURVEYED, 1 << max(0, (total // _SAMPLE).bit_length() - 1))
    parts = [np.zeros(0, np.float32)]
    for submap in submaps:
        parts.append(_of_frames(points_in_world(read_page(run, submap, every), geometry, submap), choice).confidence)
    sample = np.concatenate(parts)
    return float(np.quantile(sample, choice.least_confident, method="lower")) if len(sample) else 0.0


def _records(points: Points, geometry: RunGeometry, kind: np.dtype[np.void]) -> NDArray[np.void]:
    records = np.empty(len(points), kind)
    records["xyz"], records["rgb"], records["confidence"] = points.xyz, points.rgb, points.confidence
    records["distance"] = np.maximum(distances(points, geometry), np.float32(1e-12))
    names = kind.names or ()
    if "frame" in names:
        records["frame"] = points.frame
    if "normal" in names:
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
            score = together["confidence"] / together["distance"]
            best = together[best_of_each(shuffled(voxel_keys(together["xyz"], voxel)), score)]
        yield tile, best


def _fused(tiles: Iterator[Tile], views: Views, voxel: float, settings: CloudSettings) -> Iterator[Tile]:
    """Without what `settings.fusion` drops."""
    for tile, records in tiles:
        if settings.fusion != "off":
            xyz = records["xyz"]
            gone = seen_through(views, xyz, records["distance"], cube_codes(xyz, voxel), settings)
            records = records[~gone]
        yield tile, records
