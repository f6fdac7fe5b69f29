"""A run directory that tells its state whatever happens, and holds what was computed until then."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..errors import Da3StreamError, RunError
from ..settings import to_yaml
from .checkpoint import conclude
from .job import Job
from .journal import Journal
from .outputs import write_outputs
from .progress import log_file
from .report import info, write_report
from .resume import RunSession
from .status import RunStatus

log = logging.getLogger(__name__)

FEW = 3  # frames below which nothing can be said of depth


@contextmanager
def run_lifecycle(begun: RunSession, job: Job) -> Iterator[tuple[RunStatus, Journal]]:
    """The record and the journal of a run; at the end of the block come the outputs.

    What ends the block early is told in run.json and log.txt and passed on: KeyboardInterrupt and SystemExit as they
    are (state "interrupted"), any other exception as a RunError (state "failed").
    """
    run = begun.run
    record, journal = RunStatus(run, job, interruptions=begun.interruptions), Journal(run, job.source.skipped)
    with log_file(run.path / "log.txt"):
        _begin(record, begun)
        try:
            yield record, journal
            conclude(run, job.source.skipped)
            _finish(record, journal, "finished")
        except (KeyboardInterrupt, SystemExit):
            log.warning("interrupted: writing out what was placed so far")
            _finish_best_effort(record, journal, "interrupted")
            raise
        except Exception as error:
            log.info("the run broke off", exc_info=True)
            _finish_best_effort(record, journal, "failed")
            raise RunError(f"the run broke off: {sentence(error)}; what was placed is in {run.path}") from error


def sentence(error: BaseException) -> str:
    """What went wrong, on one line."""
    if isinstance(error, Da3StreamError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror.lower()}{f' ({error.filename})' if error.filename else ''}"
    return f"{type(error).__name__}: {' '.join(str(error).split())} (see log.txt)"


def _begin(record: RunStatus, begun: RunSession) -> None:
    job = record.job
    if begun.checkpoint is None:
        begun.run.write_input_paths(job.source.paths)
        record.write("running", job.scene)
    else:  # from now on, nothing in the directory is finished
        settings = job.settings.model_dump(mode="json")
        now = {"state": "running", "settings": settings, "interruptions": begun.interruptions}
        begun.run.write_status({**begun.run.read_status(), **now})
    log.info("input: %s (%s), %dx%d", job.source.name, job.source.kind, *job.source.size)
    told = ", ".join(f"{key} {value}" for key, value in job.predictor.facts.items())
    log.info("predictor: %s%s", job.predictor.name, f" ({told})" if told else "")
    log.info("windows: %d frames, %d shared", job.window_size, job.window_overlap)
    log.info("settings in force:\n%s", to_yaml(job.settings).rstrip())


def _finish(record: RunStatus, journal: Journal, state: str) -> None:
    """Outputs, the last state of run.json, and the report on both."""
    record.job.let_go()
    with record.watch.stage("outputs"):
        journal.tell_skipped()
        scene, poses = write_outputs(record.run, record.status(state, record.run.read_scene()), record.job.settings)
    record.write(state, scene, poses)
    _warn(record, state)
    write_report(record.run)
    log.info("%s: %d frames in %.1f s", state, len(record.source_indices), record.watch.seconds)


def _warn(record: RunStatus, state: str) -> None:
    """What must be known before the outputs are looked at."""
    facts, skipped = info(record.run.path), record.job.source.skipped
    if skipped:
        first = f"{skipped[0].name} ({skipped[0].reason})"
        log.warning("%d frames were skipped, %s the first; run.json names all", len(skipped), first)
    if record.job.source.dropped:
        log.warning("%d frames came faster than they could be used, and were dropped", record.job.source.dropped)
    if not facts["frames"]:
        log.warning("%s before the first window of %d frames was done", state, record.job.window_size)
    elif facts["frames"] < FEW:
        log.warning("%d frames are too few to tell depth or a path", facts["frames"])
    elif not facts["placed"]:
        log.warning("no frame could be placed: too dark, without texture, or no motion that makes sense")
    elif isinstance(record.job.settings.scale.camera_height, float) and facts["units"] == "relative":
        log.warning("the camera's height over the ground could not be found: the units stay relative")
    elif not facts["points"]:
        log.warning("no depth was found, the cloud is empty: the camera stands, or only turns")


def _finish_best_effort(record: RunStatus, journal: Journal, state: str) -> None:
    """As `_finish`, after a run that broke off; where not even that works, the state at least is written."""
    try:
        _finish(record, journal, state)
    except Exception:
        log.warning("not everything could be written", exc_info=True)
        with suppress(Da3StreamError):
            record.write(state, record.run.read_scene())
