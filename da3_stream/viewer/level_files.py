"""Levels of detail of submaps: the files of the run, or of older runs files that are built when they are asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from ..cloud.levels import SubmapLevels, levels_of_page
from ..store import Run
from .run_files import Stamp, stamp

MOST_OPEN = 64  # headers in memory
MOST_BUILT = 2 << 30  # bytes in the temporary folder


class LevelFiles:
    """Opens them, and keeps the headers of those that were asked for last."""

    def __init__(self, run: Run, folder: Path) -> None:
        self._run, self._folder = run, folder
        self._lock = threading.Lock()
        self._open: OrderedDict[tuple[int, Stamp], SubmapLevels] = OrderedDict()
        self._built: OrderedDict[Path, int] = OrderedDict()  # and their sizes, the one that was used last at the end

    def open(self, submap: int) -> SubmapLevels:
        """Raises StoreError where the submap has no points that can be read."""
        with self._lock:
            stored = self._run.levels_path(submap)
            path = stored if stamp(stored) is not None else self._build(submap)
            key = (submap, stamp(path))
            if key not in self._open:
                self._open[key] = SubmapLevels.open(path)
                if len(self._open) > MOST_OPEN:
                    self._open.popitem(last=False)
            self._open.move_to_end(key)
            return self._open[key]

    def _build(self, submap: int) -> Path:
        """Where the levels of a page are that has none beside it."""
        page = stamp(self._run.page_path(submap)) or (0, 0, 0)
        path = self._folder / f"{submap:06d}_{page[0]:x}_{page[1]:x}.levels"
        if path not in self._built:
            levels_of_page(self._run, submap, path)
            self._built[path] = path.stat().st_size
            while sum(self._built.values()) > MOST_BUILT and len(self._built) > 1:
                self._built.popitem(last=False)[0].unlink(missing_ok=True)
        self._built.move_to_end(path)
        return path
