"""A run as it was at one moment, for all answers until the next one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..errors import StoreError
from ..store import JUST_CREATED, LoopLine, Run, RunGeometry, RunReader, frame_poses, pose_table
from ..types import Float64
from ..upright import up_of_run, up_of_world
from .submap_facts import FactsOfSubmaps, SubmapFacts
from .tables import EMPTY_FRAMES, EMPTY_POSES, FramePoseRows, FrameTable, frame_pose_rows, frame_table

log = logging.getLogger(__name__)

RUNNING = "running"


@dataclass(frozen=True, eq=False)
class Snapshot:
    """`epoch` is another one when tables do not continue those of before, `revision` is larger whenever anything is
    new. `reader` is None as long as there is no run."""

    epoch: str
    revision: int
    reader: RunReader | None = None
    state: str = "waiting"  # "running", "finished", "interrupted" or "failed", once there is a run
    problem: str = ""  # why it cannot be read now
    submaps: Mapping[int, SubmapFacts] = field(default_factory=dict)
    frames: FrameTable = EMPTY_FRAMES
    poses: FramePoseRows = EMPTY_POSES
    loops: tuple[LoopLine, ...] = ()
    up: Float64 = field(default_factory=lambda: np.array([0.0, -1.0, 0.0]))
    up_of: tuple[int, bool] = (0, False)  # of how many submaps that was told, and whether the run had ended

    def continues(self, before: Snapshot) -> bool:
        """Whether this is the same run with frames added."""
        if not len(before.frames):
            return True
        return self._started == before._started and self.frames.begins_with(before.frames)

    @property
    def _started(self) -> object:
        """What tells this run from one that took its place."""
        return None if self.reader is None else self.reader.status.get("started")


def read_run(run: Run, facts: FactsOfSubmaps) -> tuple[RunReader, dict[int, SubmapFacts]]:
    """The run without its pixels and points. Raises StoreError where its files do not go together now."""
    status = run.read_status()
    scene = run.read_scene()
    known = {} if status == JUST_CREATED else facts.read(len(scene.submaps))
    cameras = {number: one.cameras for number, one in known.items()}
    geometry = RunGeometry(scene, cameras, frame_poses(scene, cameras))
    return RunReader(run, status, geometry, pose_table(status, geometry)), known


def first_time(reader: RunReader) -> float:
    """The time of the input's first frame, from which times are told."""
    return float(reader.status.get("first_time_s") or 0.0)


def tables_of(reader: RunReader, revision: int) -> tuple[FrameTable, FramePoseRows]:
    """Of a run, all rows of this revision."""
    return (
        frame_table(reader.geometry, reader.poses, first_time(reader)),
        frame_pose_rows(reader.geometry, reader.poses, revision),
    )


def up_now(reader: RunReader, state: str, before: Snapshot) -> tuple[Float64, tuple[int, bool]]:
    """Up, and of what it was told: asked again when the run is twice as long, and with points when it has ended."""
    count, ended = len(reader.geometry.submaps), state != RUNNING
    then, had_ended = before.up_of
    if not count or (before.reader is not None and then <= count < max(2 * then, 1) and ended == had_ended):
        return before.up, before.up_of
    scene = reader.geometry.scene
    try:
        if ended:
            return up_of_run(reader).direction, (count, ended)
    except StoreError as error:
        log.warning("up is told by the cameras alone: %s", error)
    return up_of_world(scene.georeference, reader.poses, np.zeros((0, 3))).direction, (count, ended)
