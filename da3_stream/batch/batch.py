"""run_batch(): many videos, each in a process of its own, until all have ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import BatchError, StoreError
from ..remote_files import require_writable, send_files
from ..store import Run, lock_run
from .how import How
from .places import Place, this_machine
from .prober import Forecaster, Prober
from .queue import Queue
from .summary import DONE, Row, State, Summary, read_rows
from .task import Task
from .telling import Telling
from .videos import SUMMARIES, Video


def run_batch(
    videos: Sequence[Video],
    folder: Path,
    how: How,
    places: Callable[[], Sequence[Place]] | None = None,
    prober: Forecaster | None = None,
) -> list[Row]:
    """Run the videos into directories within a folder, at the places that are there (default: this machine), and return
    a row for each.

    What an earlier command finished there stays, and what it left unfinished is gone on with. Raises Da3StreamError
    with one sentence where nothing can be begun, such as while another batch works in the folder; KeyboardInterrupt and
    SystemExit are passed on when all processes have ended.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot create the directory {folder}: {error.strerror or error}") from error
    if (folder / "run.json").exists():
        raise BatchError(f"{folder} holds a run: give a directory for those of the batch")
    if how.sent_to is not None:
        require_writable(how.sent_to)
    with lock_run(Run(folder)):
        before = {} if how.overwrite else read_rows(folder)
        rows = [_row(video, before.get(video.name), folder, how.sent_to) for video in videos]
        tasks = [Task(video, row, folder, how.sent_to) for video, row in zip(videos, rows, strict=True)]
        others = [row for name, row in before.items() if name not in {video.name for video in videos}]
        summary = Summary(folder, [task.row for task in tasks], others, how.summary)
        summary.write()
        telling = Telling(tasks, how.shown, how.listener)
        try:
            left = [task for task in tasks if task.row.state not in DONE]
            Queue(left, places or this_machine(), summary, telling, how, prober or Prober()).run()
        finally:
            telling.close()
        if how.sent_to is not None:
            send_files([folder / name for name in SUMMARIES], how.sent_to)
    return list(summary.rows)


def _row(video: Video, before: Row | None, folder: Path, sent_to: str | None) -> Row:
    """The row of a video: as it was where it is finished, else with the attempts and seconds until now."""
    row = Row.of(video, sent_to or folder)
    if before is None or not before.is_of(video):
        return row
    is_there = before.out == row.out if sent_to else _is_finished(Run(folder / video.name))  # what was sent has gone
    if before.state in DONE and is_there:
        return before
    row.seconds, row.attempts = before.seconds, before.attempts
    return row


def _is_finished(run: Run) -> bool:
    """Whether a run directory is there that says so."""
    try:
        return run.read_status().get("state") == State.FINISHED.value
    except StoreError:
        return False
