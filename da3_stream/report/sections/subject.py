"""What a report is about: a run as it was read once, for all sections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...cloud import read_ply
from ...errors import StoreError
from ...store import JournalLoops, LoopLine, PoseTable, RunReader
from ...store.files import read_json
from ...types import Float32, Float64, UInt8
from ...upright import up_of_world, upright_rotation
from ..facts import run_facts

_MOST_POINTS = 100_000  # of the cloud, evenly; more than its drawings have cells
_POINTS_FOR_UP = 20_000
_STANDS = 1e-6  # world units: windows are some units deep


@dataclass(frozen=True, eq=False)
class Subject:
    """A run, its facts (as `info` tells them) and its journal."""

    reader: RunReader
    facts: dict[str, Any]
    events: tuple[dict[str, Any], ...]

    @staticmethod
    def of(reader: RunReader) -> Subject:
        """Raises StoreError if the run is damaged."""
        return Subject(reader, run_facts(reader), tuple(reader.run.read_events()))

    @property
    def poses(self) -> PoseTable:
        """A row for every selected frame."""
        return self.reader.poses

    @cached_property
    def loops(self) -> tuple[LoopLine, ...]:
        """What became of all loops."""
        return JournalLoops.of(self.events)

    @property
    def unit(self) -> str:
        """The unit of lengths in words."""
        return "m" if self.reader.units == "metres" else "units"

    @cached_property
    def times(self) -> Float64:
        """Seconds [N] of the rows, from the first frame of the input on."""
        return self.poses.timestamp - (self.facts.get("first_time_s") or 0.0)

    @cached_property
    def points(self) -> tuple[Float32, UInt8]:
        """Some points of cloud.ply [M,3] with their colours; none where there is no cloud."""
        path = self.reader.path / "cloud.ply"
        if not path.exists():
            return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint8)
        return read_ply(path, _MOST_POINTS)

    @cached_property
    def upright_from_world(self) -> Float64:
        """Rotation [3,3] to right, ahead and up, as overview.png has it but for the points that it goes by."""
        xyz = self.points[0]
        some = xyz[:: max(len(xyz) // _POINTS_FOR_UP, 1)].astype(np.float64)
        up = up_of_world(self.reader.geometry.scene.georeference, self.poses, some)
        return upright_rotation(up, self.poses.world_from_camera)

    @cached_property
    def centres(self) -> Float64:
        """Camera centres [N,3] to the right, ahead and up; NaN without a pose."""
        return self.poses.world_from_camera[:, :3, 3] @ self.upright_from_world.T

    @cached_property
    def evaluation(self) -> dict[str, Any] | None:
        """evaluation.json, None where there is none, empty where it is damaged: that harms no run."""
        path = self.reader.path / "evaluation.json"
        try:
            return read_json(path) if path.exists() else None
        except StoreError:
            return {}

    @cached_property
    def moves(self) -> bool:
        """Whether the camera goes anywhere, as far as the run knows: a path of rounding errors is none."""
        centres = self.poses.world_from_camera[self.poses.segment >= 0, :3, 3]
        return len(centres) > 1 and float(np.ptp(centres, axis=0).max()) > _STANDS

    @property
    def shows_something(self) -> bool:
        """Whether there is anything to draw: a path, or a cloud."""
        return self.moves or bool(self.facts["points"])

    def stretches_of_rows(self, keep: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
        """Rows [K] of every segment that are kept, in order; none of frames without a pose."""
        for number in np.unique(self.poses.segment[self.poses.segment >= 0]).tolist():
            yield np.flatnonzero((self.poses.segment == number) & keep)

    def row_of(self, source_index: int) -> int | None:
        """The row of a frame, None where it has none."""
        row = int(np.searchsorted(self.poses.source_index, source_index))
        return row if row < len(self.poses) and self.poses.source_index[row] == source_index else None
