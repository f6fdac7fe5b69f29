"""The merged cloud as PLY, LAS, LAZ and LAZ tiles, of all frames or some.

PLY is in the run's world. LAS files are in the coordinates of the map where the run is georeferenced, else z up (see
axes.py); what leads there from the run's world stands in a record of their header (da3_stream, 1), as JSON. Their extra
dimensions are `confidence` (float32, as the predictor gave it, 8 significant bits, comparable within a run only) and
`frame` (int32, the number in the input of the frame that saw the point).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...cloud import Axes, FusedCloud, PointSelection, fuse_pages, write_las, write_laz, write_ply, write_tiles
from ...errors import ExportError
from ...settings import Settings
from ...store import RunReader
from ..frame_views import selected_rows
from .axes import las_axes

if TYPE_CHECKING:
    from ..options import CloudOptions, LasOptions

_ASKED = ("voxel_m", "voxel", "max_points", "fusion", "normals")


def export_ply(reader: RunReader, path: Path, options: CloudOptions) -> str:
    """cloud.ply as the run itself writes it."""
    with fuse_pages(reader.run, reader.geometry, cloud_choice(reader, options), path.parent) as cloud:
        return said(reader.units, write_ply(path, cloud))


def export_las(reader: RunReader, path: Path, options: LasOptions) -> str:
    """One uncompressed file."""
    return _export(reader, path, options, write_las)


def export_laz(reader: RunReader, path: Path, options: LasOptions) -> str:
    """One compressed file."""
    return _export(reader, path, options, write_laz)


def export_tiles(reader: RunReader, path: Path, options: LasOptions) -> str:
    """A folder of compressed files that join without gaps, and tiles.json."""
    return _export(reader, path, options, write_tiles)


def cloud_choice(reader: RunReader, options: CloudOptions, *, with_frames: bool = False) -> PointSelection:
    """Which points these options ask for. Raises ExportError for frames that the run does not have, and for metres in
    a run that has none."""
    if options.voxel_m is not None and reader.units != "metres":
        raise ExportError(f"voxel_m needs a run in metres, and {reader.path} is relative: leave it out")
    kept = dict(reader.status.get("settings", {}).get("cloud", {}))
    if options.voxel is not None:
        kept.pop("voxel_m", None)
    asked = {name: getattr(options, name) for name in _ASKED if getattr(options, name) is not None}
    settings = Settings.build({"cloud": {**kept, **asked}}).cloud
    every = options.frames == (None, None) and options.every == 1
    frames = None if every else reader.poses.source_index[selected_rows(reader, options)]
    return PointSelection(settings, frames, options.confidence, with_frames)


def said(units: str, count: int, more: str = "") -> str:
    """A line for people."""
    return f"{count:,} points in {'relative units' if units == 'relative' else units}{more}"


def _export(reader: RunReader, path: Path, options: LasOptions, write: Callable[[Path, FusedCloud, Axes], int]) -> str:
    axes = las_axes(reader, options.up)
    choice = cloud_choice(reader, options, with_frames=True)
    with fuse_pages(reader.run, reader.geometry, choice, path.parent) as cloud:
        count = write(path, cloud, axes)
    where = f", {axes.crs}" if axes.crs else ", z up" if options.up == "z" else ", y down"
    return said(axes.units or reader.units, count, where)
