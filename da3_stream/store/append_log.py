"""Append-only logs: files of JSON lines, each with its checksum."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import StoreError
from .files import json_line

_SUM = b', "crc32": "'  # followed by eight hexadecimal digits


@dataclass(frozen=True)
class AppendLog:
    """An append-only log. A file that is absent has no lines."""

    path: Path

    def append(self, fields: Mapping[str, Any], unsummed: Mapping[str, Any] | None = None) -> None:
        """Add one line and flush it; `unsummed` fields come last and are left out of the checksum.

        Raises StoreError where the disk refuses; the part of the line that was written is removed again.
        """
        body = json_line(fields).encode()[:-1]
        rest = json_line(unsummed).encode()[1:-1] if unsummed else b""
        line = body + _SUM + b'%08x"' % zlib.crc32(body) + (b", " + rest if rest else b"") + b"}\n"
        before = self.size()
        try:
            with open(self.path, "ab") as file:
                file.write(line)
        except OSError as error:
            with suppress(OSError):
                os.truncate(self.path, before)
            raise StoreError(f"cannot write {self.path}: {error.strerror or error}") from error

    def read(self, size: int | None = None) -> Iterator[dict[str, Any]]:
        """The lines in order, without their checksums, or those of the first `size` bytes; a last line that a kill left
        unfinished is skipped.

        Raises StoreError for a line that is damaged, and where there are fewer bytes.
        """
        self._require(size or 0)
        if not self.path.exists():
            return
        with open(self.path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield _read(line, f"{self.path}, line {number},")
                if file.tell() == size:
                    return

    def size(self) -> int:
        """Its length in bytes."""
        return self.path.stat().st_size if self.path.exists() else 0

    def sync(self) -> None:
        """Make sure that all lines are on the disk. Raises StoreError where it refuses."""
        try:
            with open(self.path, "ab") as file:
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror or error}") from error

    def truncate(self, size: int) -> None:
        """Cut the file to this length in bytes. Raises StoreError if it is shorter."""
        self._require(size)
        if self.path.exists():
            os.truncate(self.path, size)

    def _require(self, size: int) -> None:
        if self.size() < size:
            raise StoreError(f"{self.path} is damaged: it has lost lines")


def _read(line: bytes, where: str) -> dict[str, Any]:
    body, mark, rest = line.rpartition(_SUM)
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict) or (mark and zlib.crc32(body) != int(rest[:8], 16)):
        raise StoreError(f"{where} is damaged: expected one JSON object with its checksum")
    entry.pop("crc32", None)
    return entry
