"""Where the camera of a film flies: a path by the cameras of the run's longest segment, at the film's size and rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ...camera_paths import CameraPath, camera_path, usual_length
from ...cloud import FileAxes, PointSelection
from ...errors import ExportError
from ...store import RunReader
from ...types import Float64
from ...upright import up_of_run
from ..cloud.files import point_selection
from ..film import even
from ..frame_views import FrameView, posed_views, usual_rate
from ..images.camera import image_size
from ..options import CloudOptions, FlightOptions

RATE = 24  # pictures a second, as of Depth Anything 3


@dataclass(frozen=True, eq=False)
class Flight:
    """A path through the world of one segment, and the pictures a second."""

    path: CameraPath
    rate: Fraction
    segment: int
    left_out: int  # frames of other segments


def plan_flight(reader: RunReader, options: FlightOptions) -> Flight:
    """Raises ExportError where no selected frame has a place or the segment has no depth, and CameraPathError where the
    cameras do not suffice for the path."""
    views = posed_views(reader, options, one_segment=True)
    segment = views[0].segment
    path = camera_path(
        options.path,
        _cameras(reader, views),
        _median_depth(reader, segment),
        count=_count(options),
        up=_up(reader, options),
        degrees=options.degrees,
    )
    others = len(posed_views(reader, options)) - len(views)
    return Flight(_fitted(path, film_size(reader, options)), _rate(options, views), segment, others)


def picture_count(reader: RunReader, options: FlightOptions) -> int:
    """How many pictures the film will have. Raises ExportError where no selected frame has a place."""
    cameras = int(np.bincount([view.segment for view in posed_views(reader, options)]).max())
    return _count(options) or usual_length(options.path, cameras)


def film_size(reader: RunReader, options: FlightOptions) -> tuple[int, int]:
    """(width, height) of the colours, even."""
    return even(options.size or image_size(reader, "model"))


def segment_points(reader: RunReader, options: FlightOptions, flight: Flight, cloud: CloudOptions) -> PointSelection:
    """What is shown of the cloud: points of the segment that is flown through, since those of others lie anywhere, of
    all frames between the selected ones, `every` or not."""
    first, end = options.frames
    poses = reader.poses
    inside = (poses.source_index >= (first or 0)) & (poses.source_index < (np.inf if end is None else end))
    frames = poses.source_index[inside & (poses.segment == flight.segment)]
    return replace(point_selection(reader, cloud, FileAxes.world(reader.units)), frames=frames)


def _cameras(reader: RunReader, views: Sequence[FrameView]) -> CameraPath:
    poses = np.stack([view.world_from_camera for view in views])
    return CameraPath(poses, np.stack([view.intrinsics for view in views]), reader.input_size)


def _count(options: FlightOptions) -> int | None:
    return None if options.seconds is None else max(2, round(options.seconds * (options.fps or RATE)))


def _rate(options: FlightOptions, views: Sequence[FrameView]) -> Fraction:
    shows_frames = options.path in ("original", "smooth")
    return Fraction(options.fps or (usual_rate(views) if shows_frames else RATE)).limit_denominator(1001)


def _median_depth(reader: RunReader, segment: int) -> float:
    depth = reader.geometry.median_depth(segment)
    if not depth:
        raise ExportError(f"the frames asked for have no depth in {reader.path}: nothing to film")
    return depth


def _up(reader: RunReader, options: FlightOptions) -> Float64 | None:
    return up_of_run(reader).direction if options.path == "orbit" else None


def _fitted(path: CameraPath, size: tuple[int, int]) -> CameraPath:
    """The path with pictures of (width, height), stretched as before: where their shape is another, the middle is
    shown."""
    scale = max(new / old for new, old in zip(size, path.size, strict=True))
    width, height = (max(1.0, scale * side) for side in path.size)
    k = path.intrinsics * np.array([scale, scale, 1.0])[:, None]
    k[:, :2, 2] -= [(width - size[0]) / 2, (height - size[1]) / 2]
    return CameraPath(path.world_from_camera, k, size)
