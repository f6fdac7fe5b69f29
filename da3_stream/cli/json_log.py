"""`--json-log`: what goes on, as one JSON object a line, for programs that watch the command."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stderr, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from ..errors import SettingsError
from .ending import ending

STDERR = "-"


class JsonLog:
    """Writes events to a text file, each with its name and the time (UTC); flushed line by line.

    Once the other end of a pipe is closed, or the disk is full, lines are lost: what the command does matters more.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def tell(self, event: str, fields: Mapping[str, Any]) -> None:
        """One event; numbers that JSON does not have are null."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with suppress(OSError, ValueError):  # ValueError: the file is closed
            self._file.write(f"{_line({'time': time, 'event': event, **fields})}\n")
            self._file.flush()


class NoJsonLog:
    """Nobody watches."""

    def tell(self, event: str, fields: Mapping[str, Any]) -> None:
        """Nothing."""


@contextmanager
def json_log(where: str | None, command: str) -> Iterator[JsonLog | NoJsonLog]:
    """The log of a command that goes to a file, at its end, or to stderr (`-`), which then holds nothing else.

    It begins with `start` and ends with `end`, however the command ends. Raises SettingsError for a file that cannot be
    written.
    """
    if where is None:
        yield NoJsonLog()
        return
    with _opened(where) as file:
        log = JsonLog(file)
        try:
            with _watched(log, command), redirect_stderr(_Lines(log)) if where == STDERR else nullcontext():
                yield log
        except BaseException as error:
            if where == STDERR:
                raise SystemExit(ending(error).status) from error
            raise


def is_alone(where: str | None) -> bool:
    """Whether stderr is for the log alone, so that nothing is shown to people there."""
    return where == STDERR


@contextmanager
def _opened(where: str) -> Iterator[TextIO]:
    if where == STDERR:
        yield sys.stderr
        return
    try:
        file = Path(where).open("a", encoding="utf-8")  # noqa: SIM115 - closed below
    except OSError as error:
        raise SettingsError(f"--json-log {where} cannot be written: {error.strerror or error}") from error
    try:
        yield file
    finally:
        with suppress(OSError):  # what was lost before
            file.close()


@contextmanager
def _watched(log: JsonLog, command: str) -> Iterator[None]:
    """From `start` to `end`, with warnings between."""
    from importlib.metadata import version

    log.tell("start", {"command": command, "version": version("da3_stream"), "pid": _pid()})
    handler = _Warnings(log)
    logger = logging.getLogger("da3_stream")
    logger.addHandler(handler)
    try:
        yield
    except BaseException as error:
        status, message = ending(error)
        log.tell("end", {"status": status, "message": message})
        raise
    else:
        log.tell("end", {"status": 0, "message": None})
    finally:
        logger.removeHandler(handler)


class _Warnings(logging.Handler):
    """The package's log from warnings on, as events."""

    def __init__(self, log: JsonLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """One record."""
        self._log.tell("log", {"level": record.levelname, "message": record.getMessage()})


class _Lines(io.TextIOBase):
    """Text for people, each line as an event."""

    def __init__(self, log: JsonLog) -> None:
        self._log, self._begun = log, ""

    def write(self, text: str) -> int:
        """Whole lines are told, the rest waits for its end."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            if line.strip():
                self._log.tell("log", {"level": "INFO", "message": line.strip()})
        return len(text)


def _pid() -> int:
    import os

    return os.getpid()


def _line(tree: Mapping[str, Any]) -> str:
    return json.dumps(_finite(tree), ensure_ascii=False, default=str)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    return [_finite(entry) for entry in value] if isinstance(value, list | tuple) else value
