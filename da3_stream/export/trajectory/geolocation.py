"""The camera path of a georeferenced run on the Earth: longitude, latitude, height."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from ...store import Georeference, PoseTable, RunReader
from ...types import Float64
from ..frame_views import nothing_to_export, selected_rows
from ..options import MapOptions

if TYPE_CHECKING:
    from pyproj import CRS

WGS84 = "EPSG:4979"  # longitude, latitude, height over the ellipsoid


@dataclass(frozen=True, eq=False)
class GeoPath:
    """The camera path of one segment: its frames that have a pose, in order; at least one."""

    segment: int
    index: NDArray[np.int64]  # [N] of the frames in the input
    timestamp: Float64  # [N] seconds
    position: Float64  # [N,3] longitude and latitude in degrees, height over the ellipsoid in metres
    start: datetime | None  # when timestamp 0 was

    def __len__(self) -> int:
        return len(self.index)

    def times(self) -> list[str] | None:
        """Date and time of every frame in UTC, ISO 8601; None where the time of day is unknown."""
        if self.start is None:
            return None
        start = self.start.astimezone(UTC)
        moments = (start + timedelta(seconds=seconds) for seconds in self.timestamp.tolist())
        return [moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") for moment in moments]


def geo_paths(reader: RunReader, options: MapOptions) -> list[GeoPath]:
    """The path of every segment, over the selected frames.

    Raises ExportError where the run is not georeferenced, no selected frame has a pose, or `start_time` is given for a
    run whose input has no times.
    """
    georeference = reader.geometry.scene.georeference
    if georeference is None:
        raise ExportError(f"the map is not located: scene.json of {reader.path} has no georeference")
    table = reader.poses.take(selected_rows(reader, options))
    table = table.take(np.flatnonzero(table.has_pose).tolist())
    if not len(table):
        raise nothing_to_export(reader, "a place")
    if options.start_time is not None and not table.has_times:
        raise ExportError("start_time needs times of the frames, and the input has none: leave it out")
    position = longitude_latitude(georeference, table.world_from_camera[:, :3, 3])
    numbers = np.unique(table.segment).tolist()
    return [_segment_path(table, position, segment, options.start_time) for segment in numbers]


def longitude_latitude(georeference: Georeference, world: Float64) -> Float64:
    """Longitude and latitude in degrees (WGS84) and height over the ellipsoid in metres of positions [N,3] in the
    world.

    Heights of a projected crs without a vertical axis are over its ellipsoid, in the unit of its plane. Raises
    ExportError for a crs that PROJ does not know or that is neither projected nor geocentric, for heights over a geoid
    whose grid is not on this machine, and for positions outside the crs.
    """
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    crs, position = _crs(georeference), georeference.geographic_from_world.apply(world)
    name = crs.name
    if len(crs.axis_info) == 2:  # the heights that PROJ adds are in metres
        crs, position = crs.to_3d(), position * [1.0, 1.0, crs.axis_info[0].unit_conversion_factor]
    try:
        to_earth = Transformer.from_crs(crs, WGS84, always_xy=True, allow_ballpark=False)
    except ProjError:
        raise ExportError(
            f"PROJ knows no way from '{name}' to WGS84 on this machine: heights over a geoid need its grid, and "
            "those over the ellipsoid none"
        ) from None
    geographic = np.stack(to_earth.transform(*position.T), axis=-1)
    if not np.isfinite(geographic).all():
        raise ExportError(f"the georeference of scene.json leads to places that '{name}' has not")
    return geographic


def _segment_path(table: PoseTable, position: Float64, segment: int, start: datetime | None) -> GeoPath:
    rows = np.flatnonzero(table.segment == segment)
    return GeoPath(segment, table.source_index[rows], table.timestamp[rows], position[rows], start)


def _crs(georeference: Georeference) -> CRS:
    """Raises ExportError for a crs that PROJ does not know or that is neither projected nor geocentric."""
    from pyproj import CRS
    from pyproj.exceptions import ProjError

    try:
        crs = CRS.from_user_input(georeference.crs)
    except ProjError as error:
        reason = " ".join(str(error).split())
        raise ExportError(f"the georeference of scene.json cannot be used: {reason}") from None
    if not (crs.is_projected or crs.is_geocentric):
        raise ExportError(f"the georeference's crs '{crs.name}' is neither projected nor geocentric")
    return crs
