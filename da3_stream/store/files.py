"""Files that are replaced in one step, so that a kill leaves the old or the new one, and strict JSON."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import StoreError

log = logging.getLogger(__name__)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; when the block ends well it is synced and renamed into place.

    A block that raises leaves what was at `path` before. Raises StoreError where the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """A new folder beside `path` that takes its place when the block ends well, and is removed otherwise.

    Raises StoreError where the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        yield temporary
        move_folder(temporary, path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def move_folder(new: Path, path: Path) -> None:
    """Give a folder the place of another, which goes only when the new one stands, and comes back where it cannot.

    Raises OSError where the disk refuses; a warning tells what is left of the old one if it cannot be removed.
    """
    old = path.with_name(f".{path.name}.old.tmp")
    try:
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
            path.rename(old)
        new.rename(path)
    except BaseException:  # Ctrl-C, too
        if old.exists() and not path.exists():
            old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)
    if old.exists():
        log.warning("%s is new, but the one before could not be removed whole: see %s", path, old)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file in one step (see `replacing`); bytes of file names that are no UTF-8 stay as they
    are."""
    with replacing(path) as file:
        file.write(text.encode(errors="surrogateescape"))


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises StoreError with one sentence where there is none."""
    try:
        value = json.loads(path.read_text())
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError:
        raise StoreError(f"{path} is damaged: it is not valid JSON") from None
    if not isinstance(value, dict):
        raise StoreError(f"{path} is damaged: expected a JSON object, found {type(value).__name__}")
    return value


def json_line(value: Any) -> str:
    """Strict JSON on one line: numpy values as plain ones, NaN and infinity as null, floats with all their digits, and
    bytes of file names that are no UTF-8 as \\udcXX, which readers make them of again."""
    text = json.dumps(plain(value), allow_nan=False, ensure_ascii=False)
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def json_page(value: Mapping[str, Any]) -> str:
    """Strict JSON with one line per top-level key."""
    lines = [f"  {json.dumps(str(key))}: {json_line(entry)}" for key, entry in value.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def plain(value: Any) -> Any:
    """The value in JSON's own types; enums by value, dataclasses by field. Raises TypeError for anything else."""
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return _plain_container(value)


def _plain_container(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, Iterable):
        return [plain(entry) for entry in value]
    raise TypeError(f"cannot write a {type(value).__name__} as JSON")
