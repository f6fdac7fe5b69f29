"""Asking a remote file system: it is opened, asked again where it did not answer, and its errors become sentences."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import Da3StreamError, RemoteFilesError
from .addresses import protocol_of, without_password

PAUSES_S = (1.0, 4.0)  # before it is asked again; libraries of providers ask some times themselves
FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, ImportError)
EXTRAS = {"s3": "'da3_stream[s3]'", "s3a": "'da3_stream[s3]'"}

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


def open_filesystem(address: str) -> tuple[Any, str]:
    """fsspec's file system of an address, and the path in it.

    Raises RemoteFilesError where the package for it is not installed, or where nobody knows who asks.
    """
    from fsspec.core import url_to_fs

    try:
        filesystem, path = url_to_fs(address)
        filesystem.invalidate_cache()  # a folder listed once would hide what others write into it
    except ImportError as error:
        raise RemoteFilesError(_missing_package(protocol_of(address), error)) from error
    except Exception as error:
        raise RemoteFilesError(f"'{without_password(address)}' cannot be opened: {reason(error)}") from error
    return filesystem, path


def ask(what: str, address: str, question: Callable[[], Answer]) -> Answer:
    """The answer to a question, which is asked again where the network may be to blame.

    `what` is what cannot be done otherwise: "cannot be listed". Raises RemoteFilesError with one sentence.
    """
    for pause in (*PAUSES_S, None):
        try:
            return question()
        except Da3StreamError:
            raise
        except Exception as error:
            if pause is None or is_final(error):
                raise RemoteFilesError(f"'{without_password(address)}' {what}: {reason(error)}") from error
            log.warning("%s %s: %s; once more in %.0f s", without_password(address), what, reason(error), pause)
            time.sleep(pause)
    raise AssertionError


def is_final(error: BaseException) -> bool:
    """Whether asking again would give the same."""
    return isinstance(error, FINAL) or _is_of_credentials(error)


def reason(error: BaseException) -> str:
    """Why a file system did not do it, and what to do."""
    if isinstance(error, FileNotFoundError):
        return "there is nothing (check the address; a bucket must exist before)"
    if isinstance(error, PermissionError):
        return f"it may not be read or written with these credentials ({_first_line(error)})"
    if _is_of_credentials(error):
        return f"there are no credentials ({_first_line(error)}): set those of the provider, as for its own tools"
    return f"{_first_line(error)} (check address and network)"


def _is_of_credentials(error: BaseException) -> bool:
    return "credential" in type(error).__name__.lower()


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _missing_package(protocol: str, error: ImportError) -> str:
    from fsspec.registry import known_implementations

    package = EXTRAS.get(protocol)
    hint = known_implementations.get(protocol, {}).get("err", error) if package is None else f"pip install {package}"
    return f"{protocol}:// is read by a package that is not installed: {hint}"
