"""The frame of reference of an export: the run's world, upright, or on the map; with what each file says of it.

A run's world is that of its first camera. Where the run is located, `world` and `upright` are in metres, as the
georeference tells them, and `map` is east, north and up in metres from a local origin: along the grid of a projected
coordinate system (scaled as the grid is), or the horizon of a geocentric one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..cloud import Anchor, AxesName, FileAxes
from ..errors import ExportError
from ..geometry import Sim3
from ..store import Georeference, RunReader
from ..types import Float64
from ..upright import up_of_run, upright_rotation
from .trajectory.places import longitude_latitude, map_crs, places_on_earth

if TYPE_CHECKING:
    from pyproj import CRS

__all__ = ["Anchor", "AxesName", "FileAxes", "ecef_from_file", "ecef_of", "file_axes", "map_axes", "upright_from_world"]

_ECEF = "EPSG:4978"
_STEP = 10.0  # metres, over which a map is compared with the Earth


def file_axes(reader: RunReader, wanted: AxesName | None, *, relative: AxesName, located: AxesName = "map") -> FileAxes:
    """The axes that are wanted, or a format's default in a run that is located or is not.

    Raises ExportError for `map` in a run that is not located, and for a coordinate system that PROJ does not know.
    """
    georeference = reader.geometry.scene.georeference
    name = wanted or (relative if georeference is None else located)
    if georeference is None:
        return _of_bare_run(reader, name)
    crs = map_crs(georeference.crs)
    metres = _metres(crs)
    if name == "map":
        return _local_map(georeference, crs, metres)
    scale = 1.0 if reader.units == "metres" else georeference.geographic_from_world.scale * metres
    turn = upright_from_world(reader) if name == "upright" else np.eye(3)
    origin = georeference.geographic_from_world.translation
    file_from_world = Sim3(scale, turn, np.zeros(3))
    anchor = _anchor(georeference, origin)
    return FileAxes(name, file_from_world, "metres", "z" if name == "upright" else "-y", None, anchor)


def map_axes(reader: RunReader) -> FileAxes:
    """The coordinates of the map itself, for formats that keep large numbers. Raises ExportError as `file_axes`."""
    georeference = reader.geometry.scene.georeference
    if georeference is None:
        raise _not_located(reader)
    crs, map_from_world = map_crs(georeference.crs), georeference.geographic_from_world
    unit = "metres" if _metres(crs) == 1.0 else crs.axis_info[0].unit_name
    anchor = _anchor(georeference, map_from_world.translation)
    return FileAxes("map", map_from_world, unit, "z", georeference.crs, anchor)


def ecef_from_file(axes: FileAxes) -> Float64:
    """The affine map [4,4] from a file's coordinates to WGS84's geocentric ones (EPSG:4978) that is exact around the
    anchor; it has the scale of the map's grid there.

    Raises ExportError for axes without an anchor, and where PROJ has no grid of the heights' geoid.
    """
    anchor = _require_anchor(axes)
    map_from_file = anchor.map_from_world @ axes.file_from_world.inverse()
    at = map_from_file.inverse().apply(anchor.origin)
    ends = ecef_of(axes, np.concatenate([at[None], at + _STEP * np.eye(3), at - _STEP * np.eye(3)]))
    matrix = np.eye(4)
    matrix[:3, :3] = (ends[1:4] - ends[4:]).T / (2 * _STEP)
    matrix[:3, 3] = ends[0] - matrix[:3, :3] @ at
    return matrix


def ecef_of(axes: FileAxes, xyz: Float64) -> Float64:
    """Geocentric coordinates (EPSG:4978) of points [M,3] in a file's. Raises ExportError as `ecef_from_file`."""
    anchor = _require_anchor(axes)
    map_from_file = anchor.map_from_world @ axes.file_from_world.inverse()
    return _ecef_from_geographic(longitude_latitude(Georeference(anchor.crs, map_from_file), xyz))


def upright_from_world(reader: RunReader) -> Float64:
    """Rotation [3,3] to x right, y ahead (where the first camera looks), z up."""
    return upright_rotation(up_of_run(reader), reader.poses.world_from_camera)


def _require_anchor(axes: FileAxes) -> Anchor:
    if axes.anchor is None:
        raise ExportError("the map is not located: there is no place on the Earth to write")
    return axes.anchor


def _of_bare_run(reader: RunReader, name: AxesName) -> FileAxes:
    if name == "map":
        raise _not_located(reader)
    if name == "world":
        return FileAxes.world(reader.units)
    up = up_of_run(reader)
    turn = upright_rotation(up, reader.poses.world_from_camera)
    return FileAxes(name, Sim3(1.0, turn, np.zeros(3)), reader.units, "z", up_sigma_deg=up.sigma_deg)


def _local_map(georeference: Georeference, crs: CRS, metres: float) -> FileAxes:
    """East, north and up from the whole numbers nearest to the world's origin, or in a geocentric system from there."""
    map_from_world = georeference.geographic_from_world
    origin = map_from_world.translation if crs.is_geocentric else np.rint(map_from_world.translation) + 0.0
    anchor = _anchor(georeference, origin)
    turn = _enu_from_ecef(anchor) if crs.is_geocentric else _enu_from_grid(crs)
    file_from_map = Sim3(metres, turn, -metres * turn @ origin)
    return FileAxes("map", file_from_map @ map_from_world, "metres", "z", None, anchor)


def _anchor(georeference: Georeference, origin: Float64) -> Anchor:
    return Anchor(georeference.crs, georeference.geographic_from_world, origin, *_place(georeference.crs, origin))


def _place(crs: str, position: Float64) -> tuple[float | None, float | None, float | None]:
    """Longitude, latitude and height of a position [3] of the map; None for what PROJ cannot tell of a grid's."""
    try:
        places = places_on_earth(Georeference(crs, Sim3.identity()), position[None])
    except ExportError:
        if not map_crs(crs).is_projected:
            raise
        return None, None, None
    longitude, latitude = places.longitude_latitude[0].tolist()
    return longitude, latitude, None if places.over_ellipsoid is None else float(places.over_ellipsoid[0])


def _metres(crs: CRS) -> float:
    """Of one unit of the map."""
    return float(crs.axis_info[0].unit_conversion_factor)


def _enu_from_grid(crs: CRS) -> Float64:
    """Rotation [3,3]; the axes of some grids point west and south."""
    return np.diag([-1.0, -1, 1]) if {axis.direction for axis in crs.axis_info[:2]} == {"west", "south"} else np.eye(3)


def _enu_from_ecef(anchor: Anchor) -> Float64:
    """Rotation [3,3] to east, north and up at a place."""
    angles = np.radians(np.array([anchor.longitude, anchor.latitude], np.float64))
    (a, c), (b, d) = np.sin(angles), np.cos(angles)
    return np.array([[-a, b, 0.0], [-c * b, -c * a, d], [d * b, d * a, c]])


def _ecef_from_geographic(places: Float64) -> Float64:
    from pyproj import Transformer

    to_ecef = Transformer.from_crs("EPSG:4979", _ECEF, always_xy=True)
    return np.stack(to_ecef.transform(*places.T), axis=-1)


def _not_located(reader: RunReader) -> ExportError:
    return ExportError(
        f"axes=map needs a run that is located: scene.json of {reader.path} has no georeference; give world or upright"
    )
