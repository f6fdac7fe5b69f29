"""The command `doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .screen import show


def doctor(
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    runs: Annotated[
        Path, typer.Option("--runs", metavar="DIR", help="The folder that runs go to: its disk is looked at.")
    ] = Path("runs"),
) -> None:
    """Look at this machine: what runs need, what is missing, and the command that cures it.

    Exit status 0: all runs are possible; 1: something that they need is broken.
    A file of at most 64 MB is written into the folder of runs, and removed.
    """
    from json import dumps

    from ..doctor import examine
    from ..doctor.screen import screen

    examination = examine(runs)
    if json:
        typer.echo(dumps(examination.as_json(), indent=2))
    else:
        show(*screen(examination))
    raise typer.Exit(0 if examination.is_sound else 1)
