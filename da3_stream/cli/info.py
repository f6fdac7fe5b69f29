"""The command `info`."""

from __future__ import annotations

from typing import Annotated

import typer

from .arguments import RunDir, Verbose
from .console import console


def info(
    run_dir: RunDir,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    verbose: Verbose = False,
) -> None:
    """Tell what was done, with which settings, and how it went."""
    from ..report import info
    from ..report.lines import info_text
    from ..store.files import json_page

    with console(verbose):
        facts = info(run_dir)
    typer.echo(json_page(facts).rstrip() if json else info_text(facts))
