"""How the command line talks: what it says, its log on stderr, and how it is stopped."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from .ending import fail

EXAMPLES = (
    "da3-stream export runs/drive --format laz",
    "da3-stream export runs/walk --format 3dgs --resolution input --undistort",
    "da3-stream export runs/drive --format depth -o maps --every 5 --set encoding=npy",
)


class ExportCommand(TyperCommand):
    """Its help ends with the table of formats, which is read only then."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """As typer's."""
        from ..export.formats import formats_text

        examples = "\n\n".join(EXAMPLES)
        self.epilog = f"Examples:\n\n{examples}\n\nFormats, with options of their own:\n\n{formats_text()}"
        super().format_help(ctx, formatter)


def say(text: str, quiet: bool) -> None:
    """A line for people."""
    if not quiet:
        typer.echo(text)


def default_out(inputs: list[str]) -> Path:
    """runs/<name of the first input>, for a glob that of its folder, for standard input "stdin"."""
    if inputs[0] == "-":
        return Path("runs/stdin")
    parts = [part for part in Path(inputs[0]).absolute().parts if not set(part) & set("*?[")]
    return Path("runs") / (Path(parts[-1]).stem.rpartition("@")[2] or "run")  # no password of a stream


@contextmanager
def console(verbose: bool, quiet: bool = False) -> Iterator[None]:
    """The package's log on stderr: warnings, with -v all and tracebacks, with -q errors."""
    handler = ConsoleHandler(verbose)
    handler.setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING)
    logger = logging.getLogger("da3_stream")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    try:
        yield
    except Exception:
        logger.debug("what happened:", exc_info=True)
        raise
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class ConsoleHandler(logging.Handler):
    """Lines that do not tear the progress bar."""

    def __init__(self, tracebacks: bool) -> None:
        super().__init__()
        self.tracebacks = tracebacks
        self.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        from tqdm import tqdm

        if not self.tracebacks:
            record = logging.makeLogRecord(record.__dict__ | {"exc_info": None, "exc_text": None})
        tqdm.write(self.format(record), file=sys.stderr)


@contextmanager
def stoppable(left: str) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the block in order, with exit status 130 (and a word on what is `left`) and 143."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except KeyboardInterrupt:
        fail(f"interrupted; {left}", 130)
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: Any) -> None:
    sys.exit(128 + number)
