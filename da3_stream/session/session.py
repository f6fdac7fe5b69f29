"""A run directory in use: what a window taught is written, and then committed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Any

from ..cloud import preview_cloud, window_points, write_levels, write_page
from ..frames import GatedFrames, MaskedFrames
from ..predictors.scheduler import SerializedPredictor
from ..progress import Listener, ignore
from ..slam import Backend, CameraHeightPrior, KeyframeWindows, MetricScalePrior, SlamSystem, SubmapChain, SubmapStore
from ..slam.loop_closing import make_loops
from ..slam.update import Event, FinalUpdate, WindowUpdate
from ..splats import window_splats, write_splats
from ..store import Run, SceneFile
from ..types import Frame, SkippedFrame
from ..windows import Window, longest_overlap, windows
from .advice.wandering import wandering_scale
from .checkpoint import Checkpoint, commit
from .job import Job
from .journal import Journal
from .live_trajectory import LiveTrajectory
from .status import RunStatus
from .telling.progress import MapFigures, RunProgress

log = logging.getLogger(__name__)


@dataclass(eq=False)
class RunSession:
    """A run directory that this process has locked for a job, and what earlier processes left in it.

    `interruptions` tells how they ended; a run that is `finished` needs nothing more.
    """

    run: Run
    job: Job
    checkpoint: Checkpoint | None = None
    finished: bool = False
    interruptions: tuple[dict[str, Any], ...] = ()
    frames_done: int = 0  # by earlier processes, for the estimate of the disk
    status: RunStatus = field(init=False)
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        self.status = RunStatus(self.run, self.job, interruptions=self.interruptions)
        self.journal = Journal(self.run)
        self._scene_file = SceneFile(self.run.path / "scene.json")
        self._trajectory = LiveTrajectory(self.run.path / "trajectory.tum")

    def start(self, predictor: SerializedPredictor) -> SlamSystem:
        """A SLAM system for the job, with all that an earlier process committed."""
        self._slam = _make_slam(self.run, self.job, predictor, self.status)
        if self.checkpoint is not None:
            self.checkpoint.restore(self.job, self._slam, self.status)
            self.journal.restore()
            log.warning("going on after window %d of the run in %s", self.checkpoint.latest["window"], self.run.path)
        return self._slam

    def progress(self, shown: bool, listener: Listener = ignore) -> RunProgress:
        """What is told of the run, from the frames on that are done already."""
        return RunProgress(self.run.path, self.job, self.status, shown, listener)

    def map_figures(self) -> MapFigures:
        """What the map has now."""
        scene = self._slam.submaps.scene
        length = self._slam.submaps.whole_path_length()
        return MapFigures(len(scene.segments()), self.journal.loops, length, scene.units)

    def new_windows(self, frames: Iterable[Frame]) -> Iterator[Window[Frame]]:
        """Windows of the frames that the gate keeps, but for those that an earlier process committed."""
        job = self.job
        if not job.settings.camera.mask_off:
            state = None if self.checkpoint is None else self.checkpoint.mask_state
            frames = job.watch.each("static_mask", MaskedFrames(frames, state))
        self._kept = GatedFrames(frames, job.gate)
        kept = job.watch.each("gate", self._kept)
        if self.checkpoint is None:
            return windows(kept, job.window_size, job.window_overlap, attrgetter("begins_shot"))
        if self.checkpoint.ended:
            return iter(())
        again = chain(self.checkpoint.frames_before(self._slam.submaps), kept)
        all_windows = windows(again, job.window_size, job.window_overlap, attrgetter("begins_shot"))
        return filter(self.checkpoint.is_new, all_windows)

    @property
    def skipped_after(self) -> Sequence[SkippedFrame]:
        """The skipped frames behind the last window, once there is no further one."""
        if self.checkpoint is not None and self.checkpoint.ended:
            return self.checkpoint.skipped_after
        return [*self._kept.skipped_after, *self.job.source.skipped_after]

    def write(self, update: WindowUpdate) -> None:
        """Points, scene, trajectory, journal, run.json and preview, as they are after a window."""
        watch, window, geometry = self.job.watch, update.prediction.window, update.prediction.geometry
        with watch.stage("cloud"):
            self._write_points(update)
        if self.job.settings.splats.gaussians:
            with watch.stage("splats"):
                self._write_splats(update)
        with watch.stage("graph"):
            self._scene_file.write(update.scene)
        with watch.stage("trajectory"):
            ids = [submap.submap_id for submap in update.submaps]
            self._trajectory.append(update.scene, self._slam.submaps.cameras, ids)
        with watch.stage("status"):
            self.status.add(window, geometry)
            self.status.masks.write_figure(self.run.path / "static_mask.png")
            skipped = chain.from_iterable(frame.skipped_before for frame in window.frames)
            self.journal.tell_skipped(self.status.add_skipped(skipped))
            self.journal.tell_window(window, geometry, update.events)
            self.status.write("running", update.scene)
        with watch.stage("preview"):
            self._write_preview(window.number + 1)

    def commit(self, update: WindowUpdate) -> None:
        """Let the window survive a kill from now on.

        Raises PredictorError for a state of the predictor that cannot be stored.
        """
        with self.job.watch.stage("commit"):
            commit(self.run, self.job, self._slam.state(), self.status, update)

    def write_final(self, update: FinalUpdate) -> None:
        """The scene of the last optimization, what its scales say, and the journal's last lines."""
        with self.job.watch.stage("graph"):
            self._scene_file.write(update.scene)
        self.status.advice.add(wandering_scale(update.scene, update.scales), self.status.source_indices)
        self.journal.tell_events(update.events)
        self.journal.tell_skipped(self.status.add_skipped(self.skipped_after))

    def _write_points(self, update: WindowUpdate) -> None:
        cloud = self.job.settings.cloud
        for submap in update.submaps:
            points = window_points(submap.geometry, submap.frames.owned, cloud, submap.metres_per_unit)
            write_page(self.run, submap.submap_id, points)
            write_levels(self.run, submap.submap_id, points)

    def _write_splats(self, update: WindowUpdate) -> None:
        for submap in update.submaps:
            kept = window_splats(submap.geometry, submap.frames, self.job.settings)
            write_splats(self.run, submap.submap_id, kept)

    def _write_preview(self, window_count: int) -> None:
        """Renew cloud.ply after the first window and then every so many."""
        cloud = self.job.settings.cloud
        if window_count == 1 or window_count % cloud.preview_every == 0:
            points = preview_cloud(self.run, self._slam.submaps.run_geometry(), cloud)
            self.journal.tell(Event("preview", {"windows": window_count, "points": points}))


def _make_slam(run: Run, job: Job, predictor: SerializedPredictor, status: RunStatus) -> SlamSystem:
    """An empty system, as the job's settings want it."""
    settings, height = job.settings, job.settings.scale.camera_height
    submaps = SubmapStore(run, job.scene, job.predictor.is_metric)
    backend = Backend()
    loops = make_loops(run, submaps, backend, predictor, job.extractor, settings.loops)
    keyframes = KeyframeWindows(settings.windows.key_every, job.window_size, submaps, predictor)
    return SlamSystem(
        submaps=submaps,
        chain=SubmapChain(longest_overlap(job.window_size, job.window_overlap)),
        heights=CameraHeightPrior(height),
        metric=MetricScalePrior(enabled=not isinstance(height, float)),
        loops=loops,
        keyframes=keyframes,
        backend=backend,
        watch=job.watch,
        keeps_images=job.source.feed is not None or loops.needs_images or keyframes.every > 0,
    )
