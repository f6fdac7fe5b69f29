"""Tables of measurements, headed by date, commit, machine and load: as text, Markdown and JSON."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
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
class Table:
    """Rows of a report below its first table, with a title of their own."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]


def surroundings() -> Row:
    """Date, commit, command, machine and versions; taken at the beginning, so the load is the others'."""
    from da3_stream.machine import describe_machine, installed_versions

    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit_of(ROOT),
        "command": shlex.join(["python", *sys.orig_argv[1:]]),
        "machine": describe_machine(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "versions": installed_versions(),
    }


def commit_of(folder: Path) -> str:
    """The commit of a checkout, with "+" where files differ from it."""
    words = ["git", "describe", "--always", "--abbrev=10", "--dirty=+"]
    try:
        found = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def report(
    options: argparse.Namespace,
    around: Row,
    columns: Sequence[Column],
    rows: Sequence[Row],
    facts: Mapping[str, Any] | None = None,
    more: Sequence[Table] = (),
) -> None:
    """Print surroundings, tables and facts, and write the files that were asked for; `more` stand below the first."""
    lines, facts = _surroundings_lines(around), facts or {}
    others = [line for table in more for line in ("", f"{table.title}:", text_table(table.columns, table.rows))]
    below = _below(f"{name}: {facts[name]}" for name in facts)
    print("\n".join([*lines, "", text_table(columns, rows), *others, *below]))
    if options.json:
        tables = {table.title: table.rows for table in more}
        page = {**around, **facts, "settings": getattr(options, "set", []), "rows": rows, **tables}
        options.json.write_text(json.dumps(page, indent=1) + "\n")
    if options.markdown:
        below = _below(f"- {name}: {facts[name]}" for name in facts)
        others = [text for t in more for text in ("", f"## {t.title}", "", markdown_table(t.columns, t.rows))]
        page_lines = [*(f"- {line}" for line in lines), "", markdown_table(columns, rows), *others, *below]
        options.markdown.write_text("\n".join(page_lines) + "\n")


def _below(lines: Iterable[str]) -> list[str]:
    """Lines under a table: an empty one before them."""
    found = list(lines)
    return ["", *found] if found else []


def _surroundings_lines(around: Row) -> list[str]:
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
