"""A run directory that tells its state whatever happens, and holds what was computed until then."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..errors import Da3StreamError, RunError
from ..report import info, write_report
from ..report.lines import FEW, has_depth_alone, why_nothing_was_placed
from ..report.words import trust_lines
from ..settings import to_yaml
from ..store import Run
from .advice.joins import doubtful_joins
from .advice.run_trust import run_trust
from .advice.unplaced import unplaced_advice
from .checkpoint import conclude
from .outputs import write_outputs
from .session import RunSession
from .telling.log_file import log_file

log = logging.getLogger(__name__)


@contextmanager
def run_lifecycle(session: RunSession) -> Iterator[None]:
    """Keep log.txt and the state in run.json of a run; at the end of the block come the outputs.

    What ends the block early is told in run.json and log.txt and passed on: KeyboardInterrupt and SystemExit as they
    are (state "interrupted"), any other exception as a RunError (state "failed").
    """
    run = session.run
    with log_file(run.path / "log.txt"):
        _begin(session)
        try:
            yield
            conclude(run, session.skipped_after)
            _finish(session, "finished")
        except (KeyboardInterrupt, SystemExit):
            log.warning("interrupted: writing out what was placed so far")
            _finish_best_effort(session, "interrupted")
            raise
        except Exception as error:
            log.info("the run broke off", exc_info=True)
            _finish_best_effort(session, "failed")
            raise RunError(f"the run broke off: {sentence(error)}; what was placed is in {run.path}") from error


def sentence(error: BaseException) -> str:
    """What went wrong, on one line."""
    if isinstance(error, Da3StreamError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror.lower()}{f' ({error.filename})' if error.filename else ''}"
    return f"{type(error).__name__}: {' '.join(str(error).split())} (see log.txt)"


def _begin(session: RunSession) -> None:
    job, run = session.job, session.run
    if session.checkpoint is None:
        run.write_input_paths(job.source.paths)
        session.status.write("running", job.scene)
    else:  # from now on, nothing in the directory is finished
        settings = job.settings.model_dump(mode="json")
        now = {"state": "running", "settings": settings, "interruptions": session.interruptions}
        run.write_status({**run.read_status(), **now})
    log.info("input: %s (%s), %dx%d", job.source.name, job.source.kind, *job.source.size)
    told = ", ".join(f"{key} {value}" for key, value in job.predictor.facts.items())
    log.info("predictor: %s%s", job.predictor.name, f" ({told})" if told else "")
    log.info("windows: %d frames, %d shared", job.window_size, job.window_overlap)
    log.info("settings in force:\n%s", to_yaml(job.settings).rstrip())


def _finish(session: RunSession, state: str) -> None:
    """Outputs, the last state of run.json, and the report on both."""
    job, run, status = session.job, session.run, session.status
    job.close_predictor()
    with job.watch.stage("outputs"):
        listed = status.as_json(state, run.read_scene())
        geometry, poses = write_outputs(run, listed, job.settings, job.source.origin)
    said = [*status.advice.rows, *doubtful_joins(geometry.scene)]
    unplaced = unplaced_advice(run, poses, geometry.submaps)
    trust = run_trust(poses, said, unplaced, job.source.advice, job.source.first_time)
    status.write(state, geometry.scene, poses, trust)
    _warn(session, state)
    _write_report(run)
    log.info("%s: %d frames in %.1f s", state, len(status.source_indices), job.watch.seconds)


def _write_report(run: Run) -> None:
    """A run is whole without its report: a bug in that is told, and ends nothing."""
    try:
        write_report(run)
    except Da3StreamError:
        raise
    except Exception:
        log.warning("report.html could not be written", exc_info=True)


def _warn(session: RunSession, state: str) -> None:
    """What must be known before the outputs are looked at."""
    facts, job, skipped = info(session.run.path), session.job, session.status.skipped
    nothing = why_nothing_was_placed(facts)
    for line in trust_lines(facts, "report.html"):
        log.info("%s", line)
    if skipped:
        first = f"{skipped[0].name} ({skipped[0].reason})"
        log.warning("%d frames were skipped, %s the first; run.json names all", len(skipped), first)
    if job.source.dropped:
        log.warning("%d frames came faster than they could be used, and were dropped", job.source.dropped)
    if not facts["frames"]:
        log.warning("%s before the first window of %d frames was done", state, job.window_size)
    elif has_depth_alone(facts):
        pass  # the advice says so
    elif facts["frames"] < FEW and not facts["points"]:
        log.warning("%d frames are too few to tell depth or a path", facts["frames"])
    elif nothing is not None:
        log.warning("%s", nothing)
    elif isinstance(job.settings.scale.camera_height, float) and facts["units"] == "relative":
        log.warning("the camera's height over the ground could not be found: the units stay relative")
    elif not facts["points"]:
        log.warning("no depth was found, the cloud is empty: the camera stands, or only turns")


def _finish_best_effort(session: RunSession, state: str) -> None:
    """As `_finish`, after a run that broke off; where not even that works, the state at least is written."""
    try:
        _finish(session, state)
    except Exception:
        log.warning("not everything could be written", exc_info=True)
        with suppress(Da3StreamError):
            session.status.write(state, session.run.read_scene())
