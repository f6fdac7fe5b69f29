"""A run in the axes of a file, for formats with cameras; and the record of these axes where a format has no place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..cloud import FileAxes
from ..geometry import Sim3
from ..store import RunReader, pose_table
from ..store.files import json_page, write_text
from ..store.scene import Units

RECORD = "frame_of_reference.json"  # in a folder
BESIDE = ".json"  # a file that has no place for the record: trajectory.kitti.json


@dataclass(frozen=True, eq=False)
class PlacedReader(RunReader):
    """A run in the axes of a file: poses, points and depth are in the file's coordinates and units."""

    axes: FileAxes


def placed_reader(reader: RunReader, axes: FileAxes) -> PlacedReader:
    """The run in these axes; where they are its own, it is not touched."""
    if (axes.file_from_world.numbers() == Sim3.identity().numbers()).all():
        return PlacedReader(reader.run, reader.status, reader.geometry, reader.poses, axes)
    units: Units = "relative" if axes.units == "relative" else "metres"
    geometry = reader.geometry.moved(axes.file_from_world, units)
    return PlacedReader(reader.run, reader.status, geometry, pose_table(reader.status, geometry), axes)


def write_record(path: Path, axes: FileAxes) -> None:
    """The frame of reference as a file of JSON."""
    write_text(path, json_page(axes.json()))
