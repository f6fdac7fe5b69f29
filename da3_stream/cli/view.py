"""The command `view`."""

from __future__ import annotations

from typing import Annotated

import typer

from .arguments import RunDir, Verbose
from .console import console


def view(
    run_dir: RunDir,
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0: any that is free.")] = 8080,
    host: Annotated[
        str, typer.Option(metavar="H", help="Where to listen; 0.0.0.0: others on the network may look, with a token.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Ask everybody for this one, also on 127.0.0.1.")
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Only tell the address, and open no browser.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="DIR may still be empty or absent: wait for a run.")] = False,
    verbose: Verbose = False,
) -> None:
    """Look at a run in a browser, finished or going on; until Ctrl-C."""
    from ..export.formats import FORMATS
    from ..viewer.serving import require_run, serve_until_stopped, view_server

    with console(verbose):
        require_run(run_dir, wait)
        formats = {name: row.what for name, row in FORMATS.items()}
        with view_server(run_dir, host, port, token, formats) as server:
            serve_until_stopped(server, typer.echo, browser=not no_open)
