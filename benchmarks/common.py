"""What the benchmarks share: their command line, clips, runs as child processes."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.tables import ROOT, Column, Row, report, surroundings

Measure = Callable[[Path, argparse.Namespace], Iterable[Row]]


@dataclass(frozen=True)
class Clip:
    """A clip of the shared data, or a drive through the town: frames, and where known poses, camera and depth maps."""

    name: str
    source: Path
    truth: Path | None = None
    intrinsics: Path | None = None
    depth: Path | None = None


@dataclass(frozen=True)
class Measured:
    """What a run in a child process left: its directory, run.json, seconds by the wall clock, and why it failed."""

    directory: Path
    status: Row
    wall_s: float
    error: str | None = None

    def speed(self) -> Row:
        """Frames, seconds and frames per second of the whole command, start of the interpreter included."""
        frames = self.status.get("frames")
        return {
            "frames": frames,
            "wall_s": round(self.wall_s, 3),
            "fps": frames / self.wall_s if frames else None,
            "peak_mib": self.status.get("peak_rss_bytes", 0) / 2**20 or None,
            "error": self.error,
        }


def find_clip(name: str) -> Clip:
    """A clip by its folder's name in the shared data, or by the path of a video in it."""
    path = data_dir() / name
    if path.is_file():
        return Clip(name, path)
    if not (path / "images").is_dir():
        raise SystemExit(f"no clip {name} in {data_dir()}: set DA3_STREAM_SHARED to the folder that holds data/")
    truth, intrinsics = path / "poses_c2w.txt", path / "intrinsics.txt"
    return Clip(name, path / "images", truth if truth.exists() else None, intrinsics if intrinsics.exists() else None)


def data_dir() -> Path:
    """Where the real clips are."""
    return Path(os.environ.get("DA3_STREAM_SHARED", ROOT.parent / "shared")).resolve() / "data"


def benchmark(
    columns: Sequence[Column],
    add_options: Callable[[argparse.ArgumentParser], object] = lambda command: None,
    *,
    note: str | Callable[[Sequence[Row]], str] = "",
    good: Callable[[Row], bool] = lambda row: True,
    settings: bool = True,
) -> Callable[[Measure], Callable[[], None]]:
    """Make a command of a function that gives the rows of a table, from a folder to work in and the options.

    The command's help is the docstring of the function's module. `note` stands below the printed table. The exit status
    is 1 where a row is not `good`. `settings` gives it the option --set. Ctrl-C leaves a table of what is there.
    """

    def decorate(measure: Measure) -> Callable[[], None]:
        def main() -> None:
            command = parser(sys.modules[measure.__module__].__doc__, settings=settings)
            add_options(command)
            options = command.parse_args()
            around, rows = surroundings(), list[Row]()
            with suppress(KeyboardInterrupt), workplace(options.keep) as folder:
                for row in measure(folder, options):
                    rows.append(row)
            report(options, around, columns, rows)
            print(f"\n{note(rows) if callable(note) else note}".rstrip())
            if not all(map(good, rows)):
                sys.exit(1)

        return main

    return decorate


def parser(text: str | None, *, settings: bool = True) -> argparse.ArgumentParser:
    """A command line with the options that all benchmarks have; `settings`: and those whose runs take settings."""
    command = argparse.ArgumentParser(description=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    command.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    command.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table as Markdown")
    command.add_argument("--keep", type=Path, metavar="DIR", help="keep what is made on the way here")
    if settings:
        more = {"action": "append", "default": [], "metavar": "STAGE.KEY=VALUE"}
        command.add_argument("--set", help="a setting for every run; repeatable", **more)
    return command


def in_child(module: str, *words: object, folder: Path = ROOT) -> Row:
    """What `python -m MODULE --child WORDS` prints last, as JSON: measured in a process of its own, by the code of a
    checkout's folder."""
    command = [sys.executable, "-m", module, "--child", *map(str, words)]
    around = {**os.environ, "PYTHONPATH": str(folder)}
    child = subprocess.run(command, cwd=folder, env=around, stdout=subprocess.PIPE, text=True, check=True)
    row: Row = json.loads(child.stdout.splitlines()[-1])
    return row


def serve_child(measure: Callable[..., Row]) -> bool:
    """In a child of `in_child`: measure what its words say, and print that; False in any other process."""
    if sys.argv[1:2] != ["--child"]:
        return False
    print(json.dumps(measure(*sys.argv[2:])))
    return True


@contextmanager
def workplace(keep: Path | None) -> Iterator[Path]:
    """The folder to be kept, or a temporary one that is deleted at the end."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="da3_bench_") as folder:
        yield Path(folder)


@contextmanager
def measured_run(source: Path, out: Path, options: argparse.Namespace, *more: str) -> Iterator[Measured]:
    """Run the command on a source, and delete what it left when the block ends (unless --keep)."""
    settings = [word for text in options.set for word in ("--set", text)]
    words = ["run", str(source), "-o", str(out), "--model", "sfm", "--overwrite", "-q", *settings, *more]
    tell(f"{out.name}: da3-stream {shlex.join(words)}")
    measured = _run(words, out)
    tell(f"{out.name}: {measured.error or 'done'}, {measured.wall_s:.1f} s")
    try:
        yield measured
    finally:
        if options.keep is None:
            shutil.rmtree(out, ignore_errors=True)


def _run(words: Sequence[str], out: Path) -> Measured:
    start = time.perf_counter()
    child = subprocess.run([sys.executable, "-m", "da3_stream", *words], cwd=ROOT, capture_output=True, text=True)
    wall_s = time.perf_counter() - start
    if child.returncode:
        lines = child.stderr.strip().splitlines() or ["no word of why"]
        return Measured(out, _status(out), wall_s, f"exit status {child.returncode}: {lines[-1]}")
    return Measured(out, _status(out), wall_s)


def _status(out: Path) -> Row:
    path = out / "run.json"
    return json.loads(path.read_text()) if path.exists() else {}


def make_town(
    folder: Path, frames: int, size: tuple[int, int], *, depth: bool, path: str = "block", seed: int = 0
) -> Path:
    """Render a drive through the synthetic town, with its truth."""
    from da3_stream.synthetic import make_town, write_town

    tell(f"rendering {frames} frames of the town at {size[0]}x{size[1]}")
    return write_town(make_town(path, frames=frames, size=size, seed=seed), folder, depth=depth)


def tell(text: str) -> None:
    """A line for the person who waits."""
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)
