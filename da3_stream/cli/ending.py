"""How a command ends: its exit status, and one sentence."""

from __future__ import annotations

import errno
import sys
from typing import NamedTuple, NoReturn

import typer

from ..errors import Da3StreamError, RunError


class Ending(NamedTuple):
    """Exit status, and why."""

    status: int
    message: str | None


class Failed(SystemExit):
    """The end of a command whose reason was said."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(status)
        self.message = message


def ending(error: BaseException) -> Ending:
    """What an error means: status 2 for what the user can cure, 1 for a run that broke off or a bug, others as said."""
    if isinstance(error, Failed):
        return Ending(int(error.code or 0), error.message)
    if isinstance(error, SystemExit):
        return Ending(error.code if isinstance(error.code, int) else int(error.code is not None), None)
    if isinstance(error, KeyboardInterrupt):
        return Ending(130, "interrupted")
    if isinstance(error, Da3StreamError):
        return Ending(1 if isinstance(error, RunError) else 2, str(error))
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):  # of what a command prints
        return Ending(2, f"cannot write what was asked for: {error.strerror}")
    return Ending(1, f"{type(error).__name__}: {' '.join(str(error).split())} (this is a bug: -v shows where)")


def fail(what: object, status: int) -> NoReturn:
    """End with one sentence."""
    typer.echo(f"error: {what}", err=True)
    sys.stderr.flush()
    raise Failed(str(what), status)
