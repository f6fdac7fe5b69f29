"""Depth of many frames of a run, one after the other."""

from __future__ import annotations

from collections import OrderedDict
from types import TracebackType
from typing import Self

from numpy.lib.npyio import NpzFile

from ..types import Float32
from .npz import open_npz, reading
from .run import Run
from .submap_files import frame_pixels

MOST_OPEN = 8  # files


class OpenSubmaps:
    """The submaps of a run, of which those asked last stay open: the directory of a file is as long as its submap, and
    is read once instead of for every frame."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._open: OrderedDict[int, NpzFile] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        while self._open:
            self._open.popitem()[1].close()

    def frame(self, submap: int, source_index: int) -> tuple[Float32, Float32]:
        """(depth, confidence) [H,W] of a frame that the submap owns; see `read_frame`."""
        with reading(self._run.submap_path(submap)):
            return frame_pixels(self._entries(submap), source_index)

    def _entries(self, submap: int) -> NpzFile:
        if submap not in self._open:
            self._open[submap] = open_npz(self._run.submap_path(submap))
            if len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(submap)
        return self._open[submap]
