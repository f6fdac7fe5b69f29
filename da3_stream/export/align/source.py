"""What decides up in a PLY file: a direction that is given, the cameras of the run that it is of, its own comments, or
its points alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...cloud import Ball
from ...errors import ExportError
from ...geometry import Sim3
from ...store import RunReader
from ...types import Float64
from ...upright import Up, estimate_up, given_up, object_of_run, up_of_run
from .record import read_record

_AXES = {"z": (0.0, 0.0, 1.0), "y": (0.0, 1.0, 0.0), "-y": (0.0, -1.0, 0.0)}
_UNSURE = 0.8  # probability of a sign below which a direction is asked for


@dataclass(frozen=True, eq=False)
class AlignSource:
    """A PLY file, and the run that it is of, if that is known."""

    path: Path
    reader: RunReader | None
    was_given: bool  # the run was, by its directory
    record: dict[str, Any]  # of the file's comments

    @staticmethod
    def of(path: Path, run: Path | None) -> AlignSource:
        """With the run that is given, else that in whose directory, or export folder, the file lies. Raises StoreError
        for a directory that is no run."""
        near = [folder for folder in path.absolute().parents[:2] if (folder / "run.json").is_file()]
        directory = run or next(iter(near), None)
        return AlignSource(path, None if directory is None else RunReader.open(directory), run is not None, {})

    def with_comments(self, comments: Sequence[str]) -> AlignSource:
        """The same with what the file says of itself: one that lies in a run's directory is of the run only if it was
        written by this program."""
        record = read_record(comments)
        is_of_run = self.was_given or any(comment.startswith("da3_stream") for comment in comments)
        return replace(self, reader=self.reader if is_of_run else None, record=record)

    @property
    def file_from_world(self) -> Sim3:
        """By the record; a file without one is in the run's world."""
        matrix = self.record.get("file_from_world")
        return Sim3.identity() if matrix is None else Sim3.from_matrix(matrix)

    def object(self) -> Ball:
        """What the cameras circle, in the file's coordinates. Raises ExportError where they circle nothing, or none are
        known."""
        if self.reader is None:
            raise ExportError(
                f"no cameras are known of {self.path}, so nothing tells what they circle: give --run with the run that "
                "it is of, or --crop box:... or sphere:..."
            )
        ball, place = object_of_run(self.reader), self.file_from_world
        return Ball(place.apply(ball.centre), place.scale * ball.radius)


def find_up(source: AlignSource, wanted: str, points: Float64) -> tuple[Up, str]:
    """Up in the file's coordinates, and a sentence for people: by what, and how sure it is. Raises ExportError for
    `wanted` that is neither auto nor x,y,z."""
    up, by = _find(source, wanted, points)
    x, y, z = up.direction + 0.0
    text = f"up was ({x:.4f}, {y:.4f}, {z:.4f}) by {by}: within {up.sigma_deg:.1f} degrees (sigma)"
    if up.source not in ("map", "given"):
        text += f", its sign {up.sign_probability:.1%} sure"
    unsure = up.sign_probability < _UNSURE
    return up, text + ("; give --up x,y,z, roughly, if it stands on its head" if unsure else "")


def _find(source: AlignSource, wanted: str, points: Float64) -> tuple[Up, str]:
    if wanted != "auto":
        up = given_up(_direction(wanted), points)
        return up, "--up" if up.floor is None else "the level plane, and --up for its sign"
    if source.reader is not None:
        up = _placed(up_of_run(source.reader), source.file_from_world)
        return up, f"{up.source} of {source.reader.path}"
    if source.record.get("axes") == "map":
        return Up(np.array(_AXES["z"]), 0.0, "map"), "the map that the file is on"
    if source.record.get("up") in _AXES:
        up = given_up(np.array(_AXES[source.record["up"]]), points)
        return up, "what the file says of itself" + ("" if up.floor is None else ", and the level plane")
    up = estimate_up(np.zeros((0, 4, 4)), points)
    by = "the largest plane, taken to be level, and the side of it on which more points are"
    return up, by if up.source == "plane" else "nothing that could be found"


def _placed(up: Up, file_from_world: Sim3) -> Up:
    direction = file_from_world.rotation @ up.direction
    shift = float(file_from_world.translation @ direction)
    floor = None if up.floor is None else file_from_world.scale * up.floor + shift
    return replace(up, direction=direction, floor=floor)


def _direction(text: str) -> Float64:
    try:
        numbers = np.array([float(word) for word in text.split(",")])
    except ValueError:
        numbers = np.zeros(0)
    length = float(np.linalg.norm(numbers))
    if len(numbers) != 3 or not np.isfinite(length) or length < np.finfo(float).tiny:
        raise ExportError(f"--up takes auto, or a direction x,y,z of the file such as 0,-1,0, not {text!r}")
    return numbers / length
