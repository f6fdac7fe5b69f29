"""What a run needs to go on after a kill as if nothing had happened.

After every window, when all of it is stored: one line in resume/windows.jsonl with what the window added for good
(edges, what it knows of its scale), then resume/tip.npz, which replaces the one before and with it commits the window:
where everything lies now, the last frames' geometry for the next alignment, and how long all growing files are. What
the files hold beyond that is work of a window that was not finished, and is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from ..errors import PredictorError, StoreError
from ..predictors.scheduler import WindowPrediction
from ..slam.system import SlamSystem
from ..store import Run, Scene, drop_after, read_cameras, read_tree, write_tree
from ..types import Frame, SkippedFrame, UInt8
from ..windows import Window
from .job import Job
from .journal import Journal
from .status import RunStatus

UNSEEN: UInt8 = np.zeros((1, 1, 3), np.uint8)  # the picture of a frame that no window will look at again


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The last window that was finished, and all that the next ones need."""

    run: Run
    tip: dict[str, Any]

    @property
    def ended(self) -> bool:
        """Whether there was no window after it."""
        return bool(self.tip["ended"])

    def check(self) -> None:
        """Raises StoreError if a line or the geometry of a window cannot be read.

        Damaged pixels are found when a loop is looked at there, which is refused then and costs nothing else.
        """
        run, tip = self.run, self.tip
        all(chain(run.journal.read(tip["journal"]), run.increments.read(tip["progress"])))
        for submap in range(len(tip["world"]["placement"]["scene"]["whole"])):
            read_cameras(run, submap)
        self._located(Scene())

    def restore(self, job: Job, world: SlamSystem, record: RunStatus, journal: Journal) -> None:
        """Bring everything to where it was then, and drop from the files what came after."""
        run, tip = self.run, self.tip
        run.journal.truncate(tip["journal"])
        run.increments.truncate(tip["progress"])
        world.restore(tip["world"], list(run.increments.read()))
        world.placement.scene = world.submaps.scene = self._located(world.scene)
        drop_after(run, len(world.scene.submaps))
        run.write_scene(world.scene)
        record.restore(tip["record"], world.submaps.selected(), world.submaps.left_out())
        journal.restore(tip["told"])
        if tip["predictor"] is not None:
            job.predictor.restore(tip["predictor"])
        job.gate.restore(tip["gate"])
        skipped = (SkippedFrame(*one) for one in tip["skipped"])
        known = (bad for bad in skipped if self.ended or bad.index < tip["frames"][0])
        job.source.resume_at(tip["frames"][0], known)

    def _located(self, scene: Scene) -> Scene:
        """The scene where scene.json puts it on the Earth: that may have been written by hand since."""
        if not (self.run.path / "scene.json").exists():
            return scene
        said = self.run.read_scene()
        known = said.georeference
        return replace(scene, georeference=None if known is None else known.rescaled(scene.scale / said.scale))

    def seen(self, world: SlamSystem) -> Iterator[Frame]:
        """The frames before those of the last window, without their pictures: windows are cut as they were."""
        shots = set(self.tip["record"]["shots"])
        own = sorted(pair for submap in world.submaps.submaps.values() for pair in submap.own_frames())
        for index, timestamp in own:
            if index < self.tip["frames"][0]:
                yield Frame(index, timestamp, UNSEEN, str(index), begins_shot=index in shots)

    def is_new(self, window: Window[Frame]) -> bool:
        """Whether a window was not finished then."""
        return window.number > self.tip["window"]


def commit(
    run: Run, job: Job, world: SlamSystem, record: RunStatus, journal: Journal, answer: WindowPrediction
) -> None:
    """A window is finished. Raises PredictorError for a state of the predictor that cannot be stored."""
    run.increments.append(world.news())
    run.increments.sync()
    run.journal.sync()
    frames = answer.window.frames
    tip = {
        "window": answer.window.number,
        "ended": False,
        "frames": (frames[0].index, frames[-1].index),
        "gate": dict(frames[0].gate_state or {}),
        "journal": run.journal.size(),
        "progress": run.increments.size(),
        "world": world.state(),
        "record": record.state(),
        "told": journal.told,
        "skipped": _rows(bad for bad in job.source.skipped if bad.index < frames[-1].index),
        "predictor": answer.state,
    }
    try:
        write_tree(run.latest_path, tip)
    except TypeError as error:
        raise PredictorError(
            f"{job.predictor.name}.state() must be of dicts, lists, numbers, texts and arrays: {error}"
        ) from error


def conclude(run: Run, skipped: Iterable[SkippedFrame]) -> None:
    """There is no window any more: what only a next one would need goes; `skipped` are those of the whole input."""
    if run.latest_path.exists():
        tip = read_tree(run.latest_path)
        tip["world"]["placement"] |= {"previous": [], "earlier": []}
        write_tree(run.latest_path, tip | {"ended": True, "skipped": _rows(skipped)})


def _rows(skipped: Iterable[SkippedFrame]) -> list[tuple[int, str, str]]:
    return [(bad.index, bad.name, bad.reason) for bad in skipped]


def read_checkpoint(run: Run) -> Checkpoint | None:
    """The last finished window of a run directory, None if there is none.

    Raises StoreError if anything that the next windows need of it is damaged; nothing was touched then.
    """
    if not run.latest_path.exists():
        return None
    try:
        checkpoint = Checkpoint(run, read_tree(run.latest_path))
        checkpoint.check()
    except StoreError as error:
        raise StoreError(
            f"cannot go on with the run in {run.path}: {error}; bring that file back, or begin anew with --overwrite"
        ) from error
    return checkpoint
