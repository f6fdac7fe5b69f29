"""Is a run that was killed, stopped, out of disk or damaged the same in the end, and is nothing done twice?"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.common import benchmark, make_town, tell
from benchmarks.tables import Column, Row
from tests.faults.killing import (
    Moment,
    drive,
    drive_as_command,
    drive_clip,
    drive_unwarned,
    process,
)
from tests.faults.trials import Damage, Undisturbed, damaged_trial, resumed, trial, undisturbed

COLUMNS = [
    Column("what happened", "what"),
    Column("where", "place"),
    Column("exit status", "status"),
    Column("state after", "state"),
    Column("last finished window", "window"),
    Column("asked of the predictor after resuming", "asked"),
    Column("of that done before", "repeated"),
    Column("same in the end", "same"),
    Column("differs", "differs"),
]
TWICE = ("before drop_after", "after drop_after", "before renaming scene.json", "before renaming run.json")
POWER = (
    "renaming resume/tip.npz",
    "commit",
    "renaming windows/*.npz",
    "renaming scene.json",
    "PlaceIndex.append",
    "RunSession._write_preview",
)
STOPPED_AT = ("before commit", "before predict", "after LoopVerifier.verify", "before write_merged_cloud")
SHARES = (0.35, 0.65, 0.95)  # of what the whole run takes, that a full disk holds

SFM_SIZE = (160, 120)
SFM_MOMENTS = (
    Moment("half of windows/*.npz", 3),
    Moment("after align_windows", 2),
    Moment("before renaming resume/tip.npz", 3),
    Moment("before write_page", 2, signal.SIGINT),
    Moment("after commit", 1, signal.SIGTERM),
)

DAMAGES = (
    Damage("windows/000001.npz", "cut", 2, "windows/000001.npz is damaged"),
    Damage("resume/tip.npz", "cut", 2, "resume/tip.npz is damaged"),
    Damage("resume/tip.npz", "flip", 2, "resume/tip.npz is damaged"),
    Damage("resume/windows.jsonl", "flip", 2, "resume/windows.jsonl, line"),
    Damage("resume/windows.jsonl", "cut", 2, "it has lost lines"),
    Damage("journal.jsonl", "flip", 2, "journal.jsonl, line"),
    Damage("journal.jsonl", "cut", 2, "it has lost lines"),
    Damage("cloud/000001.laz", "cut", 1, "cloud/000001.laz is damaged"),
)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--moments", type=int, help="so many kills, drawn from all places (default: one at each place)"
    )
    command.add_argument("--seed", type=int, default=0, help="draws which time at each place")
    command.add_argument("--parts", default="kill,twice,power,stop,disk,damage,sfm", help="which of these")
    command.add_argument("--sfm-frames", type=int, default=130, help="length of the town clip for sfm")


@benchmark(COLUMNS, _options, good=lambda row: row["same"] == "yes", settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Everything there is, in one table."""
    for row in _rows(folder, options):
        tell(f"{row['what']} {row['place']}: {row['same']} {row['differs'] or ''}")
        yield row


def _rows(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    parts, rng = options.parts.split(","), random.Random(options.seed)
    if set(parts) - {"sfm"}:
        ring = undisturbed(folder / "ring", drive)
        yield from _of_ring(folder, ring, parts, rng, options.moments)
    if "sfm" in parts:
        yield from _of_sfm(folder, options.sfm_frames)


def _of_ring(
    folder: Path, ring: Undisturbed, parts: Sequence[str], rng: random.Random, most: int | None
) -> Iterator[Row]:
    if "kill" in parts:
        places = sorted(ring.counts)
        for place in rng.sample(places, most or len(places)):
            yield trial(folder, ring, "killed", Moment(place, rng.randint(1, ring.counts[place])))
    if "twice" in parts:
        for place in TWICE:
            first = Moment("before write_page", rng.randint(3, ring.counts["before write_page"]))
            yield trial(folder, ring, "killed, and again while resuming", first, then=Moment(place))
    if "power" in parts:
        for place in (f"{when} {what}" for what in POWER for when in ("before", "after")):
            moment = Moment(place, rng.randint(2, ring.counts[place]), power_cut=True)
            yield trial(folder, ring, "power cut", moment)
    if "stop" in parts:
        for number in (signal.SIGINT, signal.SIGTERM):
            for place in STOPPED_AT:
                moment = Moment(place, rng.randint(1, ring.counts[place]), number)
                yield trial(folder, ring, signal.Signals(number).name, moment, drive_as_command)
    if "disk" in parts:
        yield from (_full_disk(folder, ring, share) for share in SHARES)
    if "damage" in parts:
        yield from (damaged_trial(folder, ring, damage) for damage in DAMAGES)


def _of_sfm(folder: Path, frames: int) -> Iterator[Row]:
    """The real predictor, with worker processes of its own, on a clip of the town."""
    clip = make_town(folder / "town", frames, SFM_SIZE, depth=False)
    whole = undisturbed(folder / "sfm", partial(drive_clip, clip / "town.mp4"))
    for moment in SFM_MOMENTS:
        what = "killed, sfm" if moment.signal == signal.SIGKILL else f"{signal.Signals(moment.signal).name}, sfm"
        yield trial(folder, whole, what, moment)


def _full_disk(folder: Path, whole: Undisturbed, share: float) -> Row:
    """A run on a file system of its own that is too small, which is enlarged before it is resumed."""
    with _small_disk(folder / "disk", int(share * whole.bytes)) as place:
        status = process(place / "run", folder / "first", job=drive_unwarned)
        what = f"{share:.0%} of {whole.bytes / 1e6:.1f} MB"
        row = {"what": "disk full (tmpfs)", "place": what, "status": status}
        _mount("remount,size=1g", place)
        found = row | resumed(place, whole)
    return found if status == 1 else found | {"same": "NO", "differs": f"exit status {status}, not 1"}


@contextmanager
def _small_disk(place: Path, size: int) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    _mount(f"size={size}", place)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _mount(options: str, place: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)


if __name__ == "__main__":
    main()
