"""run(): a source of frames in, a run directory out; source, predictor, SLAM system and session take turns."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .frames import prefetch
from .machine import keep_freed_memory, one_thread_each
from .predictors.engine import Engine
from .predictors.model_choice import ResolvedModel
from .predictors.scheduler import SerializedPredictor, predictions
from .progress import Listener, ignore
from .remote_files import local_copies
from .session import RunSession, open_job, open_session, run_lifecycle
from .settings import Settings
from .stopwatch import START, Stopwatch
from .types import CopiedInput, Predictor

log = logging.getLogger(__name__)

Source = str | Path | Sequence[str | Path] | Iterable[NDArray[np.uint8]] | CopiedInput


def run(
    source: Source,
    out: str | Path,
    settings: Settings | None = None,
    predictor: Predictor | None = None,
    *,
    model: ResolvedModel | None = None,
    engine: Engine | None = None,
    watch: Stopwatch | None = None,
    progress: bool = False,
    listener: Listener = ignore,
    overwrite: bool = False,
    with_changes: bool = False,
) -> Path:
    """Reconstruct a source (see `frames.open_source`) into the run directory `out`, and return its path.

    Remote files (`s3://bucket/drive.mp4`) are copied beside `out` until the run is finished (`remote_files`).

    Without a predictor the one that the settings name is made; `model` is what `choose_model` says of those settings,
    where that was asked before, and `watch` has counted CPU seconds until now (None: they count from here on).
    `engine` predicts elsewhere, such as `distributed.RayEngine` (None: in this process); the run is the same.
    `progress` shows people on stderr how it goes, and the `listener` hears it, called with the name of an event and its
    fields. A run of
    the same input and settings that was cut short goes on after its last finished window, and one that is finished
    stays as it is; `with_changes` allows other settings of the map and the machine meanwhile, `overwrite` begins anew.
    Raises Da3StreamError with one sentence where nothing can be begun. Once the run
    directory exists, what is computed is kept: a run that breaks off raises RunError (state "failed"), one that is
    stopped KeyboardInterrupt or SystemExit (state "interrupted"), both with their outputs.
    """
    watch = watch or Stopwatch()
    keep_freed_memory()
    with ExitStack() as stack:
        with watch.stage(START):
            stack.enter_context(one_thread_each())
            copies = local_copies(source, Path(out), overwrite=overwrite, shown=progress, listener=listener)
            here = stack.enter_context(copies)
            job = stack.enter_context(open_job(here, settings or Settings(), predictor, model, watch, engine))
            opened = open_session(Path(out), job, overwrite=overwrite, with_changes=with_changes)
            session = stack.enter_context(opened)
        if session.finished:
            log.warning("%s holds this run, finished: there is nothing to do", session.run.path)
            return session.run.path
        with run_lifecycle(session):
            reconstruct(session, progress, listener)
        return session.run.path


def reconstruct(session: RunSession, progress: bool, listener: Listener = ignore) -> None:
    """Window by window: predict, add to the map, write, commit."""
    job, watch = session.job, session.job.watch
    predictor = SerializedPredictor(job.predictor, watch)
    with watch.stage(START):
        slam = session.start(predictor)
    frames = prefetch(job.source, job.window_size, watch)
    with frames, session.progress(progress, listener) as told, closing(slam):
        windows = session.new_windows(frames)
        with closing(predictions(windows, predictor, job.source.stop)) as predicted:
            for prediction in predicted:
                update = slam.process_window(prediction)
                session.write(update)
                session.commit(update)
                told.advance(update, session.map_figures())
        session.write_final(slam.finish())
        told.finish()
