"""The merged cloud as PLY, LAS, LAZ, COPC and LAZ tiles, of all frames or some.

Every file says in which axes it is (see `FileAxes`): PLY in comments, LAS in a record of its header (da3_stream, 1) as
JSON. Where the run is located, LAS files are in coordinates of the map. Their extra dimensions are
`confidence` (float32, as the predictor gave it, 8 significant bits, comparable within a run only) and `frame` (int32,
index in the input of the frame that observed the point).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...cloud import (
    Crop,
    FusedCloud,
    PointSelection,
    fuse_pages,
    write_copc,
    write_las,
    write_laz,
    write_ply,
    write_tiles,
)
from ...errors import ExportError
from ...settings import CloudSettings, Settings
from ...store import RunReader
from ..axes import AxesName, FileAxes, file_axes, map_axes
from ..frame_views import selected_rows
from ..upright import crop_of_run

if TYPE_CHECKING:
    from ..options import CloudOptions, LasOptions


def export_ply(reader: RunReader, path: Path, options: CloudOptions) -> str:
    """One file; where it is in the run's world, the bytes of the run's own cloud.ply."""
    axes = file_axes(reader, options.axes, relative="world")
    selection = point_selection(reader, options, axes)
    with fuse_pages(reader.run, reader.geometry, selection, path.parent) as cloud:
        return cloud_summary(axes, write_ply(path, cloud, axes), crop=selection.crop)


def export_las(reader: RunReader, path: Path, options: LasOptions) -> str:
    """One uncompressed file."""
    return _export(reader, path, options, write_las)


def export_laz(reader: RunReader, path: Path, options: LasOptions) -> str:
    """One compressed file."""
    return _export(reader, path, options, write_laz)


def export_copc(reader: RunReader, path: Path, options: LasOptions) -> str:
    """One compressed file with levels of detail, of which readers take what they look at."""
    return _export(reader, path, options, write_copc)


def export_tiles(reader: RunReader, path: Path, options: LasOptions) -> str:
    """A folder of compressed files that join without gaps, and tiles.json."""
    return _export(reader, path, options, write_tiles)


def las_axes(reader: RunReader, options: LasOptions) -> FileAxes:
    """The axes of a LAS file: the coordinates of the map itself where the run is located. Raises ExportError as
    `file_axes`, and StoreError for a coordinate system that PROJ does not know."""
    relative: AxesName = "upright" if options.up == "z" else "world"
    axes = file_axes(reader, options.axes, relative=relative)
    return map_axes(reader) if axes.name == "map" else axes


def point_selection(
    reader: RunReader, options: CloudOptions, axes: FileAxes, *, with_frames: bool = False
) -> PointSelection:
    """The points that these options select, under the run's cloud settings with the changes that the options make. A
    crop is in the coordinates of a file with these axes.

    Raises ExportError for frames that the run does not have, for metres in a run without metric scale, and where the
    cameras circle no object.
    """
    if options.voxel_m is not None and reader.units != "metres":
        raise ExportError(f"voxel_m needs a run in metres, and {reader.path} is relative: leave it out")
    of_run = dict(reader.status.get("settings", {}).get("cloud", {}))
    if options.voxel is not None:
        of_run.pop("voxel_m", None)
    settings = Settings.build({"cloud": {**of_run, **_changed_settings(options)}}).cloud
    is_whole = options.frames == (None, None) and options.every == 1
    frames = None if is_whole else reader.poses.source_index[selected_rows(reader, options)]
    crop = crop_of_run(reader, options.crop, axes)
    return PointSelection(settings, frames, options.confidence, crop, with_frames)


def cloud_summary(axes: FileAxes, count: int, more: str = "", *, crop: Crop | None = None) -> str:
    """One line for people: how many points, in which units and axes, and of which part of the scene.

    Raises ExportError where a crop leaves none.
    """
    if crop is not None and not count:
        raise ExportError(f"no point lies in {crop.region}, in the coordinates of the file: nothing to export")
    more += "" if crop is None else f", cropped to {crop.region}"
    units = "relative units" if axes.units == "relative" else axes.units
    where = "" if axes.name == "world" else f", {axes.crs or axes.up_text}"
    return f"{count:,} points in {units}{where}{more}"


def _changed_settings(options: CloudOptions) -> dict[str, Any]:
    """The cloud settings that the options give another value: options of that name which are not None."""
    names = [name for name in type(options).model_fields if name in CloudSettings.model_fields]
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def _export(
    reader: RunReader, path: Path, options: LasOptions, write: Callable[[Path, FusedCloud, FileAxes], int]
) -> str:
    axes = las_axes(reader, options)
    selection = point_selection(reader, options, axes, with_frames=True)
    with fuse_pages(reader.run, reader.geometry, selection, path.parent) as cloud:
        return cloud_summary(axes, write(path, cloud, axes), crop=selection.crop)
