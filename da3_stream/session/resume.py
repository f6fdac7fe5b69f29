"""Opening a session: its run directory is new, resumed, already finished, or refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import SettingsError, StoreError
from ..settings import Settings
from ..store import JUST_CREATED, Run, create_run, lock_run, prepare_folder
from .checkpoint import read_checkpoint
from .estimate import require_disk
from .job import Job, identity
from .session import RunSession

# What may change in the middle of a run: the machine, and what acts when the stored points are merged.
CHANGEABLE = {
    *(f"model.{name}" for name in ("workers", "vram_gb", "device", "window_timeout_s")),
    *(f"cloud.{name}" for name in ("max_points", "fusion", "views", "free_space", "format")),
    *(f"cloud.{name}" for name in ("preview_points", "preview_every")),
}
MAY_GROW = {"cloud.voxel", "cloud.voxel_m"}  # may grow: the stored points are thinned to what they were


@contextmanager
def open_session(out: Path, job: Job, *, overwrite: bool, with_changes: bool) -> Iterator[RunSession]:
    """Lock the run directory for a job, until the end of the block.

    Raises StoreError with one sentence, unless `overwrite`, where the directory holds a run of another input, or with
    other settings (`with_changes` allows those that are safe to change); and in any case where it holds anything but a
    run, where another process has locked it, or where the disk is short.
    """
    run = Run(out)
    exists = (out / "run.json").is_file()
    if not exists:
        prepare_folder(out)
    elif not overwrite and (status := run.read_status()) != JUST_CREATED:
        _check_same_job(run, status, job, with_changes)  # before the lock: what is refused stays as it is
    with lock_run(run):
        if not exists or overwrite:
            require_disk(out, job)
            yield RunSession(create_run(out, overwrite=overwrite), job)
        else:
            session = _resume(run, job, with_changes)
            if not session.finished:
                require_disk(out, job, session.frames_done)
            yield session


def _resume(run: Run, job: Job, with_changes: bool) -> RunSession:
    """The session of a run that an earlier process began."""
    status = run.read_status()
    if status == JUST_CREATED:  # it was killed before it had begun
        return RunSession(create_run(run.path, overwrite=True), job)
    changed = _check_same_job(run, status, job, with_changes)
    before = [*status.get("interruptions", [])]
    if status["state"] == "finished" and not changed:
        return RunSession(run, job, None, True, tuple(before))
    checkpoint = read_checkpoint(run)
    if checkpoint is None:
        return RunSession(create_run(run.path, overwrite=True), job)
    if status["state"] != "finished":
        before.append({"state": status["state"], "after_window": checkpoint.latest["window"]})
    return RunSession(run, job, checkpoint, False, tuple(before), status.get("frames", 0))


def _check_same_job(run: Run, status: Mapping[str, Any], job: Job, with_changes: bool) -> bool:
    """Refuse another input, model or setting (StoreError); returns whether a setting changed that may."""
    escape = "give another directory, or --overwrite to replace it"
    if "identity" not in status:
        raise StoreError(f"{run.path} already holds a run, of another version of this program: {escape}")
    for name, (then, now) in _differing(status["identity"], identity(job)).items():
        if job.source.feed is not None:
            raise StoreError(f"{run.path} already holds a run, and live input cannot be gone on with: {escape}")
        raise StoreError(f"{run.path} already holds a run of another {name} ({then}, now {now}): {escape}")
    changes = _differing(_flat(_settings(status)), _flat(job.settings))
    for name, (then, now) in changes.items():
        is_safe = _is_safe(name, then, now)
        if not (with_changes and is_safe):
            safe = "--resume-with-changes to go on with the new ones, " if is_safe else ""
            raise StoreError(
                f"{run.path} already holds a run with other settings ({name} was {then}, now {now}): {safe}{escape}"
            )
    return bool(changes)


def _differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (then.get(name), value) for name, value in now.items() if then.get(name) != value}


def _is_safe(name: str, then: Any, now: Any) -> bool:
    """Whether a setting may change while what was stored stays."""
    return name in CHANGEABLE or (name in MAY_GROW and None not in (then, now) and now >= then)


def _settings(status: Mapping[str, Any]) -> Settings:
    try:
        return Settings.build(status["settings"])
    except (SettingsError, KeyError) as error:
        raise StoreError(f"the run was made by another version of this program ({error}): give --overwrite") from None


def _flat(settings: Settings) -> dict[str, Any]:
    tree = settings.model_dump(mode="json")
    return {f"{stage}.{key}": value for stage, entries in tree.items() for key, value in entries.items()}
