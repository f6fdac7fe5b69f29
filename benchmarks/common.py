"""What the benchmarks share: clips, runs as child processes, facts about the machine, tables."""

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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, the key of a row, and how a number is written."""

    title: str
    key: str
    format: str = "{}"

    def cell(self, row: Mapping[str, Any]) -> str:
        """The row's entry as text, "-" where there is none."""
        value = row.get(self.key)
        return "-" if value is None else self.format.format(value)


@dataclass(frozen=True)
class Clip:
    """A real clip of the shared data: frames, and where known the true poses and the camera."""

    name: str
    source: Path
    truth: Path | None = None
    intrinsics: Path | None = None


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


def parser(text: str | None) -> argparse.ArgumentParser:
    """A command line with the options that all benchmarks of whole runs have."""
    found = plain_parser(text)
    found.add_argument("--keep", type=Path, metavar="DIR", help="keep the run directories here")
    found.add_argument(
        "--set", action="append", default=[], metavar="STAGE.KEY=VALUE", help="a setting for every run; repeatable"
    )
    return found


def plain_parser(text: str | None) -> argparse.ArgumentParser:
    """A command line with the options that all benchmarks have."""
    found = argparse.ArgumentParser(description=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    found.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    found.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table as Markdown")
    return found


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


def make_town(folder: Path, frames: int, size: tuple[int, int], *, depth: bool) -> Path:
    """Render the block loop of the synthetic town, with its truth."""
    from da3_stream.synthetic import make_town, write_town

    tell(f"rendering {frames} frames of the town at {size[0]}x{size[1]}")
    return write_town(make_town("block", frames=frames, size=size), folder, depth=depth)


def tell(text: str) -> None:
    """A line for the person who waits."""
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


def surroundings() -> Row:
    """Date, commit, command, machine and versions; taken at the beginning, so the load is the others'."""
    from da3_stream.machine import describe_machine, installed_versions

    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "command": shlex.join(["python", *sys.orig_argv[1:]]),
        "machine": describe_machine(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "versions": installed_versions(),
    }


def _commit() -> str:
    """The commit that was measured, with "+" where files differ from it."""
    words = ["git", "describe", "--always", "--abbrev=10", "--dirty=+"]
    try:
        found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def report(options: argparse.Namespace, around: Row, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Print facts and table, and write the files that were asked for."""
    lines = _facts(around)
    print("\n".join([*lines, "", text_table(columns, rows)]))
    if options.json:
        page = {**around, "settings": getattr(options, "set", []), "rows": rows}
        options.json.write_text(json.dumps(page, indent=1) + "\n")
    if options.markdown:
        facts = "\n".join(f"- {line}" for line in lines)
        options.markdown.write_text(f"{facts}\n\n{markdown_table(columns, rows)}\n")


def _facts(around: Row) -> list[str]:
    machine, versions = around["machine"], around["versions"]
    memory = (machine["memory_bytes"] or 0) / 2**30
    found = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    return [
        f"{around['date']}, commit {around['commit']}: {around['command']}",
        f"{machine['processor']}, {machine['cores']} cores, {memory:.0f} GiB, {machine['system']}",
        f"load before the first run: {', '.join(str(load) for load in around['load_average'])} (1, 5, 15 minutes)",
        found,
    ]


def text_table(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """Aligned columns, numbers to the right."""
    cells = [[column.title for column in columns], *([column.cell(row) for column in columns] for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(columns))]
    return "\n".join("  ".join(_aligned(line, widths)).rstrip() for line in cells)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    """The first column to the left, the others to the right."""
    padded = zip(line, widths, strict=True)
    return [text.rjust(width) if k else text.ljust(width) for k, (text, width) in enumerate(padded)]


def markdown_table(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """The same as Markdown."""
    lines = [[column.title for column in columns], ["---", *["---:"] * (len(columns) - 1)]]
    lines += [[column.cell(row) for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
