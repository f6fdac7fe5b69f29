"""A folder with tileset.json and a GLB for each tile, of a run that is located."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...cloud import FusedCloud, cloud_octree, fuse_pages
from ...cloud.octree.lattice import Lattice
from ...errors import ExportError
from ...store import RunReader
from ..axes import FileAxes, ecef_from_file, ecef_of, file_axes
from ..cloud.files import cloud_summary, point_selection
from .placing import EarthPlacing
from .tileset import TilesetWriter

if TYPE_CHECKING:
    from ..options import Tiles3dOptions
    from ..progress import Progress


def export_3dtiles(reader: RunReader, path: Path, options: Tiles3dOptions, progress: Progress) -> str:
    """The merged cloud in an octree, each of whose nodes is a tile.

    Raises ExportError for a run that is not located or has no points, and where PROJ has no grid of the heights' geoid.
    """
    if reader.geometry.scene.georeference is None:
        raise ExportError(
            f"3D Tiles stand on the Earth, and {reader.path} is not located (scene.json has no georeference): export "
            "copc, which has levels of detail, too"
        )
    axes = file_axes(reader, "map", relative="world")
    selection = point_selection(reader, options, axes)
    with fuse_pages(reader.run, reader.geometry, selection, path.parent, watch=progress.each) as cloud:
        count = write_3dtiles(path, cloud, axes)
    return cloud_summary(axes, count, f", {len(list(path.glob('*.glb'))):,} tiles", crop=selection.crop)


def write_3dtiles(folder: Path, cloud: FusedCloud, axes: FileAxes) -> int:
    """Write tileset.json and its tiles into an empty folder; `axes` are those of the map, in metres, with an anchor.

    Returns how many points. Raises ExportError where there are none, and where PROJ has no grid of the heights' geoid.
    """
    ecef_from_root = ecef_from_file(axes)
    with cloud_octree(cloud, axes, folder.parent) as (tree, layout):
        if not tree.count:
            raise ExportError("there are no points to put on the Earth")
        placing = EarthPlacing(ecef_from_root, partial(ecef_of, axes), tree.low, tree.high)
        tiles = TilesetWriter(folder, tree, Lattice(layout.scale, layout.offset), placing)
        for node in tree.nodes:
            tiles.write(node)
        tiles.finish(ecef_from_root, axes.json())
    return tree.count
