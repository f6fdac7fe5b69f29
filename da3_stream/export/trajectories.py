"""Trajectory files of the frames that were asked for, one line each, NaN where a frame has no place."""

from __future__ import annotations

from pathlib import Path

from .kitti import write_kitti
from .options import TrajectoryOptions
from .reading import Reading
from .tum import write_tum


def export_tum(reading: Reading, path: Path, options: TrajectoryOptions) -> str:
    """See `write_tum`."""
    table = reading.table.take(reading.rows(options))
    write_tum(table, path)
    return f"{len(table)} poses"


def export_kitti(reading: Reading, path: Path, options: TrajectoryOptions) -> str:
    """See `write_kitti`."""
    table = reading.table.take(reading.rows(options))
    write_kitti(table, path)
    return f"{len(table)} poses"
