"""All pages fused in the world, tile by tile: the run's own cloud and every export of it come from here.

Every point is transformed by the pose of its own frame, so that the cloud is as free of steps as the trajectory. Of
each voxel of the world the best-seen point stays, the one of most confidence per distance; then those that violate the
free space of better views go (see free_space.py). Memory is bounded by cutting the world into tiles: points go to a
spill file by their tile, 23 bytes each (26 with normals, 4 more with their frames), and tiles are finished one by one.
Equal runs give equal bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..settings import CloudSettings
from ..store import OpenSubmaps, Run, RunGeometry
from .axes import FileAxes
from .fusion.depth_views import DepthViews
from .fusion.free_space import violates_free_space
from .fusion.spill import SpillFile
from .fusion.subsampling import Tile, subsample
from .octree.cube import TILE_DEPTH, tile_codes
from .octree.leaves import Leaves, build_leaves
from .output import WRITERS, FusedCloud, write_tiles
from .pages import count_points, page_chunks, read_page
from .points import Points
from .region import Crop
from .transform import camera_distances, find_sorted, points_in_world, world_voxel
from .voxels import best_per_key, shuffle_keys, voxel_keys

_TILE = 1 << 21  # points in a tile, about; finishing it takes some 100 bytes of memory for each
_SURVEY_STEP = 256  # every so many points of a page decide how the world is cut into tiles
_CONFIDENCE_SAMPLE = 1 << 16  # points, where there are so many, of which the confidence threshold is taken


class Watch(Protocol):
    """Sees things of a kind pass, of which there are so many."""

    def __call__(self, what: str, things: Iterable[int], total: int, /) -> Iterator[int]:
        """The things, one after the other."""
        ...


def unwatched(what: str, things: Iterable[int], total: int) -> Iterator[int]:
    """The things; nobody sees them."""
    return iter(things)


@dataclass(frozen=True, eq=False)
class PointSelection:
    """Which points of a run's pages are fused, and which of their properties are kept.

    `settings` hold the voxel, the fusion, the limit and whether there are normals. `frames` selects points only: the
    views that free space is tested against are those of all frames.
    """

    settings: CloudSettings
    frames: NDArray[np.int64] | None = None  # [K] source indices, ascending; None: all
    least_confident: float = 0.0  # share of the points that is left out; their threshold is taken from an even sample
    crop: Crop | None = None  # points outside do not count at all
    with_frames: bool = False  # whether records hold their frame's source index


def write_merged_cloud(run: Run, geometry: RunGeometry, settings: CloudSettings) -> int:
    """Write the run's own cloud (cloud.ply, cloud.laz or tiles/, by `settings.format`); returns how many points.

    Raises StoreError if a page or a submap's file is absent or damaged, or where the settings ask for normals that the
    pages do not have; an earlier cloud stays then.
    """
    with fuse_pages(run, geometry, PointSelection(settings), run.path / "cloud") as cloud:
        axes = FileAxes.world(cloud.units)
        if settings.format == "tiles":
            return write_tiles(run.path / "tiles", cloud, axes)
        return WRITERS[settings.format](run.path / f"cloud.{settings.format}", cloud, axes)


@contextmanager
def fuse_pages(
    run: Run,
    geometry: RunGeometry,
    selection: PointSelection,
    folder: Path,
    leaves: Leaves | None = None,
    watch: Watch = unwatched,
) -> Iterator[FusedCloud]:
    """The selected points of all pages, fused, tile by tile: the `leaves` of an octree, by default cut by the number of
    points.

    Temporary files are in `folder`; `watch` sees the pages and the tiles pass. Raises StoreError as
    `write_merged_cloud` does, also while the tiles are taken.
    """
    settings, dtype = selection.settings, _record_dtype(selection)
    voxel = world_voxel(geometry, settings)
    leaves = leaves or _survey(run, geometry, voxel)
    with ExitStack() as stack:
        file, more = (stack.enter_context(tempfile.TemporaryFile(dir=folder)) for _ in range(2))
        submaps = stack.enter_context(OpenSubmaps(run))
        spill, farthest = SpillFile(file, dtype), 0.0
        for points in _selected_points(run, geometry, selection, watch):
            farthest = max(farthest, float(np.abs(points.xyz).max(initial=0.0)))
            spill.add(leaves.leaf_of(tile_codes(points.xyz, voxel)), _point_records(points, geometry, dtype))
        tiles = _drop_violations(_best_per_voxel(spill, voxel, watch), DepthViews(submaps, geometry), voxel, settings)
        if settings.max_points is not None and spill.count > settings.max_points:
            tiles = subsample(tiles, settings.max_points, voxel, SpillFile(more, dtype))
        yield FusedCloud(geometry.scene.units, voxel, farthest, dtype, tiles)


def _record_dtype(selection: PointSelection) -> np.dtype[np.void]:
    """What is kept of a point: packed, since all points lie on disk."""
    fields = [("xyz", "<f4", 3), ("rgb", "u1", 3), ("confidence", "<f4"), ("distance", "<f4")]
    frame = [("frame", "<i4")] if selection.with_frames else []
    normal = [("normal", "i1", 3)] if selection.settings.normals else []
    return np.dtype([*fields, *frame, *normal])


def _survey(run: Run, geometry: RunGeometry, voxel: float) -> Leaves:
    """Tiles of about equal numbers of points, estimated from an even sample of all pages."""
    codes = [np.zeros(0, np.uint64)]
    for submap in geometry.submaps:
        codes.append(tile_codes(points_in_world(read_page(run, submap, _SURVEY_STEP), geometry, submap).xyz, voxel))
    return build_leaves(np.concatenate(codes), TILE_DEPTH, _TILE // _SURVEY_STEP)


def _selected_points(run: Run, geometry: RunGeometry, selection: PointSelection, watch: Watch) -> Iterator[Points]:
    """The pages in the world, chunk by chunk, without points of other frames and without the least confident ones."""
    threshold = _confidence_threshold(run, geometry, selection) if selection.least_confident else 0.0
    submaps = _selected_submaps(geometry, selection)
    for submap in watch("pages of points", submaps, len(submaps)):
        for page in page_chunks(run, submap):
            points = _select(points_in_world(page, geometry, submap), selection)
            points = points.take(points.confidence >= threshold) if threshold else points
            if len(points):
                yield points


def _selected_submaps(geometry: RunGeometry, selection: PointSelection) -> list[int]:
    """The submaps that own one of the selected frames."""
    if selection.frames is None:
        return list(geometry.submaps)
    poses = geometry.frame_poses
    return np.unique(poses.submap[np.isin(poses.source_index, selection.frames)]).tolist()


def _select(points: Points, selection: PointSelection) -> Points:
    """The points in the world that are of the selected frames, and inside the crop."""
    if selection.frames is not None:
        points = points.take(find_sorted(selection.frames, points.frame)[1])
    return points if selection.crop is None else points.take(selection.crop.contains(points.xyz))


def _confidence_threshold(run: Run, geometry: RunGeometry, selection: PointSelection) -> float:
    """The confidence below which the share `least_confident` of the selected points lies."""
    submaps = _selected_submaps(geometry, selection)
    total = sum(count_points(run, submap) for submap in submaps)
    every = min(_SURVEY_STEP, 1 << max(0, (total // _CONFIDENCE_SAMPLE).bit_length() - 1))
    parts = [np.zeros(0, np.float32)]
    for submap in submaps:
        parts.append(_select(points_in_world(read_page(run, submap, every), geometry, submap), selection).confidence)
    sample = np.concatenate(parts)
    return float(np.quantile(sample, selection.least_confident, method="lower")) if len(sample) else 0.0


def _point_records(points: Points, geometry: RunGeometry, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    records = np.empty(len(points), dtype)
    records["xyz"], records["rgb"], records["confidence"] = points.xyz, points.rgb, points.confidence
    records["distance"] = np.maximum(camera_distances(points, geometry), np.float32(1e-12))
    names = dtype.names or ()
    if "frame" in names:
        records["frame"] = points.frame
    if "normal" in names:
        if points.normal is None:
            raise StoreError("the pages hold no normals: run again with --set cloud.normals=true")
        records["normal"] = np.rint(points.normal * 127)
    return records


def _best_per_voxel(spill: SpillFile, voxel: float, watch: Watch) -> Iterator[Tile]:
    """Tile by tile the best record of every voxel, in an order without spatial pattern."""
    tiles = spill.tiles()
    for tile in watch("tiles of points", tiles, len(tiles)):
        best = np.zeros(0, spill.dtype)
        for records in spill.chunks(tile, _TILE):
            candidates = np.concatenate([best, records]) if len(best) else records
            score = candidates["confidence"] / candidates["distance"]
            best = candidates[best_per_key(shuffle_keys(voxel_keys(candidates["xyz"], voxel)), score)]
        yield tile, best


def _drop_violations(tiles: Iterator[Tile], views: DepthViews, voxel: float, settings: CloudSettings) -> Iterator[Tile]:
    """The tiles without the points that violate free space, unless `settings.fusion` is "off"."""
    for tile, records in tiles:
        if settings.fusion != "off":
            xyz = records["xyz"]
            violates = violates_free_space(views, xyz, records["distance"], tile_codes(xyz, voxel), settings)
            records = records[~violates]
        yield tile, records
