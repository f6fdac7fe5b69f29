"""Trials: a run that something befalls is resumed, and must end as an undisturbed one does, with nothing done twice."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.killing import (
    Fuse,
    Moment,
    asked_after,
    contents,
    damaged,
    differing,
    drive_as_command,
    files_of,
    finished_window,
    notes_of,
    process,
)

Job = Callable[[Fuse], None]
Row = dict[str, Any]


@dataclass(frozen=True)
class Damage:
    """Something that befalls a file of a run that was killed after its fourth window, and what is said of it."""

    file: str
    how: str  # see `damaged`
    status: int  # of the run that finds it
    said: str  # in what that run says


@dataclass(frozen=True)
class Undisturbed:
    """What a run gives that nothing befalls, and what it comes by on its way."""

    job: Job
    contents: dict[str, Any]
    notes: list[tuple[str, ...]]
    counts: dict[str, int]
    bytes: int


def undisturbed(folder: Path, job: Job) -> Undisturbed:
    folder.mkdir()
    run, notes = folder / "run", folder / "notes"
    if process(run, notes, job=job):
        sys.exit("the undisturbed run failed")
    counts = json.loads(notes.with_suffix(".json").read_text())
    size = sum(path.stat().st_size for path in files_of(run))
    return Undisturbed(job, contents(run), notes_of(notes), counts, size)


def trial(
    folder: Path, whole: Undisturbed, what: str, moment: Moment, job: Job | None = None, then: Moment | None = None
) -> Row:
    """A run that something befalls at a moment, and is then resumed."""
    place = folder / f"trial{time.monotonic_ns()}"
    place.mkdir()
    status = process(place / "run", place / "first", moment, job or whole.job)
    row = {"what": what, "place": f"{moment.place}, time {moment.number}", "status": status}
    if then is not None:
        process(place / "run", place / "between", then, whole.job)
        row["place"] += f"; {then.place}"
    row |= resumed(place, whole)
    if status == 0:
        row |= {"same": "NO", "differs": "it was not reached"}
    shutil.rmtree(place)
    return row


def resumed(place: Path, whole: Undisturbed) -> Row:
    """What becomes of an interrupted run in place/run."""
    run = place / "run"
    window, state = finished_window(run), _state(run)
    status = process(run, place / "second", job=whole.job)
    asked = Counter(note for note in notes_of(place / "second") if note[0] != "commit")
    needed = asked_after(whole.notes, window)
    differs = differing(contents(run), whole.contents) if status == 0 else [f"resuming ended with {status}"]
    repeated, missing = asked - needed, needed - asked
    differs += ["asked too little"] if missing else []
    good = not differs and not repeated
    return {
        "state": state,
        "window": window,
        "asked": asked.total(),
        "repeated": repeated.total(),
        "same": "yes" if good else "NO",
        "differs": ", ".join(differs[:3]) or None,
    }


def _state(run: Path) -> str | None:
    path = run / "run.json"
    return json.loads(path.read_text()).get("state") if path.exists() else None


def damaged_trial(folder: Path, whole: Undisturbed, damage: Damage) -> Row:
    """Resumed with a damaged file the run must say so; resumed with the file as it was, it must be the same."""
    place = folder / f"damaged{time.monotonic_ns()}"
    place.mkdir()
    process(place / "run", place / "first", Moment("after commit", 4))
    path = place / "run" / damage.file
    before = path.read_bytes()
    path.write_bytes(damaged(before, damage.how))
    status = process(place / "run", place / "between", job=drive_as_command)
    said = (place / "between").with_suffix(".said").read_text()
    path.write_bytes(before)
    found = {"what": f"damaged ({damage.how})", "place": damage.file, "status": status, **resumed(place, whole)}
    shutil.rmtree(place)
    if status != damage.status or damage.said not in said or len(said.splitlines()) != 1:
        return found | {"same": "NO", "differs": f"exit status {status}, {said!r}"}
    return found
