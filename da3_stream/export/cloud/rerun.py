"""run.rrd: points, path, and cameras in time, for the rerun viewer (optional extra `rerun`).

The world is the run's own (x right, y down, z ahead). Timelines are `frame` (the number in the input) and `time`
(seconds); points and path are always there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...cloud import fuse_pages
from ...errors import ExportError
from ...geometry import resize_intrinsics
from ...types import UInt8
from ..run_reader import paths
from .files import cloud_choice, said
from .glb import FRUSTUM

if TYPE_CHECKING:
    from ..options import RrdOptions
    from ..run_reader import Reading, View

_AT_ONCE = 1 << 18  # points in one entity
_QUALITY = 85  # of a JPEG
_PICTURE = "world/camera/picture"


def export_rrd(reading: Reading, path: Path, options: RrdOptions) -> str:
    """The merged cloud in pieces, the cameras of the frames asked for, and their pictures if these are asked for."""
    rr = _rerun()
    views = reading.views(options)
    recording = rr.RecordingStream("da3_stream")
    recording.set_log_time_enabled(False)
    recording.set_log_tick_enabled(False)
    recording.save(path)
    try:
        recording.send_recording_name(reading.run.path.resolve().name)
        recording.log("world", rr.ViewCoordinates.RDF, static=True)
        count = _log_points(rr, recording, reading, path, options)
        _log_path(rr, recording, views)
        _log_cameras(rr, recording, reading, views, options)
        recording.flush()
    finally:
        recording.disconnect()
    return said(reading.units, count, f", {len(views)} cameras")


def _rerun() -> Any:
    try:
        import rerun
    except ImportError:
        raise ExportError("rrd needs the package rerun-sdk: pip install 'da3_stream[rerun]'") from None
    return rerun


def _log_points(rr: Any, recording: Any, reading: Reading, path: Path, options: RrdOptions) -> int:
    count = piece = 0
    with fuse_pages(reading.run, reading.geometry, cloud_choice(reading, options), path.parent) as cloud:
        for _, records in cloud.tiles:
            for first in range(0, len(records), _AT_ONCE):
                part = records[first : first + _AT_ONCE]
                points = rr.Points3D(part["xyz"].copy(), colors=part["rgb"].copy(), radii=cloud.voxel / 2)
                recording.log(f"world/points/{piece:06d}", points, static=True)
                recording.flush()
                count, piece = count + len(part), piece + 1
    return count


def _log_path(rr: Any, recording: Any, views: list[View]) -> None:
    """A line through the cameras of every segment."""
    lines = paths(views)
    recording.log("world/path", rr.LineStrips3D(lines, colors=[(76, 201, 240)] * len(lines)), static=True)


def _log_cameras(rr: Any, recording: Any, reading: Reading, views: list[View], options: RrdOptions) -> None:
    size = _picture_size(reading, options)
    distance = FRUSTUM * (reading.geometry.median_depth() or 1.0)
    for view, picture in _pictures(reading, views, options, size):
        recording.set_time("frame", sequence=view.index)
        recording.set_time("time", duration=view.timestamp)
        pose = view.world_from_camera
        k = resize_intrinsics(view.intrinsics, reading.size, size)
        recording.log("world/camera", rr.Transform3D(translation=pose[:3, 3], mat3x3=pose[:3, :3]))
        recording.log(
            "world/camera",
            rr.Pinhole(
                image_from_camera=k, resolution=size, camera_xyz=rr.ViewCoordinates.RDF, image_plane_distance=distance
            ),
        )
        if picture is not None:
            recording.log(_PICTURE, rr.Image(picture).compress(jpeg_quality=_QUALITY))
        elif options.pictures:  # else the viewer goes on showing the last one
            recording.log(_PICTURE, rr.Clear(recursive=False))


def _picture_size(reading: Reading, options: RrdOptions) -> tuple[int, int]:
    width, height = reading.size
    share = min(1.0, options.picture_width / width)
    return max(1, round(share * width)), max(1, round(share * height))


def _pictures(
    reading: Reading, views: list[View], options: RrdOptions, size: tuple[int, int]
) -> Iterator[tuple[View, UInt8 | None]]:
    """The views with their pictures, free of distortion as rerun's cameras are, or with none."""
    return reading.pictures_of_depth(views, size) if options.pictures else ((view, None) for view in views)
