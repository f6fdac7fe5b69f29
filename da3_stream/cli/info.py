"""The command `info`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .arguments import RunDir, Verbose
from .console import console
from .screen import has_unicode, show, terminal

if TYPE_CHECKING:
    from rich.text import Text


def info(
    run_dir: RunDir,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Every fact, a line each.")] = False,
    verbose: Verbose = False,
) -> None:
    """Tell on one screen what came out, how far it is to be trusted, what helps, and how it went."""
    with console(verbose):
        if json or every:
            typer.echo(_facts(run_dir, json))
        else:
            show(*_screen(run_dir))


def _facts(run_dir: Path, json: bool) -> str:
    from ..report import info
    from ..report.lines import info_text
    from ..store.files import json_page

    facts = info(run_dir)
    return json_page(facts).rstrip() if json else info_text(facts)


def _screen(run_dir: Path) -> list[Text]:
    from ..report.sections.subject import Subject
    from ..report.terminal import Size, screen
    from ..store import RunReader

    there = terminal()
    lines = there.height - 1 if there.is_terminal else None  # the last one is for what is typed next
    return screen(Subject.of(RunReader.open(run_dir)), Size(there.width, lines, has_unicode(there)))
