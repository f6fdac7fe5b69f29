"""Which way is up in a file: the run's world is that of its first camera, most readers want an axis that points up.

Nothing measures gravity. Up is where the cameras say it is (see `top_view` of overview.py): across a level path, else
against the cameras' mean y axis.
"""

from __future__ import annotations

import numpy as np

from ...cloud import Axes
from ...cloud.files.laz import coordinate_system
from ...geometry import Sim3
from ...store import RunReader
from ...store.files import json_line
from ...types import Float64
from ..trajectory.overview import top_view


def z_up(reader: RunReader) -> Sim3:
    """The rotation to x right, y ahead (where the first camera looks), z up; the origin stays."""
    return Sim3(1.0, _map_from_world(reader), np.zeros(3))


def y_up(reader: RunReader) -> Sim3:
    """The rotation to the axes of glTF: x right, y up, z back; the origin stays."""
    right, ahead, up = _map_from_world(reader)
    return Sim3(1.0, np.stack([right, up, -ahead]), np.zeros(3))


def las_axes(reader: RunReader, up: str) -> Axes:
    """The coordinates of a LAS file: of the map where the run is georeferenced, else z up, or the run's own.

    Raises StoreError for a map whose coordinate system PROJ does not know.
    """
    located = reader.geometry.scene.georeference
    if located is not None:
        place = located.geographic_from_world
        units = _units_of(located.crs)
        return Axes(place, located.crs, _note(units, place, "coordinates of the map"), units)
    if up == "camera":
        return Axes(note=_note(reader.units, Sim3.identity(), "x right, y down, z ahead of the first camera"))
    place = z_up(reader)
    return Axes(place, note=_note(reader.units, place, "x right, y ahead, z up; up as the cameras were held"))


def _units_of(crs: str) -> str:
    """ "metres", or what PROJ calls the unit of the first axis. Raises StoreError for a crs that it does not know."""
    axis = coordinate_system(crs).axis_info[0]
    return "metres" if axis.unit_conversion_factor == 1.0 else axis.unit_name


def _map_from_world(reader: RunReader) -> Float64:
    poses = reader.poses.world_from_camera
    return top_view(poses[:, :3, 3], poses[:, :3, :3])


def _note(units: str, place: Sim3, axes: str) -> str:
    return json_line({"axes": axes, "units": units, "file_from_world": place.matrix()})
