"""The frames that an export shows, each with its camera's pose: selected by `FrameOptions` from a run's table."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ExportError
from ..store import INTERPOLATED, RunReader
from ..types import Float64
from .options import FrameOptions

log = logging.getLogger(__name__)

USUAL_FPS = 30.0  # where timestamps do not tell a rate


@dataclass(frozen=True, eq=False)
class FrameView:
    """A selected frame and its camera in the world; pose and intrinsics are NaN where they are unknown."""

    index: int  # in the input, before selection
    timestamp: float  # seconds
    segment: int
    world_from_camera: Float64  # [4,4], rigid
    intrinsics: Float64  # [3,3] in pixels of the input, first centre at 0.5
    has_depth: bool

    @property
    def camera_from_world(self) -> Float64:
        """[4,4], rigid."""
        return np.linalg.inv(self.world_from_camera).astype(np.float64, copy=False)


def selected_rows(reader: RunReader, options: FrameOptions) -> list[int]:
    """Rows of the run's pose table that the options select, with and without a pose.

    Raises ExportError if there are none.
    """
    first, end = options.frames
    indices = reader.poses.source_index
    inside = (indices >= (first or 0)) & (indices < (np.inf if end is None else end))
    rows = np.flatnonzero(inside)[:: options.every].tolist()
    if not len(indices):
        raise ExportError(f"{reader.path} holds no frames yet: nothing to export")
    if not rows:
        span = f"{'' if first is None else first}:{'' if end is None else end}"
        raise ExportError(f"--frames {span} holds no frame of {reader.path}, which has {indices[0]} to {indices[-1]}")
    return rows


def selected_views(reader: RunReader, options: FrameOptions) -> list[FrameView]:
    """All selected frames, also those without a pose. Raises ExportError if there are none."""
    return [_view(reader, row) for row in selected_rows(reader, options)]


def posed_views(reader: RunReader, options: FrameOptions, *, one_segment: bool = False) -> list[FrameView]:
    """The selected frames that have a pose and intrinsics; with `one_segment` those of the longest segment, for formats
    that have one world: segments are not tied to each other.

    Raises ExportError if there are none.
    """
    table = reader.poses
    unknown = np.isnan(table.world_from_camera.sum(axis=(1, 2)) + table.intrinsics.sum(axis=(1, 2)))
    rows = [row for row in selected_rows(reader, options) if not unknown[row]]
    if one_segment and rows:
        rows = _rows_of_longest_segment(reader, rows)
    if not rows:
        raise nothing_to_export(reader, "a place")
    return [_view(reader, row) for row in rows]


def views_with_depth(reader: RunReader, options: FrameOptions, *, one_segment: bool = False) -> list[FrameView]:
    """Those of `posed_views` that have a depth map. Raises ExportError if there are none."""
    views = [view for view in posed_views(reader, options, one_segment=one_segment) if view.has_depth]
    if not views:
        raise nothing_to_export(reader, "depth")
    return views


def usual_rate(views: Sequence[FrameView]) -> float:
    """Frames a second, from the median difference of their timestamps."""
    steps = np.diff([view.timestamp for view in views])
    steps = steps[np.isfinite(steps) & (steps > 0)]
    return float(np.clip(1 / np.median(steps), 0.1, 1000)) if len(steps) else USUAL_FPS


def depth_views(reader: RunReader, options: FrameOptions) -> list[FrameView]:
    """The selected frames that have a depth map, also those of which nothing else is known. Raises ExportError if there
    are none."""
    views = [view for view in selected_views(reader, options) if view.has_depth]
    if not views:
        raise nothing_to_export(reader, "depth")
    return views


def has_depth_alone(reader: RunReader) -> bool:
    """Whether a model made the run that gives depth of single frames, and no poses."""
    return bool(reader.poses.is_depth_alone.any()) and not reader.poses.has_pose.any()


def nothing_to_export(reader: RunReader, lacking: str) -> ExportError:
    """The error to raise where no selected frame has "a place" or "depth"."""
    return ExportError(f"none of the frames asked for has {lacking} in {reader.path}: nothing to export")


def segment_paths(views: Sequence[FrameView]) -> list[Float64]:
    """The camera centres [n,3] of every segment, in the order of the views."""
    segments = np.array([view.segment for view in views])
    centres = np.array([view.world_from_camera[:3, 3] for view in views])
    return [centres[segments == number] for number in np.unique(segments)]


def _rows_of_longest_segment(reader: RunReader, rows: list[int]) -> list[int]:
    segments = reader.poses.segment[rows]
    longest = int(np.bincount(segments).argmax())
    others = int((segments != longest).sum())
    if others:
        log.warning("left out %d frames of other segments, which nothing ties to the longest one", others)
    return [row for row in rows if reader.poses.segment[row] == longest]


def _view(reader: RunReader, row: int) -> FrameView:
    table = reader.poses
    return FrameView(
        int(table.source_index[row]),
        float(table.timestamp[row]),
        int(table.segment[row]),
        table.world_from_camera[row],
        table.intrinsics[row],
        table.status[row] != INTERPOLATED and bool(np.isfinite(table.depth_scale[row])),
    )
