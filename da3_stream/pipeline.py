"""run(): a source of frames in, a run directory out; the only room that knows all stages."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from operator import attrgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cloud import preview_cloud, window_points, write_page
from .frames import gated, prefetch
from .predictors.scheduler import SerializedPredictor, predictions
from .session.checkpoint import Checkpoint, commit
from .session.estimate import TimeEstimate, announce
from .session.job import Job, open_job
from .session.journal import Journal
from .session.lifecycle import run_lifecycle
from .session.live_trajectory import LiveTrajectory
from .session.progress import progress_bar
from .session.resume import RunSession, open_session
from .session.status import RunStatus
from .session.threads import one_thread_each
from .settings import Settings
from .slam.splitting import SubmapGeometry, split
from .slam.submaps import SubmapStore
from .slam.system import SlamSystem
from .slam.update import Event
from .store import Run, Scene, SceneFile, SubmapFrames, write_submap
from .types import Frame, Predictor
from .windows import Window, windows

log = logging.getLogger(__name__)

Source = str | Path | Sequence[str | Path] | Iterable[NDArray[np.uint8]]


def run(
    source: Source,
    out: str | Path,
    settings: Settings | None = None,
    predictor: Predictor | None = None,
    *,
    progress: bool = False,
    overwrite: bool = False,
    with_changes: bool = False,
) -> Path:
    """Reconstruct a source (see `frames.open_source`) into the run directory `out`, and return its path.

    Without a predictor the one that the settings name is made. A run of the same input and settings that was cut short
    goes on after its last finished window, and one that is finished stays as it is; `with_changes` allows other
    settings of the map and the machine meanwhile, `overwrite` begins anew. Raises Da3StreamError with one sentence
    where nothing can be begun. Once the run directory exists, what is computed is kept: a run that breaks off raises
    RunError (state "failed"), one that is stopped KeyboardInterrupt or SystemExit (state "interrupted"), both with
    their outputs.
    """
    with (
        one_thread_each(),
        open_job(source, settings or Settings(), predictor) as job,
        open_session(Path(out), job, overwrite=overwrite, with_changes=with_changes) as directory,
    ):
        if directory.finished:
            log.warning("%s holds this run, finished: there is nothing to do", directory.run.path)
            return directory.run.path
        with run_lifecycle(directory, job) as (record, journal):
            reconstruct(directory, job, record, journal, progress)
        return directory.run.path


def reconstruct(directory: RunSession, job: Job, record: RunStatus, journal: Journal, progress: bool) -> None:
    """Window by window: read, predict, place, store, recognise, correct, tell, commit."""
    run, checkpoint = directory.run, directory.checkpoint
    asked, watch = SerializedPredictor(job.predictor), record.watch
    world = SlamSystem.of(run, job, asked)
    if checkpoint is not None:
        checkpoint.restore(job, world, record, journal)
        log.warning("going on after window %d of the run in %s", checkpoint.tip["window"], run.path)
    trail, scene_file = LiveTrajectory(run.path / "trajectory.tum"), SceneFile(run.path / "scene.json")
    done = len(record.source_indices)
    announce(run.path, job, done, progress)
    bar = progress_bar(job.source.expected, "reconstructing", progress, done)
    pace = TimeEstimate(job.source.expected, progress, done)
    with prefetch(job.source, job.window_size) as frames, bar, closing(world):
        new = new_windows(frames, job, checkpoint, world)
        with closing(predictions(new, asked, watch, job.source.stop)) as answers:
            for answer in answers:
                window, geometry = answer.window, answer.geometry
                parts = split(window, geometry)
                with watch.stage("stitching"):
                    submaps = world.add_window(window.number, parts)
                with watch.stage("scale"):
                    world.observe_scale(submaps, parts)
                with watch.stage("store"):
                    store(run, job.settings, window, world, submaps, parts)
                with watch.stage("loops"):
                    world.close_loops(geometry.rows(np.arange(window.owned_rows.stop)), submaps)
                with watch.stage("graph"):
                    scene_file.write(world.optimize())
                with watch.stage("trajectory"):
                    trail.append(world.scene, world.submaps.submaps, submaps)
                selected = record.add(window, geometry)
                journal.tell_window(window, geometry, world.take_events())
                record.write("running", world.scene)
                with watch.stage("preview"):
                    preview(run, journal, job.settings, world.submaps, window.number + 1)
                with watch.stage("commit"):
                    commit(run, job, world, record, journal, answer)
                bar.update(selected)
                pace.tell(len(record.source_indices))
    with watch.stage("graph"):
        scene_file.write(world.optimize(last=True))
    journal.tell_events(world.take_events())


def new_windows(
    frames: Iterable[Frame], job: Job, checkpoint: Checkpoint | None, world: SlamSystem
) -> Iterator[Window[Frame]]:
    """The windows after those that an earlier process finished."""
    kept = gated(frames, job.gate)
    if checkpoint is None:
        return windows(kept, job.window_size, job.window_overlap, attrgetter("begins_shot"))
    if checkpoint.ended:
        return iter(())
    again = chain(checkpoint.seen(world), kept)
    return filter(checkpoint.is_new, windows(again, job.window_size, job.window_overlap, attrgetter("begins_shot")))


def store(
    run: Run,
    settings: Settings,
    window: Window[Frame],
    world: SlamSystem,
    submaps: Sequence[int],
    parts: Sequence[SubmapGeometry],
) -> None:
    """Geometry and points of every submap."""
    times = {frame.index: frame.timestamp for frame in window.frames}
    beside = {frame.index: frame.left_out for frame in window.frames}
    pictures = {frame.index: frame.image for frame in window.frames} if world.keeps_pictures else {}
    for submap, part in zip(submaps, parts, strict=True):
        indices = part.geometry.frame_indices
        timestamps = np.array([times[index] for index in indices.tolist()])
        images = tuple(pictures[index] for index in indices[part.owned].tolist() if index in pictures)
        size = window.frames[0].source_size
        left_out = tuple(entry for index in indices[part.owned].tolist() for entry in beside[index])
        kept = SubmapFrames.from_geometry(part.geometry, timestamps, part.owned, size, images=images, left_out=left_out)
        write_submap(run, submap, kept)
        points = window_points(part.geometry, part.owned, settings.cloud, metres_per_unit(world.scene, submap))
        write_page(run, submap, points)
        world.remember(submap, kept)


def metres_per_unit(scene: Scene, submap: int) -> float | None:
    """Metres in one unit of a submap, None in a run without metres."""
    return scene.scale * scene.submaps[submap].world_from_window.scale if scene.units == "metres" else None


def preview(run: Run, journal: Journal, settings: Settings, known: SubmapStore, window_count: int) -> None:
    """Renew cloud.ply after the first window and then every so many."""
    if window_count == 1 or window_count % settings.cloud.preview_every == 0:
        points = preview_cloud(run, known.run_geometry(), settings.cloud)
        journal.tell(Event("preview", {"windows": window_count, "points": points}))
