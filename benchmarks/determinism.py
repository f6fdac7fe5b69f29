"""Do two runs of one clip give the same files, byte by byte? Exit status 1 if not."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.common import benchmark, find_clip, measured_run
from benchmarks.tables import Column, Row

FILES = ("trajectory.tum", "trajectory.kitti", "camera_poses.txt", "intrinsics.txt", "frames.csv")
FILES += ("cloud.ply", "scene.json")
FOLDERS = {"windows": "windows/*.npz", "pages": "cloud/*"}

COLUMNS = [
    Column("what", "what"),
    Column("files", "files"),
    Column("bytes", "bytes", "{:,}"),
    Column("same", "same"),
    Column("differs", "differs"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--clip", default="kitti07_0-159", help="a clip of the shared data")
    command.add_argument("--camera", choices=("given", "none"), default="given", help="with its intrinsics or without")
    command.add_argument(
        "--second-workers", type=int, help="parallel processes of the second run, to vary their number"
    )


@benchmark(COLUMNS, _options, good=lambda row: row["same"] == "yes")
def main(folder: Path, options: argparse.Namespace) -> Iterable[Row]:
    """Run twice, compare."""
    return _compared(folder, options)


def _compared(folder: Path, options: argparse.Namespace) -> list[Row]:
    clip = find_clip(options.clip)
    words = ["--intrinsics", str(clip.intrinsics)] if options.camera == "given" and clip.intrinsics else []
    second = ["--workers", str(options.second_workers)] if options.second_workers else []
    with (
        measured_run(clip.source, folder / "first", options, *words) as a,
        measured_run(clip.source, folder / "second", options, *words, *second) as b,
    ):
        for measured in (a, b):
            if measured.error:
                sys.exit(f"{measured.directory.name} run: {measured.error}")
        return [
            *(_row(name, _hashed(a.directory, name), _hashed(b.directory, name)) for name in FILES),
            *(_row(name, _hashed(a.directory, p), _hashed(b.directory, p)) for name, p in FOLDERS.items()),
            _row("journal, times apart", _journal(a.directory), _journal(b.directory)),
        ]


def _row(what: str, first: Mapping[str, tuple[int, str]], second: Mapping[str, tuple[int, str]]) -> Row:
    """Compare size and hash of what bears the same name; nothing at all counts as a difference."""
    differs = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    return {
        "what": what,
        "files": len(first),
        "bytes": sum(size for size, _ in first.values()),
        "same": "yes" if first and not differs else "NO",
        "differs": ", ".join(differs[:3]) or (None if first else "missing"),
    }


def _hashed(run: Path, pattern: str) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of the files of a run that match, by name."""
    return {path.name: _hash(path.read_bytes()) for path in sorted(run.glob(pattern)) if path.is_file()}


def _journal(run: Path) -> dict[str, tuple[int, str]]:
    """The same of every line of the journal without its time."""
    lines = (run / "journal.jsonl").read_text().splitlines()
    return {f"line {k}": _hash(_timeless(line)) for k, line in enumerate(lines, 1)}


def _timeless(line: str) -> bytes:
    event = json.loads(line)
    event.pop("time", None)
    return json.dumps(event).encode()


def _hash(data: bytes) -> tuple[int, str]:
    return len(data), hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    main()
