"""The merged cloud with levels of detail: its octree in the axes of a file, and as COPC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..errors import StoreError
from .axes import FileAxes
from .files.copc import create_copc
from .files.laz import LasLayout, normal_steps
from .octree.building import Octree, build_octree
from .octree.lattice import Lattice, Records
from .output import FusedCloud, in_axes, las_layout


@contextmanager
def cloud_octree(cloud: FusedCloud, axes: FileAxes, folder: Path) -> Iterator[tuple[Octree, LasLayout]]:
    """The octree of a merged cloud on the lattice of its LAS file, whose layout comes with it; temporary files are in
    `folder`.

    Records have the fields `xyz` (steps), `rgb`, the cloud's extras, and `normal` (steps of 1/127) where it has them.
    Raises StoreError for coordinates that do not fit the lattice, and where the disk refuses.
    """
    layout = las_layout(cloud, axes)
    try:
        with build_octree(_records(cloud, axes, layout), Lattice(layout.scale, layout.offset), folder) as tree:
            yield tree, layout
    except OSError as error:
        raise StoreError(f"cannot write in {folder}: {error.strerror or error}") from error


def write_copc(path: Path, cloud: FusedCloud, axes: FileAxes) -> int:
    """Write a COPC file; returns how many points. Raises StoreError where the disk refuses."""
    with cloud_octree(cloud, axes, path.parent) as (tree, layout), create_copc(path, layout, tree) as copc:
        for node in tree.nodes:
            copc.write(node)
    return tree.count


def _records(cloud: FusedCloud, axes: FileAxes, layout: LasLayout) -> Iterator[Records]:
    normal_field = [("normal", "i1", 3)] if cloud.has_normals else []
    dtype = np.dtype([("xyz", "<i4", 3), ("rgb", "u1", 3), *cloud.extras.items(), *normal_field])
    for _, tile in cloud.tiles:
        xyz, rgb, normal = in_axes(tile, axes)
        records: Records = np.empty(len(tile), dtype)
        records["xyz"], records["rgb"] = layout.steps(xyz), rgb
        for name in cloud.extras:
            records[name] = tile[name]
        if normal is not None:
            records["normal"] = normal_steps(normal)
        yield records
