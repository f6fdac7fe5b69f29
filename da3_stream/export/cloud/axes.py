"""The axes of exported files: a run's world is that of its first camera, most readers want an axis that points up.

Nothing measures gravity: up is estimated from the cameras (see `top_view` in trajectory/overview.py), as the normal of
a level path, else against the cameras' mean y axis.
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
    """The axes of a LAS file: map coordinates where the run is georeferenced, else z up, or the run's own.

    Raises StoreError for a map whose coordinate system PROJ does not know.
    """
    georeference = reader.geometry.scene.georeference
    if georeference is not None:
        file_from_world = georeference.geographic_from_world
        units = _units_of(georeference.crs)
        return Axes(file_from_world, georeference.crs, _note(units, file_from_world, "coordinates of the map"), units)
    if up == "camera":
        return Axes(note=_note(reader.units, Sim3.identity(), "x right, y down, z ahead of the first camera"))
    upright = z_up(reader)
    return Axes(upright, note=_note(reader.units, upright, "x right, y ahead, z up; up as the cameras were held"))


def _units_of(crs: str) -> str:
    """ "metres", or what PROJ calls the unit of the first axis. Raises StoreError for a crs that it does not know."""
    axis = coordinate_system(crs).axis_info[0]
    return "metres" if axis.unit_conversion_factor == 1.0 else axis.unit_name


def _map_from_world(reader: RunReader) -> Float64:
    """Rotation [3,3] to right, ahead and up."""
    poses = reader.poses.world_from_camera
    return top_view(poses[:, :3, 3], poses[:, :3, :3])


def _note(units: str, file_from_world: Sim3, axes: str) -> str:
    """What a LAS header says of its coordinates, as JSON."""
    return json_line({"axes": axes, "units": units, "file_from_world": file_from_world.matrix()})
