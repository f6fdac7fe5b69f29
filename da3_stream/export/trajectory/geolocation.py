"""The camera path of a georeferenced run on the Earth: places and times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from ...store import PoseTable, RunReader
from ...types import Float64
from ..frame_views import nothing_to_export, selected_rows
from ..options import MapOptions
from .heights import Heights
from .places import Places, places_on_earth


@dataclass(frozen=True, eq=False)
class GeoPath:
    """The camera path of one segment: its frames that have a pose, in order; at least one."""

    segment: int
    index: NDArray[np.int64]  # [N] of the frames in the input
    timestamp: Float64 | None  # [N] seconds; None where the input has no times
    longitude_latitude: Float64  # [N,2] degrees (WGS84)
    height: Float64 | None  # [N] metres, over what `Heights.said` tells; None: none
    geoid_height: Float64 | None  # [N] metres, of the sea over the ellipsoid; None where it is not known
    times: tuple[str, ...] | None  # [N] date and time in UTC, ISO 8601; None where the time of day is unknown

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, eq=False)
class GeoPaths:
    """The paths of all segments, and what is said of them."""

    paths: list[GeoPath]
    heights: Heights
    without_pose: int  # frames asked for that have none

    def summary(self) -> str:
        """What was written and what was left out, for people."""
        count, segments = sum(map(len, self.paths)), len(self.paths)
        apart = "s, which nothing ties to each other" if segments > 1 else ""
        unknown = f"; {self.without_pose} frames without a pose left out" if self.without_pose else ""
        return f"{count} places in {segments} segment{apart}{unknown}; {self.heights.said}"


def geo_paths(reader: RunReader, options: MapOptions, choose: Callable[[Places], Heights]) -> GeoPaths:
    """The path of every segment, over the selected frames, with the heights that the format chooses.

    Raises ExportError where the run is not georeferenced, no selected frame has a pose, the heights are not known, or
    `start_time` is given for a run whose input has no times or leads beyond the calendar.
    """
    georeference = reader.geometry.scene.georeference
    if georeference is None:
        raise ExportError(f"the map is not located: scene.json of {reader.path} has no georeference")
    asked = reader.poses.take(selected_rows(reader, options))
    table = asked.take(np.flatnonzero(asked.has_pose).tolist())
    if not len(table):
        raise nothing_to_export(reader, "a place")
    if options.start_time is not None and not table.has_times:
        raise ExportError("start_time needs times of the frames, and the input has none: leave it out")
    places = places_on_earth(georeference, table.world_from_camera[:, :3, 3])
    heights = choose(places)
    times = None if options.start_time is None else _dates(options.start_time, table.times_ns())
    numbers = np.unique(table.segment).tolist()
    paths = [_segment_path(table, places, heights, times, segment) for segment in numbers]
    return GeoPaths(paths, heights, len(asked) - len(table))


def _segment_path(
    table: PoseTable, places: Places, heights: Heights, times: Sequence[str] | None, segment: int
) -> GeoPath:
    rows = np.flatnonzero(table.segment == segment)
    return GeoPath(
        segment,
        table.source_index[rows],
        table.timestamp[rows] if table.has_times else None,
        places.longitude_latitude[rows],
        None if heights.metres is None else heights.metres[rows],
        None if heights.geoid is None else heights.geoid[rows],
        None if times is None else tuple(times[row] for row in rows.tolist()),
    )


def _dates(start: datetime, times_ns: NDArray[np.int64]) -> list[str]:
    """Date and time in UTC, ISO 8601, `times_ns` [N] after the start; to the microsecond, or where these are whole to
    the millisecond."""
    microseconds = (times_ns + 500) // 1000
    spec = "microseconds" if (microseconds % 1000).any() or start.microsecond % 1000 else "milliseconds"
    try:
        moments = [start.astimezone(UTC) + timedelta(microseconds=time) for time in microseconds.tolist()]
    except OverflowError:
        raise ExportError(f"start_time {start.isoformat()} and the frames' times lead beyond the calendar") from None
    return [moment.isoformat(timespec=spec).replace("+00:00", "Z") for moment in moments]
