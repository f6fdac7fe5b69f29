"""A merged cloud on disk: PLY, PCD, E57, LAS, LAZ or a folder of LAZ tiles; what was there stays until it is whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import StoreError
from ..store.files import json_page, replacing_folder, write_text
from ..types import Float32, Float64, UInt8
from .axes import FileAxes
from .files.e57 import E57Layout, create_e57
from .files.laz import LasLayout, LasVersion, LasWriter, coordinate_system, create_las, wkt_of
from .files.pcd import create_pcd
from .files.ply import create_ply, ply_comments
from .fusion.subsampling import Tile
from .voxels import voxel_keys


@dataclass(frozen=True, eq=False)
class FusedCloud:
    """A merged cloud: its facts, and its records (see fuse.py) tile by tile, an iterator that can be taken once."""

    units: str
    voxel: float
    farthest: float  # largest absolute coordinate
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


def las_layout(cloud: FusedCloud, axes: FileAxes, version: LasVersion = "1.4", *, compressed: bool = True) -> LasLayout:
    """The layout of a LAS file of this cloud in these axes.

    Coordinates are integers in steps of the power of ten below 1 % of a voxel, or of what 30 bits reach if that is
    coarser, about the whole number nearest to the world's origin.
    """
    voxel, farthest = (axes.file_from_world.scale * value for value in (cloud.voxel, cloud.farthest))
    fine = math.floor(math.log10(voxel / 100))
    step = 10.0 ** max(fine, math.ceil(math.log10(max(farthest, 1e-300) / 2.0**30)))
    offset = np.rint(axes.file_from_world.translation) + 0.0
    return LasLayout(step, offset, cloud.has_normals, cloud.extras, compressed, axes.crs, axes.text(), version)


def write_ply(path: Path, cloud: FusedCloud, axes: FileAxes) -> int:
    """Write a PLY file; returns how many points. Raises StoreError where the disk refuses."""
    with create_ply(path, ply_comments(axes), normals=cloud.has_normals) as ply:
        for _, records in cloud.tiles:
            ply.write(*in_axes(records, axes))
    return ply.count


def write_pcd(path: Path, cloud: FusedCloud, axes: FileAxes) -> int:
    """Write a PCD file; returns how many points. Raises StoreError where the disk refuses."""
    with create_pcd(path, ply_comments(axes), normals=cloud.has_normals) as pcd:
        for _, records in cloud.tiles:
            pcd.write(*in_axes(records, axes))
    return pcd.count


def write_e57(path: Path, cloud: FusedCloud, axes: FileAxes) -> int:
    """Write an E57 file; returns how many points. Raises StoreError where pye57 is not installed, there are no
    points, or the disk refuses.

    Its coordinates count from the whole number nearest to the world's origin, which readers add.
    """
    origin = np.rint(axes.file_from_world.translation) + 0.0
    wkt = "" if axes.crs is None else wkt_of(coordinate_system(axes.crs))
    with create_e57(path, E57Layout(origin, axes.text(), wkt)) as e57:
        for _, records in cloud.tiles:
            xyz, rgb, _ = in_axes(records, axes)
            e57.write(xyz, rgb)
        if not e57.count:
            raise StoreError("there are no points to write, and readers of E57 refuse a file without any")
    return e57.count


def write_las(path: Path, cloud: FusedCloud, axes: FileAxes, version: LasVersion = "1.4") -> int:
    """Write an uncompressed file; returns how many points. Raises StoreError where the disk refuses."""
    return _write_las_file(path, cloud, las_layout(cloud, axes, version, compressed=False), axes)


def write_laz(path: Path, cloud: FusedCloud, axes: FileAxes, version: LasVersion = "1.4") -> int:
    """Write a compressed file; returns how many points. Raises StoreError where the disk refuses."""
    return _write_las_file(path, cloud, las_layout(cloud, axes, version), axes)


def write_tiles(path: Path, cloud: FusedCloud, axes: FileAxes, version: LasVersion = "1.4") -> int:
    """Write a folder with 000000.laz and so on, and tiles.json with their frame of reference and the bounds of the
    points of each, in the files' coordinates; returns how many points. Raises StoreError where the disk refuses."""
    layout, index = las_layout(cloud, axes, version), list[dict[str, Any]]()
    with replacing_folder(path) as folder:
        for _, records in cloud.tiles:
            if not len(records):
                continue
            name = f"{len(index):06d}.laz"
            with create_las(folder / name, layout) as las:
                _write_records(las, records, cloud, axes)
            index.append({"file": name, "min": las.bounds[0], "max": las.bounds[1], "points": las.count})
        count = sum(entry["points"] for entry in index)
        head = axes.json() | {"voxel": axes.file_from_world.scale * cloud.voxel, "points": count}
        write_text(folder / "tiles.json", json_page(head | {"tiles": index}))
    return count


WRITERS: dict[str, Callable[[Path, FusedCloud, FileAxes], int]] = {"ply": write_ply, "laz": write_laz}


def _write_las_file(path: Path, cloud: FusedCloud, layout: LasLayout, axes: FileAxes) -> int:
    with create_las(path, layout) as las:
        for _, records in cloud.tiles:
            _write_records(las, records, cloud, axes)
    return las.count


def _write_records(las: LasWriter, records: NDArray[np.void], cloud: FusedCloud, axes: FileAxes) -> None:
    """Write records in the order of their voxels, since neighbours compress well."""
    ordered = records[np.argsort(voxel_keys(records["xyz"], cloud.voxel))]
    las.write(*in_axes(ordered, axes), **{name: ordered[name] for name in cloud.extras})


def in_axes(records: NDArray[np.void], axes: FileAxes) -> tuple[Float64, UInt8, Float32 | None]:
    """Positions [M,3], colours [M,3] and normals [M,3], where there are any, in the axes of a file."""
    has_normals = "normal" in (records.dtype.names or ())
    normals = axes.rotate(records["normal"] * np.float32(1 / 127)) if has_normals else None
    return axes.apply(records["xyz"]), records["rgb"], normals
