"""run.rrd: points, path, and cameras in time, for the rerun viewer (optional extra `rerun`).

The world is by default the run's own (x right, y down, z ahead); which one it is stands in the entity
`frame_of_reference`, as JSON. Timelines are `frame` (index in the input) and `time` (seconds);
points and path are on neither: they are shown at all times.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...cloud import FileAxes, PointSelection, fuse_pages
from ...errors import ExportError
from ...geometry import resize_intrinsics
from ...store import RunReader
from ...types import UInt8
from ..frame_views import FrameView, posed_views, segment_paths, selected_views
from ..images.frame_images import undistorted_images
from ..images.names import frame_names
from ..placed import PlacedReader
from .files import cloud_summary, point_selection
from .glb_cameras import FRUSTUM

if TYPE_CHECKING:
    from ..options import RrdOptions
    from ..progress import Progress

_POINTS_AT_ONCE = 1 << 18  # in one entity
_QUALITY = 85  # of a JPEG
_VIEW = {"-y": "RDF", "z": "RIGHT_HAND_Z_UP", "y": "RIGHT_HAND_Y_UP"}  # what rerun calls them, by what points up
_IMAGE_ENTITY = "world/camera/picture"
NAME_ENTITY = "world/camera/file"  # a text for each camera: its frame's name


def export_rrd(reader: PlacedReader, path: Path, options: RrdOptions, progress: Progress) -> str:
    """The merged cloud in pieces, the cameras of the selected frames, and their images if the options say so."""
    rr = _rerun()
    views = posed_views(reader, options)
    selection = point_selection(reader, options, FileAxes.world(reader.axes.units))  # points are placed already
    recording = rr.RecordingStream("da3_stream")
    recording.set_log_time_enabled(False)
    recording.set_log_tick_enabled(False)
    recording.save(path)
    try:
        recording.send_recording_name(reader.path.resolve().name)
        recording.log("world", getattr(rr.ViewCoordinates, _VIEW[reader.axes.up]), static=True)
        recording.log("frame_of_reference", rr.TextDocument(reader.axes.text()), static=True)
        count = _log_points(rr, recording, reader, path, selection, progress)
        _log_path(rr, recording, views)
        cameras = progress.each("cameras", _images(reader, views, options), len(views))
        _log_cameras(rr, recording, reader, cameras, options)
        lost = _log_gaps(rr, recording, reader, views, options)
        recording.flush()
    finally:
        recording.disconnect()
    more = f", {len(views)} cameras" + (f"; {lost} frames without a pose" if lost else "")
    return cloud_summary(reader.axes, count, more, crop=selection.crop)


def _rerun() -> Any:
    """The package rerun. Raises ExportError where it is not installed."""
    try:
        import rerun
    except ImportError:
        raise ExportError("rrd needs the package rerun-sdk: pip install 'da3_stream[rerun]'") from None
    return rerun


def _log_points(
    rr: Any, recording: Any, reader: RunReader, path: Path, selection: PointSelection, progress: Progress
) -> int:
    count = piece = 0
    with fuse_pages(reader.run, reader.geometry, selection, path.parent, watch=progress.each) as cloud:
        for _, records in cloud.tiles:
            for first in range(0, len(records), _POINTS_AT_ONCE):
                part = records[first : first + _POINTS_AT_ONCE]
                points = rr.Points3D(part["xyz"].copy(), colors=part["rgb"].copy(), radii=cloud.voxel / 2)
                recording.log(f"world/points/{piece:06d}", points, static=True)
                recording.flush()
                count, piece = count + len(part), piece + 1
    return count


def _log_path(rr: Any, recording: Any, views: list[FrameView]) -> None:
    """A line through the camera centres of every segment."""
    lines = segment_paths(views)
    recording.log("world/path", rr.LineStrips3D(lines, colors=[(76, 201, 240)] * len(lines)), static=True)


def _log_cameras(
    rr: Any, recording: Any, reader: RunReader, views: Iterator[tuple[FrameView, UInt8 | None]], options: RrdOptions
) -> None:
    size = _image_size(reader, options)
    distance = FRUSTUM * (reader.geometry.median_depth() or 1.0)
    names = frame_names(reader)
    for view, image in views:
        recording.set_time("frame", sequence=view.index)
        recording.set_time("time", duration=view.timestamp)
        pose = view.world_from_camera
        k = resize_intrinsics(view.intrinsics, reader.input_size, size)
        recording.log(NAME_ENTITY, rr.TextLog(names[view.index].name))
        recording.log("world/camera", rr.Transform3D(translation=pose[:3, 3], mat3x3=pose[:3, :3]))
        recording.log(
            "world/camera",
            rr.Pinhole(
                image_from_camera=k, resolution=size, camera_xyz=rr.ViewCoordinates.RDF, image_plane_distance=distance
            ),
        )
        if image is not None:
            recording.log(_IMAGE_ENTITY, rr.Image(image).compress(jpeg_quality=_QUALITY))
        elif options.pictures:  # else the viewer would go on showing the last one
            recording.log(_IMAGE_ENTITY, rr.Clear(recursive=False))


def _log_gaps(rr: Any, recording: Any, reader: RunReader, views: list[FrameView], options: RrdOptions) -> int:
    """Clear the camera at frames without a pose, where viewers would go on showing the last one; how many there are."""
    shown = {view.index for view in views}
    lost = [view for view in selected_views(reader, options) if view.index not in shown]
    for view in lost:
        recording.set_time("frame", sequence=view.index)
        recording.set_time("time", duration=view.timestamp)
        recording.log("world/camera", rr.Clear(recursive=True))
    return len(lost)


def _image_size(reader: RunReader, options: RrdOptions) -> tuple[int, int]:
    width, height = reader.input_size
    share = min(1.0, options.picture_width / width)
    return max(1, round(share * width)), max(1, round(share * height))


def _images(reader: RunReader, views: list[FrameView], options: RrdOptions) -> Iterator[tuple[FrameView, UInt8 | None]]:
    """The views with their undistorted images (rerun's cameras are pinholes), or without."""
    if not options.pictures:
        return ((view, None) for view in views)
    return undistorted_images(reader, views, _image_size(reader, options))
