"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"da3-stream {version('da3_stream')}")
        raise typer.Exit


Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Tell every step, and tracebacks.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress bar, errors only.")]
LogTo = Annotated[
    str | None,
    typer.Option(
        "--json-log",
        metavar="FILE|-",
        help="Tell what goes on as one JSON object a line, at the end of FILE, or on stderr and nothing else there.",
    ),
]
RunDir = Annotated[Path, typer.Argument(metavar="DIR", help="A run directory.")]
Version = Annotated[
    bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version and exit.")
]
