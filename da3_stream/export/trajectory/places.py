"""Positions of a run's world as places on the Earth, by PROJ: longitude, latitude, heights over ellipsoid and sea.

PROJ passes heights on as they are where it has no grid of their geoid; it does not with `allow_ballpark=False`, which
is an error instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...cloud.files.laz import coordinate_system
from ...errors import ExportError, StoreError
from ...store import Georeference
from ...types import Float64

if TYPE_CHECKING:
    from pyproj import CRS

WGS84 = "EPSG:4979"  # longitude, latitude, height over the ellipsoid
_SEA = "EPSG:4326+5773"  # longitude, latitude, height over the sea as EGM96 has it
_PLANE = "EPSG:4326"


@dataclass(frozen=True, eq=False)
class Places:
    """N places on the Earth (WGS84). Heights are in metres; None where PROJ cannot tell them on this machine."""

    longitude_latitude: Float64  # [N,2] degrees
    over_ellipsoid: Float64 | None  # [N]
    crs: CRS  # of the map, with heights
    position: Float64  # [N,3] in the map

    @cached_property
    def over_sea(self) -> Float64 | None:
        """Heights [N] over the geoid EGM96."""
        if self.over_ellipsoid is None:
            found = _transformed(self.crs, _SEA, self.position)
        else:
            found = _transformed(WGS84, _SEA, np.column_stack([self.longitude_latitude, self.over_ellipsoid]))
        return None if found is None else found[:, 2]


def places_on_earth(georeference: Georeference, world: Float64) -> Places:
    """Where positions [N,3] in the world lie.

    Heights of a projected crs without a vertical axis are over its ellipsoid, in the unit of its plane. Raises
    ExportError for a crs that PROJ does not know or that is neither projected nor geocentric, and for positions outside
    the crs.
    """
    crs, position = _with_heights(map_crs(georeference.crs), georeference.geographic_from_world.apply(world))
    over_ellipsoid = _transformed(crs, WGS84, position)
    if over_ellipsoid is not None:
        return Places(over_ellipsoid[:, :2], over_ellipsoid[:, 2], crs, position)
    plane = _transformed(crs.to_2d(), _PLANE, position) if crs.is_compound else None
    if plane is None:
        raise ExportError(f"the georeference of scene.json leads to places that '{crs.name}' has not")
    return Places(plane[:, :2], None, crs, position)


def longitude_latitude(georeference: Georeference, world: Float64) -> Float64:
    """Longitude and latitude in degrees and height over the ellipsoid in metres [N,3] of positions [N,3] in the world.

    Raises ExportError as `places_on_earth`, and for heights over a geoid whose grid is not on this machine.
    """
    places = places_on_earth(georeference, world)
    if places.over_ellipsoid is None:
        raise ExportError(
            f"PROJ knows no way from '{places.crs.name}' to WGS84 on this machine: heights over a geoid need its grid, "
            "and those over the ellipsoid none"
        )
    return np.column_stack([places.longitude_latitude, places.over_ellipsoid])


def _with_heights(crs: CRS, position: Float64) -> tuple[CRS, Float64]:
    """The crs with a third axis, over its ellipsoid, and positions [N,3] in its units."""
    if len(crs.axis_info) > 2:
        return crs, position
    return crs.to_3d(), position * [1.0, 1.0, crs.axis_info[0].unit_conversion_factor]  # PROJ adds one in metres


def _transformed(source: CRS | str, target: str, position: Float64) -> Float64 | None:
    """Positions [N,3] in another crs; None where PROJ knows no way between them, or none for one of the positions."""
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    try:
        transformer = Transformer.from_crs(source, target, always_xy=True, allow_ballpark=False)
    except ProjError:
        return None
    found = np.stack(transformer.transform(*position.T), axis=-1)
    return found if np.isfinite(found).all() else None


def map_crs(text: str) -> CRS:
    """The crs of a georeference. Raises ExportError for one that PROJ does not know or that is neither projected nor
    geocentric."""
    try:
        crs = coordinate_system(text)
    except StoreError as error:
        raise ExportError(f"the georeference of scene.json cannot be used: {error}") from None
    if not (crs.is_projected or crs.is_geocentric):
        raise ExportError(f"the georeference's crs '{crs.name}' is neither projected nor geocentric")
    return crs
