"""What a run needs to go on after a kill as if nothing had happened.

After every window, when all of it is stored: one line in resume/windows.jsonl with what the window added for good
(edges, what its submaps tell of their scale), then resume/tip.npz, the checkpoint, which replaces the one before and
with it commits the window: where the submaps lie now, the last frames' geometry for the next alignment, and how long
all growing files are. What the files hold beyond that is work of a window that was not finished, and is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

import numpy as np

from ..errors import PredictorError, StoreError
from ..slam import SlamSystem, SubmapStore, WindowUpdate
from ..slam.edges import pack_edge
from ..store import Run, Scene, drop_after, read_cameras, read_tree, write_tree
from ..types import Frame, SkippedFrame, UInt8
from ..windows import Window
from .job import Job
from .status import RunStatus

VERSION = 7  # of what resume/ holds: raised whenever a key changes; the first checkpoints tell none
NO_IMAGE: UInt8 = np.zeros((1, 1, 3), np.uint8)  # of a frame that no window will show to the predictor again


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The last window that was finished, and all that the next ones need."""

    run: Run
    latest: dict[str, Any]

    @property
    def ended(self) -> bool:
        """Whether there was no window after it."""
        return bool(self.latest["ended"])

    @property
    def skipped_after(self) -> list[SkippedFrame]:
        """Where the run had ended: the skipped frames behind its last window."""
        return [SkippedFrame(*row) for row in self.latest["skipped_after"]]

    @property
    def mask_state(self) -> dict[str, Any] | None:
        """From which the masks of frames go on (`Frame.mask_state`)."""
        state: dict[str, Any] | None = self.latest["masks"]
        return state

    def check(self) -> None:
        """Raises StoreError if a line or the geometry of a window cannot be read.

        Damaged pixels are found when a loop is looked at there, which is refused then and costs nothing else.
        """
        run, latest = self.run, self.latest
        for log, size in ((run.journal, latest["journal"]), (run.increments, latest["increments"])):
            for _ in log.read(size):
                pass
        for submap in range(len(latest["slam"]["scene"]["whole"])):
            read_cameras(run, submap)
        self._with_georeference(Scene())

    def restore(self, job: Job, slam: SlamSystem, status: RunStatus) -> None:
        """Bring everything to where it was then, and drop from the files what came after."""
        run, latest = self.run, self.latest
        run.journal.truncate(latest["journal"])
        run.increments.truncate(latest["increments"])
        slam.restore(latest["slam"], run.increments.read())
        slam.submaps.scene = self._with_georeference(slam.scene)
        drop_after(run, len(slam.scene.submaps))
        run.write_scene(slam.scene)
        status.restore(latest["status"], slam.submaps.selected(), slam.submaps.left_out())
        if latest["predictor"] is not None:
            job.predictor.restore(latest["predictor"])
        job.gate.restore(latest["gate"])
        first = latest["frames"][0] if self.mask_state is None else self.mask_state["resume_index"]
        job.source.resume_at(first, (frame.index for frame in status.skipped))

    def _with_georeference(self, scene: Scene) -> Scene:
        """The scene where scene.json puts it on the Earth: that may have been written by hand since."""
        if not (self.run.path / "scene.json").exists():
            return scene
        written = self.run.read_scene()
        known = written.georeference
        return replace(scene, georeference=None if known is None else known.rescaled(scene.scale / written.scale))

    def frames_before(self, submaps: SubmapStore) -> Iterator[Frame]:
        """The frames before those of the last window, without their images, from which windows are cut as before."""
        shots = set(self.latest["status"]["shots"])
        owned = sorted(pair for cameras in submaps.cameras.values() for pair in cameras.own_frames())
        for index, timestamp in owned:
            if index < self.latest["frames"][0]:
                yield Frame(index, timestamp, NO_IMAGE, str(index), begins_shot=index in shots)

    def is_new(self, window: Window[Frame]) -> bool:
        """Whether a window was not finished then."""
        return window.number > self.latest["window"]


def commit(run: Run, job: Job, slam: dict[str, Any], status: RunStatus, update: WindowUpdate) -> None:
    """Commit a window, with the state of the SLAM system after it.

    Raises PredictorError for a state of the predictor that cannot be stored.
    """
    run.increments.append(_increment(update))
    run.increments.sync()
    run.journal.sync()
    window = update.prediction.window
    frames = window.frames
    latest = {
        "version": VERSION,
        "window": window.number,
        "ended": False,
        "frames": (frames[0].index, frames[-1].index),
        "gate": dict(frames[0].gate_state or {}),
        "masks": frames[0].mask_state,
        "journal": run.journal.size(),
        "increments": run.increments.size(),
        "slam": slam,
        "status": status.state(),
        "skipped_after": (),
        "predictor": update.prediction.state,
    }
    try:
        write_tree(run.latest_path, latest)
    except TypeError as error:
        raise PredictorError(
            f"{job.predictor.name}.state() must be of dicts, lists, numbers, texts and arrays: {error}"
        ) from error


def conclude(run: Run, skipped_after: Iterable[SkippedFrame]) -> None:
    """Drop what only a next window would need, as none comes any more; keep the skipped frames behind the last one."""
    if run.latest_path.exists():
        latest = read_tree(run.latest_path)
        latest["slam"]["chain"] |= {"previous": [], "earlier": []}
        write_tree(
            run.latest_path, latest | {"ended": True, "skipped_after": [astuple(frame) for frame in skipped_after]}
        )


def _increment(update: WindowUpdate) -> dict[str, Any]:
    """What a window added for good."""
    return {
        "edges": [pack_edge(edge) for edge in update.edges],
        "heights": [asdict(height) for height in update.scale.heights],
        "metric": [asdict(scale) for scale in update.scale.metric],
    }


def read_checkpoint(run: Run) -> Checkpoint | None:
    """The last finished window of a run directory, None if there is none.

    Raises StoreError if anything that the next windows need of it is damaged, or if another version of the program
    wrote it; nothing was touched then.
    """
    if not run.latest_path.exists():
        return None
    with _explained(run):
        latest = read_tree(run.latest_path)
    if latest.get("version") != VERSION:
        raise StoreError(
            f"cannot go on with the run in {run.path}: another version of this program began it; finish it with that "
            "version, or begin anew with --overwrite"
        )
    checkpoint = Checkpoint(run, latest)
    with _explained(run):
        checkpoint.check()
    return checkpoint


@contextmanager
def _explained(run: Run) -> Iterator[None]:
    """A StoreError says which run it stops, and what can be done."""
    try:
        yield
    except StoreError as error:
        raise StoreError(
            f"cannot go on with the run in {run.path}: {error}; bring that file back, or begin anew with --overwrite"
        ) from error
