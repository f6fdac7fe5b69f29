"""The merged cloud as PLY, LAS, LAZ and LAZ tiles, of all frames or some.

PLY is in the run's world. LAS files are in map coordinates where the run is georeferenced, else z up (see axes.py); a
record of their header (da3_stream, 1) has the transform from the run's world, as JSON. Their extra dimensions are
`confidence` (float32, as the predictor gave it, 8 significant bits, comparable within a run only) and `frame` (int32,
index in the input of the frame that observed the point).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...cloud import Axes, FusedCloud, PointSelection, fuse_pages, write_las, write_laz, write_ply, write_tiles
from ...errors import ExportError
from ...settings import CloudSettings, Settings
from ...store import RunReader
from ..frame_views import selected_rows
from .axes import las_axes

if TYPE_CHECKING:
    from ..options import CloudOptions, LasOptions


def export_ply(reader: RunReader, path: Path, options: CloudOptions) -> str:
    """cloud.ply as the run itself writes it."""
    with fuse_pages(reader.run, reader.geometry, point_selection(reader, options), path.parent) as cloud:
        return cloud_summary(reader.units, write_ply(path, cloud))


def export_las(reader: RunReader, path: Path, options: LasOptions) -> str:
    """One uncompressed file."""
    return _export(reader, path, options, write_las)


def export_laz(reader: RunReader, path: Path, options: LasOptions) -> str:
    """One compressed file."""
    return _export(reader, path, options, write_laz)


def export_tiles(reader: RunReader, path: Path, options: LasOptions) -> str:
    """A folder of compressed files that join without gaps, and tiles.json."""
    return _export(reader, path, options, write_tiles)


def point_selection(reader: RunReader, options: CloudOptions, *, with_frames: bool = False) -> PointSelection:
    """The points that these options select, under the run's cloud settings with the changes that the options make.

    Raises ExportError for frames that the run does not have, and for metres in a run without metric scale.
    """
    if options.voxel_m is not None and reader.units != "metres":
        raise ExportError(f"voxel_m needs a run in metres, and {reader.path} is relative: leave it out")
    of_run = dict(reader.status.get("settings", {}).get("cloud", {}))
    if options.voxel is not None:
        of_run.pop("voxel_m", None)
    settings = Settings.build({"cloud": {**of_run, **_changed_settings(options)}}).cloud
    is_whole = options.frames == (None, None) and options.every == 1
    frames = None if is_whole else reader.poses.source_index[selected_rows(reader, options)]
    return PointSelection(settings, frames, options.confidence, with_frames)


def cloud_summary(units: str, count: int, more: str = "") -> str:
    """One line for people."""
    return f"{count:,} points in {'relative units' if units == 'relative' else units}{more}"


def _changed_settings(options: CloudOptions) -> dict[str, Any]:
    """The cloud settings that the options give another value: options of that name which are not None."""
    names = [name for name in type(options).model_fields if name in CloudSettings.model_fields]
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def _export(reader: RunReader, path: Path, options: LasOptions, write: Callable[[Path, FusedCloud, Axes], int]) -> str:
    axes = las_axes(reader, options.up)
    selection = point_selection(reader, options, with_frames=True)
    with fuse_pages(reader.run, reader.geometry, selection, path.parent) as cloud:
        count = write(path, cloud, axes)
    axes_text = f", {axes.crs}" if axes.crs else ", z up" if options.up == "z" else ", y down"
    return cloud_summary(axes.units or reader.units, count, axes_text)
