"""A batch from `s3://` to `s3://`, killed midway and gone on with: the same runs as on a disk, and nothing sent twice?

Needs the extra `bench` (a local S3 server). One of the videos is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.common import benchmark, tell
from benchmarks.remote.s3 import BUCKET, files_of, hashes
from benchmarks.remote.server import S3Server, s3_server
from benchmarks.tables import ROOT, Column, Row
from tests.worlds.clips import write_clip

SETTINGS = ("--model", "sfm", "--set", "loops.descriptor=off", "--workers", "1", "--export", "tum")
COLUMNS = [
    Column("engine", "engine"),
    Column("videos", "videos"),
    Column("finished", "finished"),
    Column("failed", "failed"),
    Column("in the summary when killed", "before"),
    Column("objects of these sent again", "again"),
    Column("same as on a disk", "same"),
    Column("MB left on the disk", "left_mb", "{:.2f}"),
    Column("s", "seconds", "{:.0f}"),
    Column("right", "right"),
    Column("wrong", "wrong"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--videos", type=int, default=8)
    command.add_argument("--frames", type=int, default=16)
    command.add_argument("--engines", default="local,ray")


@benchmark(COLUMNS, _options, good=lambda row: row["right"] == "yes", settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """A row for each engine."""
    day = folder / "day"
    for number in range(options.videos - 1):
        write_clip(day / f"clip{number}.mkv", 12 * number, options.frames, size=(64, 48))
    (day / "broken.mkv").write_bytes(b"no video")
    tell("the same on a disk")
    _batch([str(day), "-o", str(folder / "disk")]).wait()
    with s3_server(BUCKET) as server:
        for file in files_of(day):
            server.filesystem.put_file(str(file), f"{BUCKET}/day/{file.name}")
        for engine in options.engines.split(","):
            yield _trial(folder, server, engine, options.videos)


def _trial(folder: Path, server: S3Server, engine: str, count: int) -> Row:
    there, live, told = f"s3://{BUCKET}/results/{engine}", folder / "live" / engine, folder / f"{engine}.json"
    words = [f"s3://{BUCKET}/day", "-o", there, "--work", str(live), "--engine", engine, "--summary", str(told)]
    begun = time.monotonic()
    tell(f"{engine}: until killed")
    batch = _batch(words)
    while len(_recorded(told)) < count // 2 and batch.poll() is None:
        time.sleep(0.1)
    os.kill(batch.pid, signal.SIGKILL)
    batch.wait()
    time.sleep(2)  # for the system to end its runs
    before = _recorded(told)
    server.forget()
    tell(f"{engine}: until its end")
    _batch(words).wait()
    seconds = time.monotonic() - begun
    again = [key for key in server.puts if any(f"/{engine}/{name}/" in key for name in before) and "probe" not in key]
    rows = json.loads(told.read_text())
    states = [row["state"] for row in rows]
    names = [row["name"] for row in rows if row["state"] == "finished"]
    same = [name for name in names if _fetched(folder, server, engine, name) == _of_a_disk(folder, name)]
    left = sum(file.stat().st_size for file in files_of(live))
    wrong = list(_wrong(states, count, again, names, same, live))
    return {
        "engine": engine,
        "videos": count,
        "finished": states.count("finished"),
        "failed": states.count("failed"),
        "before": len(before),
        "again": len(again),
        "same": len(same),
        "left_mb": left / 1e6,
        "seconds": seconds,
        "right": "NO" if wrong else "yes",
        "wrong": "; ".join(wrong) or None,
    }


def _wrong(
    states: Sequence[str], count: int, again: Sequence[str], names: Sequence[str], same: Sequence[str], live: Path
) -> Iterator[str]:
    if states.count("finished") != count - 1 or states.count("failed") != 1:
        yield f"states {states}"
    if again:
        yield f"sent again: {again[0]}"
    if set(names) - set(same):
        yield f"differs: {min(set(names) - set(same))}"
    if runs := [path.parent.name for path in live.rglob("run.json")]:
        yield f"left on the disk: {runs[0]}"
    if copies := list(live.glob("clip*.input")):
        yield f"copies left: {copies[0].name}"


def _batch(words: Sequence[str]) -> subprocess.Popen:
    command = [sys.executable, "-m", "da3_stream", "batch", *SETTINGS, *words, "-q"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _recorded(told: Path) -> list[str]:
    """The names of the videos that the summary says are finished; one that ends just then is not there yet."""
    if not told.exists():
        return []
    return [row["name"] for row in json.loads(told.read_text()) if row["state"] == "finished"]


def _fetched(folder: Path, server: S3Server, engine: str, name: str) -> dict[str, str]:
    here, base = folder / "fetched" / engine / name, f"{BUCKET}/results/{engine}/{name}/"
    for path in server.filesystem.find(base):
        file = here / path.removeprefix(base)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(server.filesystem.cat_file(path))
    return hashes(here, {})


def _of_a_disk(folder: Path, name: str) -> dict[str, str]:
    return hashes(folder / "disk" / name, {str(folder / "day"): f"s3://{BUCKET}/day"})


if __name__ == "__main__":
    main()
