"""The command `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .arguments import Quiet, Verbose
from .console import console, say, stoppable


def demo(
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Where the town and its run go.")] = Path(
        "runs/demo"
    ),
    frames: Annotated[int, typer.Option(help="Length of the drive.")] = 300,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Drive round a synthetic town, reconstruct it, and compare with the truth; no download."""
    from ..demo import run_demo
    from ..report import info
    from ..report.lines import result_lines

    with console(verbose, quiet), stoppable(f"what was placed until then is in {out / 'run'}"):
        result = run_demo(out, frames, progress=not quiet)
        say("\n".join(result_lines(info(result.run))), quiet)
        typer.echo(result.summary())
