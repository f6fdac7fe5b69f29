"""The merged cloud as PLY, PCD, E57, LAS, LAZ, COPC and LAZ tiles, of all frames or some.

Every file says in which axes it is (see `FileAxes`): PLY and PCD in comments, E57 in the scan's description, LAS in a
record of its header (da3_stream, 1), as JSON. Where the run is located, LAS and E57 files are in coordinates of the
map. The extra dimensions of LAS are `confidence` (float32, as the predictor gave it, 8 significant bits, comparable
within a run only) and `frame` (int32, index in the input of the frame that observed the point).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...cloud import (
    Crop,
    FusedCloud,
    PointSelection,
    fuse_pages,
    write_copc,
    write_e57,
    write_las,
    write_laz,
    write_pcd,
    write_ply,
    write_tiles,
)
from ...cloud.files.e57 import load_libe57
from ...errors import ExportError
from ...settings import CloudSettings, Settings
from ...store import RunReader
from ...upright import crop_of_run
from ..axes import AxesName, FileAxes, file_axes, map_axes
from ..frame_views import selected_rows
from ..progress import Progress

if TYPE_CHECKING:
    from ..options import CloudOptions, LasOptions, PlainLasOptions

WriteCloud = Callable[[Path, FusedCloud, FileAxes], int]


def export_ply(reader: RunReader, path: Path, options: CloudOptions, progress: Progress) -> str:
    """One file; where it is in the run's world, the bytes of the run's own cloud.ply."""
    return _write(reader, path, options, progress, write_ply, file_axes(reader, options.axes, relative="world"))


def export_pcd(reader: RunReader, path: Path, options: CloudOptions, progress: Progress) -> str:
    """One file."""
    return _write(reader, path, options, progress, write_pcd, file_axes(reader, options.axes, relative="world"))


def export_e57(reader: RunReader, path: Path, options: CloudOptions, progress: Progress) -> str:
    """One file, without normals; in coordinates of the map itself where its unit is the metre, as in the standard.

    Raises ExportError where normals are asked for, and StoreError where pye57 is not installed.
    """
    if options.normals:
        raise ExportError("e57 has no place for normals: leave them out, or give another format")
    load_libe57()
    axes = file_axes(reader, options.axes, relative="upright")
    if axes.name == "map":
        of_map = map_axes(reader)
        axes = of_map if of_map.units == "metres" else axes
    without = options.model_copy(update={"normals": False})
    return _write(reader, path, without, progress, write_e57, axes) + ", without normals"


def export_las(reader: RunReader, path: Path, options: PlainLasOptions, progress: Progress) -> str:
    """One uncompressed file."""
    return _export(reader, path, options, progress, partial(write_las, version=options.version))


def export_laz(reader: RunReader, path: Path, options: PlainLasOptions, progress: Progress) -> str:
    """One compressed file."""
    return _export(reader, path, options, progress, partial(write_laz, version=options.version))


def export_copc(reader: RunReader, path: Path, options: LasOptions, progress: Progress) -> str:
    """One compressed file with levels of detail, of which readers take what they look at."""
    return _export(reader, path, options, progress, write_copc)


def export_tiles(reader: RunReader, path: Path, options: PlainLasOptions, progress: Progress) -> str:
    """A folder of compressed files that join without gaps, and tiles.json."""
    return _export(reader, path, options, progress, partial(write_tiles, version=options.version))


def las_axes(reader: RunReader, options: LasOptions) -> FileAxes:
    """The axes of a LAS file: the coordinates of the map itself where the run is located. Raises ExportError as
    `file_axes`."""
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


def cloud_summary(axes: FileAxes, count: int, more: str = "", *, crop: Crop | None = None, what: str = "points") -> str:
    """One line for people: how many points (or `what`), in which units and axes, and of which part of the scene.

    Raises ExportError where a crop leaves none.
    """
    if crop is not None and not count:
        raise ExportError(
            f"no {what.removesuffix('s')} lies in {crop.region}, in the coordinates of the file: nothing to export"
        )
    more += "" if crop is None else f", cropped to {crop.region}"
    units = "relative units" if axes.units == "relative" else axes.units
    where = "" if axes.name == "world" else f", {axes.crs or axes.up_text}"
    return f"{count:,} {what} in {units}{where}{more}"


def _changed_settings(options: CloudOptions) -> dict[str, Any]:
    """The cloud settings that the options give another value: options of that name which are not None."""
    names = [name for name in type(options).model_fields if name in CloudSettings.model_fields]
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def _export(reader: RunReader, path: Path, options: LasOptions, progress: Progress, write: WriteCloud) -> str:
    return _write(reader, path, options, progress, write, las_axes(reader, options), with_frames=True)


def _write(
    reader: RunReader,
    path: Path,
    options: CloudOptions,
    progress: Progress,
    write: WriteCloud,
    axes: FileAxes,
    *,
    with_frames: bool = False,
) -> str:
    selection = point_selection(reader, options, axes, with_frames=with_frames)
    with fuse_pages(reader.run, reader.geometry, selection, path.parent, watch=progress.each) as cloud:
        return cloud_summary(axes, write(path, cloud, axes), crop=selection.crop)
