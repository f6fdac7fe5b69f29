"""Is a run from `s3://` to `s3://` that of a disk, whatever dies on the way, and is nothing fetched or sent twice?

Needs the extra `bench` (a local S3 server). Every case is the command in a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common import benchmark, make_town, tell
from benchmarks.remote.server import S3Server, s3_server
from benchmarks.tables import ROOT, Column, Row
from tests.worlds.street import SIZE

BUCKET = "bench"
PADDING = 40_000_000  # bytes behind the video, so that it comes in several pieces
SETTINGS = ("windows.size=12", "windows.overlap=4", "loops.descriptor=off")
STAND_IN = ("frames.gate=off", "camera.mask=off")
OF_THE_MACHINE = ("log.txt", "journal.jsonl", "run.json", "report.html", "input.json", "windows.jsonl", "tip.npz")

COLUMNS = [
    Column("what happened", "what"),
    Column("exit status", "status"),
    Column("input, MB", "input_mb", "{:.1f}"),
    Column("fetched, MB", "fetched_mb", "{:.1f}"),
    Column("files of the run", "files"),
    Column("sent", "sent"),
    Column("same as on a disk", "same"),
    Column("differs, or what was said", "said"),
    Column("s", "seconds", "{:.1f}"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--frames", type=int, default=28, help="length of the town clip")
    command.add_argument(
        "--predictor",
        choices=("stand-in", "sfm"),
        default="stand-in",
        help="of single runs: one that takes no time, or sfm, and then only what nothing happens to",
    )


@benchmark(COLUMNS, _options, good=lambda row: row["same"] in ("yes", "refused"), settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """The cases, one after the other."""
    video = make_town(folder / "town", options.frames, SIZE, depth=False) / "town.mp4"
    with s3_server(BUCKET) as server:
        cases = Cases(folder, server, video, options.predictor == "stand-in")
        yield from cases.of_a_video()
        yield from cases.of_pictures()


@dataclass
class Ended:
    """How commands ended, the last one's words, and the seconds of all."""

    statuses: list[int] = field(default_factory=list)
    said: str = ""
    seconds: float = 0.0


@dataclass
class Cases:
    """Inputs on a disk and in the bucket, and runs of both."""

    folder: Path
    server: S3Server
    video: Path
    with_stand_in: bool

    def of_a_video(self) -> Iterator[Row]:
        """A video that comes in pieces."""
        drive = self.folder / "drive.mp4"
        drive.write_bytes(self.video.read_bytes() + PADDING.to_bytes(4, "big") + b"free" + bytes(PADDING - 8))
        expected = self._of_a_disk(drive)
        address = self._upload(drive)
        server = self.server
        yield self._case("nothing", drive, address, expected)
        if not self.with_stand_in:
            return
        yield self._case("killed while it fetches", drive, address, expected, [_killed_at(server, "GET", 2)])
        yield self._case("killed after the first window", drive, address, expected, [_killed_by_file("resume/tip.npz")])
        yield self._case("killed while it sends", drive, address, expected, [_killed_at(server, "PUT", 8)])
        server.fails = _every_third()
        yield self._case("every third request is refused", drive, address, expected, keeps_fault=True)
        server.fails = lambda method, key: method == "PUT" and "probe" not in key
        yield self._case("the server takes nothing at the end, then again", drive, address, expected, [_waited(server)])
        yield self._replaced(drive, address)

    def of_pictures(self) -> Iterator[Row]:
        """A folder of pictures."""
        walk = _pictures(self.video, self.folder / "walk")
        expected, address, server = self._of_a_disk(walk), self._upload(walk), self.server
        yield self._case("pictures: nothing", walk, address, expected)
        if not self.with_stand_in:
            return
        yield self._case("pictures: killed while it fetches", walk, address, expected, [_killed_at(server, "GET", 20)])

    def _case(
        self,
        what: str,
        source: Path,
        address: str,
        expected: dict[str, str],
        before: Sequence[Callable[[list[str], Path], int]] = (),
        keeps_fault: bool = False,
    ) -> Row:
        """The command, cut short as `before` says, and then again until its end."""
        tell(what)
        name = "".join(c if c.isalnum() else "_" for c in what)
        live, there = self.folder / "live" / name, f"s3://{BUCKET}/runs/{name}"
        words, ended = _words(self.with_stand_in, address, there, "--work", str(live)), Ended()
        fails = self.server.fails
        self.server.forget()
        self.server.fails = fails if keeps_fault or before else self.server.fails
        for cut in before:
            begun = time.monotonic()
            ended.statuses.append(cut(words, live))
            ended.seconds += time.monotonic() - begun
            whole = self.server.filesystem.exists(f"{there}/run.json")
            assert not whole, "a run that was cut short is whole elsewhere"
        _command(words, ended)
        size = sum(file.stat().st_size for file in files_of(source))
        found = self._fetched(there, name)
        differs = sorted(n for n in found.keys() | expected.keys() if found.get(n) != expected.get(n))
        sent = [key for key in self.server.puts if "probe" not in key]
        left = live.with_name(f"{live.name}.input").exists()
        return {
            "what": what,
            "status": ", ".join(map(str, ended.statuses)),
            "input_mb": size / 1e6,
            "fetched_mb": self.server.got / 1e6,
            "files": self.server.filesystem.find(there).__len__(),
            "sent": len(sent),
            "same": "yes" if not differs and found and ended.statuses[-1] == 0 and not left else "NO",
            "said": ", ".join(differs[:3]) or ("copies were left" if left else ended.said),
            "seconds": ended.seconds,
        }

    def _replaced(self, source: Path, address: str) -> Row:
        """The object becomes another one of the same size while the run is cut short."""
        tell("replaced")
        live, there = self.folder / "live" / "replaced", f"s3://{BUCKET}/runs/replaced"
        words, ended = _words(self.with_stand_in, address, there, "--work", str(live)), Ended()
        self.server.forget()
        ended.statuses.append(_killed_by_file("resume/tip.npz")(words, live))
        data = bytearray(source.read_bytes())
        data[-1] ^= 1
        self.server.filesystem.pipe_file(address, bytes(data))
        _command(words, ended)
        self._upload(source)
        refused = ended.statuses[-1] == 2 and "another file now" in ended.said
        return {
            "what": "replaced while the run was cut short",
            "status": ", ".join(map(str, ended.statuses)),
            "input_mb": len(data) / 1e6,
            "fetched_mb": self.server.got / 1e6,
            "same": "refused" if refused else "NO",
            "said": ended.said,
            "seconds": ended.seconds,
        }

    def _of_a_disk(self, source: Path) -> dict[str, str]:
        out, ended = self.folder / "disk" / source.stem, Ended()
        tell(f"{source.name} on a disk")
        _command(_words(self.with_stand_in, str(source), str(out)), ended)
        assert ended.statuses == [0], ended.said
        return hashes(out, {str(source): f"s3://{BUCKET}/{source.name}"})

    def _upload(self, source: Path) -> str:
        for file in files_of(source):
            self.server.filesystem.put_file(str(file), f"{BUCKET}/{file.relative_to(source.parent)}")
        return f"s3://{BUCKET}/{source.name}"

    def _fetched(self, address: str, name: str) -> dict[str, str]:
        here = self.folder / "fetched" / name
        for path in self.server.filesystem.find(address):
            file = here / path.removeprefix(address.partition("://")[2]).lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self.server.filesystem.cat_file(path))
        self.server.got -= sum(file.stat().st_size for file in files_of(here))  # not the command's
        return hashes(here, {})


def _words(stand_in: bool, source: str, out: str, *more: str) -> list[str]:
    """The module that is the command, and its words."""
    module, own = ("benchmarks.remote.stand_in", STAND_IN) if stand_in else ("da3_stream", ("model.workers=1",))
    settings = [word for text in (*SETTINGS, *own) for word in ("--set", text)]
    return [module, "run", source, "-o", out, "--model", "sfm", *settings, "--export", "tum", *more]


def _start(words: Sequence[str]) -> subprocess.Popen:
    command = [sys.executable, "-m", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _command(words: Sequence[str], ended: Ended) -> None:
    begun, child = time.monotonic(), _start(words)
    said = child.communicate()[1]
    ended.statuses.append(child.returncode)
    ended.seconds += time.monotonic() - begun
    ended.said = said.strip().splitlines()[-1] if child.returncode else ""


def _killed_at(server: S3Server, method: str, count: int) -> Callable[[list[str], Path], int]:
    """SIGKILL when so many objects were asked for, or sent."""

    def cut(words: list[str], live: Path) -> int:
        left = [count]
        child = _start(words)

        def seen(asked: str, key: str) -> None:
            left[0] -= asked == method and "?" not in key and "probe" not in key
            if left[0] == 0 and child.poll() is None:
                os.kill(child.pid, signal.SIGKILL)

        server.seen = seen
        child.communicate()
        server.seen = lambda method, key: None
        return child.returncode

    return cut


def _killed_by_file(name: str) -> Callable[[list[str], Path], int]:
    """SIGKILL when the run directory has a file."""

    def cut(words: list[str], live: Path) -> int:
        child = _start(words)
        while not (live / name).exists() and child.poll() is None:
            time.sleep(0.02)
        child.kill()
        child.communicate()
        return child.returncode

    return cut


def _waited(server: S3Server) -> Callable[[list[str], Path], int]:
    """The command to its own end, and then no faults any more."""

    def cut(words: list[str], live: Path) -> int:
        ended = Ended()
        _command(words, ended)
        tell(ended.said)
        assert "the run is whole in" in ended.said and (live / "run.json").exists()
        server.fails = lambda method, key: False
        return ended.statuses[0]

    return cut


def _every_third() -> Callable[[str, str], bool]:
    asked = [0]

    def fails(method: str, key: str) -> bool:
        asked[0] += 1
        return asked[0] % 3 == 0

    return fails


def files_of(path: Path) -> list[Path]:
    """A file, or all below a folder."""
    return [path] if path.is_file() else [file for file in sorted(path.rglob("*")) if file.is_file()]


def hashes(run: Path, called: dict[str, str]) -> dict[str, str]:
    """SHA-256 of a run's files but for those that tell times and machines; of run.json what the run is told by."""
    named = {
        file.relative_to(run).as_posix(): file for file in files_of(run) if file.name not in (".lock", "sent.jsonl")
    }
    found = {}
    for name, file in named.items():
        data = file.read_bytes()
        if name == "frames.csv":
            for old, new in called.items():
                data = data.replace(old.encode(), new.encode())
        found[name] = "there" if file.name in OF_THE_MACHINE else hashlib.sha256(data).hexdigest()
    if "run.json" in named:
        status = json.loads(named["run.json"].read_text())
        found["run.json"] = json.dumps(
            [status[key] for key in ("state", "frames", "identity", "trust", "source_indices")]
        )
    return found


def _pictures(video: Path, folder: Path) -> Path:
    import cv2

    folder.mkdir()
    capture, number = cv2.VideoCapture(str(video)), 0
    while True:
        there, image = capture.read()
        if not there:
            return folder
        cv2.imwrite(str(folder / f"{number:06d}.png"), image)
        number += 1


if __name__ == "__main__":
    main()
