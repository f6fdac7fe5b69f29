"""What the page's server takes of a run's CPU seconds while somebody looks, and while nobody does."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError

import numpy as np

from benchmarks.common import benchmark, find_clip, measured_run
from benchmarks.tables import Column, Row

COLUMNS = [
    Column("viewers", "viewers"),
    Column("run, wall s", "wall_s", "{:.0f}"),
    Column("run, CPU s", "run_cpu_s", "{:.1f}"),
    Column("server before the run, CPU s", "start_cpu_s", "{:.2f}"),
    Column("server during the run, CPU s", "server_cpu_s", "{:.2f}"),
    Column("share, %", "share_percent", "{:.2f}"),
    Column("requests", "requests"),
    Column("MB sent", "megabytes", "{:.1f}"),
    Column("states", "states"),
    Column("refused or failed", "failed"),
]
MOST_POINTS = 3_000_000  # that a page holds
BLOCK_BYTES = 1 << 20  # asked for at once
CLICK_S = 10.0  # at least, between two frames that somebody clicks at
NOTE = (
    "The client asks as the page does: a long poll of /state, then frames, poses, cameras and points that are new, and "
    "after each of them the details and pictures of a frame. CPU seconds of the run are of all its processes; "
    "those of the server before the run are Python and libraries being loaded."
)


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--clip", default="hololens_000")
    command.add_argument("--viewers", default="0,1,3", help="how many look, one run for each number")


def _good(row: Row) -> bool:
    return row["share_percent"] < (3 if row["viewers"] else 0.1) and not row["failed"]


@benchmark(COLUMNS, _options, note=NOTE, good=_good)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """A run for each number of viewers."""
    for viewers in map(int, options.viewers.split(",")):
        yield _measure(folder / f"viewers_{viewers}", viewers, options)


def _measure(out: Path, viewers: int, options: argparse.Namespace) -> Row:
    out.mkdir()
    with _server(out) as (pid, link), _looking([Looker(link) for _ in range(viewers)]) as lookers:
        start, before = _cpu_s(pid), os.times()
        with measured_run(find_clip(options.clip).source, out, options) as measured:
            run_cpu_s = sum(os.times()[2:4]) - sum(before[2:4])  # of children that have ended: the run's
            server_cpu_s = _cpu_s(pid) - start
        return {
            "viewers": viewers,
            "wall_s": measured.wall_s,
            "error": measured.error,
            "run_cpu_s": run_cpu_s,
            "start_cpu_s": start,
            "server_cpu_s": server_cpu_s,
            "share_percent": 100 * server_cpu_s / run_cpu_s,
            "requests": sum(one.requests for one in lookers),
            "megabytes": sum(one.bytes for one in lookers) / 1e6,
            "states": sum(one.states for one in lookers),
            "failed": sum(one.failed for one in lookers),
        }


@contextmanager
def _server(out: Path) -> Iterator[tuple[int, str]]:
    """`view` as people start it; its process and its address."""
    words = [sys.executable, "-m", "da3_stream", "view", str(out), "--port", "0", "--no-open", "--wait"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.pid, process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def _cpu_s(pid: int) -> float:
    """User and system seconds of a process until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _looking(lookers: list[Looker]) -> Iterator[list[Looker]]:
    """As long as the block lasts, each in a thread."""
    threads = [threading.Thread(target=looker.look, daemon=True) for looker in lookers]
    for thread in threads:
        thread.start()
    time.sleep(1 if lookers else 0)
    try:
        yield lookers
    finally:
        for looker in lookers:
            looker.stopped.set()


@dataclass
class Looker:
    """Asks as the page does, and counts."""

    link: str
    requests: int = 0
    bytes: int = 0
    states: int = 0
    failed: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    _epoch: str = ""
    _frames: int = 0
    _poses: int = 0
    _points: int = 0
    _seen: dict[int, int] = field(default_factory=dict)  # revisions of submaps
    _clicked: float = 0.0

    def look(self) -> None:
        """Until stopped."""
        for name in ("", "assets/page.css", "assets/page.js"):
            self._get(name)
        since = ""
        while not self.stopped.is_set():
            data = self._get(f"state{since}")
            if data:
                state = json.loads(data)
                self.states += 1
                since = f"?since={state['revision']}"
                self._follow(state)
            self._click()

    def _follow(self, state: Row) -> None:
        if state["epoch"] != self._epoch:
            self._epoch, self._frames, self._poses, self._points, self._seen = state["epoch"], 0, 0, 0, {}
        if state["frames"] > self._frames:
            self._get(f"frames?from={self._frames}")
            self._get(f"cameras?from={self._frames}")
            self._frames = state["frames"]
        if state["poses_revision"] > self._poses:
            data = self._get(f"poses?since={self._poses}")
            self._poses = int(np.frombuffer(data, "<u4", 1)[0]) if data else self._poses
        for submap in state["submaps"]:
            if self._seen.get(submap["id"]) != submap["revision"] and self._points < MOST_POINTS:
                self._seen[submap["id"]] = submap["revision"]
                self._fetch(submap["id"])

    def _click(self) -> None:
        """At the last frame, where some time has passed since the last one."""
        if self._frames and time.monotonic() - self._clicked > CLICK_S:
            self._clicked = time.monotonic()
            for name in ("frame", "image", "depth", "confidence"):
                self._get(f"{name}/{self._frames - 1}")

    def _fetch(self, submap: int) -> None:
        """All points of a submap, coarse nodes first."""
        header = json.loads(self._get(f"submaps/{submap}") or b'{"nodes": []}')
        nodes, first = header["nodes"], 0
        while first < len(nodes):
            last, size = first, 12 * nodes[first]["points"]
            while last + 1 < len(nodes) and size + 12 * nodes[last + 1]["points"] <= BLOCK_BYTES:
                last, size = last + 1, size + 12 * nodes[last + 1]["points"]
            data = self._get(f"points/{submap}?first={first}&last={last}&revision={header['revision']}")
            self._points += len(data) // 12
            first = last + 1

    def _get(self, path: str) -> bytes:
        self.requests += 1
        try:
            with urllib.request.urlopen(self.link + path, timeout=60) as answer:
                data: bytes = answer.read()
        except HTTPError as error:
            self.failed += error.code != 404  # no picture is kept of some frames
            return b""
        except OSError:
            self.failed += not self.stopped.is_set()
            return b""
        self.bytes += len(data)
        return data


if __name__ == "__main__":
    main()
