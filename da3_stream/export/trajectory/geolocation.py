"""The cameras of a located run on the Earth: longitude, latitude, height."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from ...store import Georeference, RunReader
from ...types import Float64
from ..frame_views import nothing_to_export, selected_rows
from ..options import MapOptions

if TYPE_CHECKING:
    from pyproj import CRS

WGS84 = "EPSG:4979"  # longitude, latitude, height over the ellipsoid


@dataclass(frozen=True, eq=False)
class Track:
    """The frames of one segment that have a place, in order; at least one."""

    segment: int
    index: NDArray[np.int64]  # [N] in the input
    timestamp: Float64  # [N] seconds
    place: Float64  # [N,3] longitude and latitude in degrees, height over the ellipsoid in metres
    start: datetime | None  # when timestamp 0 was

    def __len__(self) -> int:
        return len(self.index)

    def times(self) -> list[str] | None:
        """Of every frame: date and time in UTC as ISO 8601 has them; None where they are unknown."""
        if self.start is None:
            return None
        began = self.start.astimezone(UTC)
        moments = (began + timedelta(seconds=seconds) for seconds in self.timestamp.tolist())
        return [moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") for moment in moments]


def tracks(reader: RunReader, options: MapOptions) -> list[Track]:
    """The path of every segment.

    Raises ExportError where the run is not located, none of the frames has a place, or `start_time` is given for a run
    whose input has no times.
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
    place = longitude_latitude(georeference, table.world_from_camera[:, :3, 3])
    found = [np.flatnonzero(table.segment == segment) for segment in np.unique(table.segment).tolist()]
    return [
        Track(int(table.segment[at[0]]), table.source_index[at], table.timestamp[at], place[at], options.start_time)
        for at in found
    ]


def longitude_latitude(georeference: Georeference, world: Float64) -> Float64:
    """Longitude and latitude in degrees (WGS84) and height over the ellipsoid in metres of positions [N,3] in the
    world.

    A projected crs without heights has them over its ellipsoid, in the unit of its plane. Raises ExportError for a crs
    that PROJ does not know or that is neither projected nor geocentric, for heights over a geoid whose grid is not on
    this machine, and for places that are none on the Earth.
    """
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    crs, place = _crs(georeference), georeference.geographic_from_world.apply(world)
    name = crs.name
    if len(crs.axis_info) == 2:  # the heights that PROJ adds are in metres
        crs, place = crs.to_3d(), place * [1.0, 1.0, crs.axis_info[0].unit_conversion_factor]
    try:
        to_earth = Transformer.from_crs(crs, WGS84, always_xy=True, allow_ballpark=False)
    except ProjError:
        raise ExportError(
            f"PROJ knows no way from '{name}' to WGS84 on this machine: heights over a geoid need its grid, and "
            "those over the ellipsoid none"
        ) from None
    found = np.stack(to_earth.transform(*place.T), axis=-1)
    if not np.isfinite(found).all():
        raise ExportError(f"the georeference of scene.json leads to places that '{name}' has not")
    return found


def _crs(georeference: Georeference) -> CRS:
    """Raises ExportError for one that PROJ does not know or that is neither projected nor geocentric."""
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
