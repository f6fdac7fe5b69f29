"""Which frames of a folder of files are whole, so that an export that was interrupted goes on behind them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import takewhile
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..store.append_log import AppendLog
from ..store.files import json_line
from .frame_views import FrameView

LOG = ".frames.jsonl"  # in a folder that is being written


class FrameLog:
    """The frames that are whole, a line each with the sizes of their files and what is to be remembered of them.

    A line is written when a frame's files are; after a cut of the power a file may be shorter than its line says, and
    then this frame and all behind it are written again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._log = folder, AppendLog(folder / LOG)
        whole = takewhile(lambda line: _is_whole(folder, line["files"]), _lines(self._log))
        self._lines = {line["frame"]: line for line in whole}

    def __getitem__(self, index: int) -> dict[str, Any]:
        """What is to be remembered of a frame that is whole."""
        entry: dict[str, Any] = self._lines[index]["entry"]
        return entry

    def __contains__(self, index: int) -> bool:
        return index in self._lines

    def __len__(self) -> int:
        return len(self._lines)

    def missing(self, views: Sequence[FrameView]) -> list[FrameView]:
        """Those of the views that are not whole."""
        return [view for view in views if view.index not in self]

    def add(self, index: int, files: Iterable[str], entry: Mapping[str, Any] | None = None) -> None:
        """A frame's files, as paths from the folder, are whole. Raises StoreError where the disk refuses."""
        sizes = {name: _size(self._folder / name) for name in files}
        plain = json.loads(json_line(entry or {}))  # the same whether it comes from here or from the file
        self._lines[index] = {"frame": index, "files": sizes, "entry": plain}
        self._log.append(self._lines[index])

    def clean(self, kept: Set[str]) -> None:
        """Remove all from the folder that is not of whole frames, but for files of these names. Raises OSError."""
        files = {self._folder / name for line in self._lines.values() for name in line["files"]}
        for path in sorted(self._folder.rglob("*"), reverse=True):  # what is in a folder before the folder
            if path.is_dir() and not path.is_symlink():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path not in files and path.name not in kept:
                path.unlink()
        for line in self._lines.values():
            self._log.append(line)


def _lines(log: AppendLog) -> list[dict[str, Any]]:
    """The lines; none where they are damaged: all is written again."""
    try:
        return list(log.read())
    except StoreError:
        return []


def _is_whole(folder: Path, files: Mapping[str, int]) -> bool:
    return all(_size(folder / name) == size for name, size in files.items())


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
