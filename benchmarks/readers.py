"""Does every format keep names, frame of reference, units, colours and times, and cope with unknown poses? Each cell
of the table is checked by readers that are not ours, on runs whose every point and colour is known.

Light readers (open3d, laspy, trimesh, pycolmap and others; the same checks as tests/export) come with the package's
development; the heavier ones are installed into a folder of their own, which is kept.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common import benchmark, tell
from benchmarks.reading.installed import Installed, install
from benchmarks.reading.readers import Reader, Workbench, readers
from benchmarks.tables import Column, Row
from da3_stream.errors import Da3StreamError
from da3_stream.export.exporting import export_run
from da3_stream.export.formats import FORMATS
from tests.export.table.cells import TABLE
from tests.export.table.exported import Exported
from tests.worlds.known_runs import KINDS, KnownRun, make_run

CACHE = Path("~/.cache/da3_stream_readers").expanduser()
TOPICS = ("names", "frame", "units", "colours", "times", "unknown")
LIGHT = "light readers"
COLUMNS = (
    Column("format", "format"),
    Column("reader", "reader"),
    *(Column("unknown poses" if topic == "unknown" else topic, topic) for topic in TOPICS),
    Column("said", "said"),
)


@dataclass
class Cells:
    """What a reader found of a format: by topic the kinds of runs on which it holds, and where it does not and why."""

    good: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    bad: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def row(self, form: str, reader: str, reasons: Mapping[str, str]) -> Row:
        """Of the table: how many runs hold of how many, or why there is nothing to check."""
        texts = {}
        for topic in TOPICS:
            good, bad = len(self.good[topic]), len(self.bad[topic])
            texts[topic] = (
                f"{good}/{good + bad}" if good + bad else ("-" if topic in reasons or reader != LIGHT else "")
            )
        said = "; ".join(dict.fromkeys(text for topic in TOPICS for text in self.bad[topic]))
        return {"format": form, "reader": reader, **texts, "said": said, "reasons": dict(reasons)}


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--cache", type=Path, default=CACHE, help="where the heavier readers are, or get installed")
    command.add_argument("--formats", default=",".join(TABLE), help="rows of the table")
    command.add_argument("--kinds", default=";".join(KINDS), help="kinds of runs, with ; between them")
    command.add_argument("--only", default="", help="readers by the beginnings of their names, with commas")


def _note(rows: Iterable[Row]) -> str:
    found = next((row["versions"] for row in rows if "versions" in row), {})
    return "versions: " + ", ".join(f"{name} {version}" for name, version in found.items())


@benchmark(COLUMNS, _options, note=_note, good=lambda row: not row["said"], settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    installed = install(options.cache.expanduser().resolve())
    wanted = [name for name in options.formats.split(",") if name in TABLE]
    exports = list(make_exports(folder, options.kinds.split(";"), wanted))
    versions = installed.versions()
    for name in wanted:
        for reader in chosen_readers(options.only):
            row = measured(reader, name, exports, installed)
            if row is not None:
                yield row | {"versions": versions}


def chosen_readers(only: str) -> list[Reader | None]:
    """None stands for the light ones."""
    starts = [start for start in only.split(",") if start]
    named: list[Reader | None] = [None, *readers()]
    return [each for each in named if not starts or (LIGHT if each is None else each.name).startswith(tuple(starts))]


def make_exports(folder: Path, kinds: Iterable[str], names: Iterable[str]) -> Iterator[tuple[str, str, Exported | str]]:
    """(kind, row of the table, export or why there is none), run by run."""
    for number, kind in enumerate(kinds):
        place = folder / f"run_{number}"
        shutil.rmtree(place, ignore_errors=True)
        run = make_run(place, KINDS[kind])
        for name in names:
            if not TABLE[name].needs_place or KINDS[kind].georeference is not None:
                yield kind, name, exported(run, place, name)


def exported(run: KnownRun, folder: Path, name: str) -> Exported | str:
    """A row's format of a run, or the sentence with which it was refused."""
    form, options = name.split()[0], TABLE[name].options
    file = Path(FORMATS[form].file.format(encoding=(options or {}).get("encoding", "")))
    try:
        path, summary = export_run(
            run.path, form, folder / f"{name.replace(' ', '_')}{''.join(file.suffixes)}", options
        )
    except Da3StreamError as error:
        return f"no export: {error}"
    return Exported(run, form, path, summary)


def measured(
    reader: Reader | None, name: str, exports: Iterable[tuple[str, str, Exported | str]], installed: Installed
) -> Row | None:
    """The row of a reader for a format; None where it reads no such format."""
    cells, reasons = Cells(), {}
    checks = dict(TABLE[name].cells()) if reader is None else dict(reader.cells.get(name, {}))
    if not checks:
        return None
    if reader is not None and reader.part in installed.missing:
        return {"format": name, "reader": reader.name, "said": f"not run: {installed.missing[reader.part]}"}
    for topic, check in checks.items():
        if isinstance(check, str):
            reasons[topic] = check
            continue
        for kind, row, export in exports:
            if row == name:
                error = export if isinstance(export, str) else verdict(reader, check, export, installed)
                (cells.bad if error else cells.good)[topic].append(f"{topic} ({kind}): {error}" if error else kind)
    tell(f"{name}, {LIGHT if reader is None else reader.name}: {dict(cells.bad) or 'good'}")
    return cells.row(name, LIGHT if reader is None else reader.name, reasons)


def verdict(reader: Reader | None, check: object, export: Exported, installed: Installed) -> str:
    """Why a check does not hold, in a line; nothing where it does."""
    with tempfile.TemporaryDirectory(prefix="da3_readers_") as folder:
        try:
            words = (export,) if reader is None else (Workbench(installed, Path(folder)), export)
            check(*words)  # type: ignore[operator]
        except Exception as error:  # whatever a reader trips over is a cell that does not hold
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            return f"{type(error).__name__} {' '.join(lines[:4])}"[:300]
    return ""


if __name__ == "__main__":
    main()
