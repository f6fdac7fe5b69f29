"""The command `view`."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from .arguments import RunDir, Verbose
from .console import console, say

USUAL_PORT = 8080
LAST_LOOK_S = 3.0  # of open pages, when a run has ended


def view(
    run_dir: RunDir,
    port: Annotated[
        int | None,
        typer.Option(metavar="N", help=f"0: any that is free. Default: {USUAL_PORT}, or any where that is taken."),
    ] = None,
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

    with console(verbose), _until_stopped():
        require_run(run_dir, wait)
        formats = {name: row.what for name, row in FORMATS.items()}
        ports = (USUAL_PORT, 0) if port is None else (port,)
        with view_server(run_dir, host, ports, token, formats) as server:
            serve_until_stopped(server, typer.echo, browser=not no_open)


@contextmanager
def page_beside(run_dir: Path, quiet: bool) -> Iterator[None]:
    """The page of a run in a process of its own, as long as the block lasts; it costs the run nothing while nobody
    looks, and goes on where the run's process is killed."""
    process = subprocess.Popen([sys.executable, "-m", "da3_stream", "view", str(run_dir), "--wait"])
    try:
        yield
        _last_look(process)
    finally:
        process.terminate()
        process.wait()
        if (run_dir / "run.json").exists():
            say(f"the page has ended with the run; da3-stream view {run_dir} shows it again", quiet)


def _last_look(process: subprocess.Popen) -> None:
    """Time for pages to hear how the run ended, before nobody answers them any more."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(LAST_LOOK_S)


@contextmanager
def _until_stopped() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the block, and that is how it is meant to end."""
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(number: int, frame: Any) -> None:
    raise KeyboardInterrupt
