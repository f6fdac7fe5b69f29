"""A merged cloud on disk: PLY, LAS, LAZ or a folder of LAZ tiles; what was there before stays until it is whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..geometry import Sim3
from ..store.files import json_page, replacing_folder, write_text
from ..types import Float32, Float64
from .files.laz import LasLayout, LasWriter, create_las
from .files.ply import create_ply
from .fusion.subsampling import Tile
from .octree.cube import Cube
from .octree.leaves import Leaves
from .voxels import voxel_keys


@dataclass(frozen=True, eq=False)
class FusedCloud:
    """A merged cloud: its facts, and its records (see fuse.py) tile by tile, an iterator that can be taken once."""

    units: str
    voxel: float
    farthest: float  # largest absolute coordinate
    leaves: Leaves
    record_dtype: np.dtype[np.void]
    tiles: Iterable[Tile]

    @property
    def has_normals(self) -> bool:
        """Whether every record has a surface normal."""
        return "normal" in (self.record_dtype.names or ())

    @property
    def extras(self) -> dict[str, DTypeLike]:
        """Extra dimensions of LAS files: confidence and frame, if the records hold the frame."""
        return {"confidence": np.float32, "frame": np.int32} if "frame" in (self.record_dtype.names or ()) else {}


@dataclass(frozen=True, eq=False)
class Axes:
    """The coordinates of LAS files, by default those of the run's world."""

    file_from_world: Sim3 = field(default_factory=Sim3.identity)
    crs: str | None = None  # anything that pyproj reads; None: local coordinates
    note: str = ""  # JSON, kept in the files
    units: str | None = None  # of the files' coordinates; None: those of the run's world

    def las_layout(self, cloud: FusedCloud, *, compressed: bool = True) -> LasLayout:
        """The layout of a file of this cloud.

        Coordinates are integers in steps of the power of ten below 1 % of a voxel, or of what 30 bits reach if that
        is coarser, about the whole number nearest to the world's origin.
        """
        voxel, farthest = (self.file_from_world.scale * value for value in (cloud.voxel, cloud.farthest))
        fine = math.floor(math.log10(voxel / 100))
        step = 10.0 ** max(fine, math.ceil(math.log10(max(farthest, 1e-300) / 2.0**30)))
        offset = np.rint(self.file_from_world.translation) + 0.0
        return LasLayout(step, offset, cloud.has_normals, cloud.extras, compressed, self.crs, self.note)


WORLD = Axes()


def write_ply(path: Path, cloud: FusedCloud) -> int:
    """Write the points in the run's world; returns how many. Raises StoreError where the disk refuses."""
    with create_ply(path, f"da3_stream, {cloud.units}", normals=cloud.has_normals) as ply:
        for _, records in cloud.tiles:
            ply.write(records["xyz"], records["rgb"], _normals(records))
    return ply.count


def write_las(path: Path, cloud: FusedCloud, axes: Axes = WORLD) -> int:
    """Write an uncompressed file; returns how many points. Raises StoreError where the disk refuses."""
    return _write_las_file(path, cloud, axes, compressed=False)


def write_laz(path: Path, cloud: FusedCloud, axes: Axes = WORLD) -> int:
    """Write a compressed file; returns how many points. Raises StoreError where the disk refuses."""
    return _write_las_file(path, cloud, axes, compressed=True)


def write_tiles(path: Path, cloud: FusedCloud, axes: Axes = WORLD) -> int:
    """Write a folder with 000000.laz and so on, and tiles.json with their units and the cube of each, which is in the
    run's world; returns how many points. Raises StoreError where the disk refuses."""
    layout, index = axes.las_layout(cloud), list[dict[str, Any]]()
    with replacing_folder(path) as folder:
        for tile, records in cloud.tiles:
            if not len(records):
                continue
            name = f"{len(index):06d}.laz"
            with create_las(folder / name, layout) as las:
                _write_records(las, records, cloud, axes)
            level = int(cloud.leaves.levels[tile])
            code = int(cloud.leaves.starts[tile]) >> 3 * (cloud.leaves.depth - level)
            low, high = Cube.of_voxels(cloud.voxel).node_bounds(code, level)
            index.append({"file": name, "low": low, "high": high, "points": len(records)})
        count = sum(entry["points"] for entry in index)
        write_text(folder / "tiles.json", json_page(_tiles_metadata(cloud, axes, count) | {"tiles": index}))
    return count


WRITERS: dict[str, Callable[[Path, FusedCloud], int]] = {"ply": write_ply, "laz": write_laz}


def _tiles_metadata(cloud: FusedCloud, axes: Axes, count: int) -> dict[str, Any]:
    voxel = axes.file_from_world.scale * cloud.voxel
    metadata: dict[str, Any] = {"units": axes.units or cloud.units, "voxel": voxel, "points": count}
    if axes is not WORLD:
        metadata |= {"crs": axes.crs, "file_from_world": axes.file_from_world.matrix()}
    return metadata


def _write_las_file(path: Path, cloud: FusedCloud, axes: Axes, *, compressed: bool) -> int:
    with create_las(path, axes.las_layout(cloud, compressed=compressed)) as las:
        for _, records in cloud.tiles:
            _write_records(las, records, cloud, axes)
    return las.count


def _write_records(las: LasWriter, records: NDArray[np.void], cloud: FusedCloud, axes: Axes) -> None:
    """Write records in the order of their voxels, since neighbours compress well."""
    ordered = records[np.argsort(voxel_keys(records["xyz"], cloud.voxel))]
    xyz: Float64 = axes.file_from_world.apply(ordered["xyz"].astype(np.float64))
    normals = _normals(ordered)
    if normals is not None:
        normals = (normals @ axes.file_from_world.rotation.T).astype(np.float32)
    las.write(xyz, ordered["rgb"], normals, **{name: ordered[name] for name in cloud.extras})


def _normals(records: NDArray[np.void]) -> Float32 | None:
    return records["normal"] * np.float32(1 / 127) if "normal" in (records.dtype.names or ()) else None
