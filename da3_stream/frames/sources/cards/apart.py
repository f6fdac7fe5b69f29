"""Several videos in a folder: one recording in pieces, or each a recording of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from statistics import median

from .names import ClipName, read_names
from .search import is_card

PACE_S = 2.0  # by which the steps between files of a loop recording differ
LONGEST_PIECE_S = 1200.0


def recordings_apart(folder: Path, videos: Sequence[Path]) -> Iterator[tuple[Path, ...]]:
    """The videos of a folder as recordings, by where they lie and what they are called; (folder,) where all are one.

    One are: what lies in a camera's own folders, the files of cameras that recorded at once, and files whose names
    tell times at an even pace, as dashcams cut their recordings. Of others, chapters of a recording belong together,
    the files of a folder below are judged for themselves, and every other file is a recording.
    """
    if any(is_card(folder, video) for video in videos):
        yield (folder,)
        return
    for parent, group in groupby(sorted(videos, key=lambda path: (path.parent != folder, path.parent)), _parent):
        names = read_names(list(group))
        if any(name.camera for name in names) or _is_even(names):
            yield (parent,)
        else:
            yield from _takes(names)


def _parent(path: Path) -> Path:
    return path.parent


def _takes(names: Sequence[ClipName]) -> Iterator[tuple[Path, ...]]:
    """Chapters together, in their order, where the first of them stands."""
    takes: dict[object, list[ClipName]] = {}
    for name in names:
        takes.setdefault(name.take or name.path, []).append(name)
    for take in takes.values():
        yield tuple(name.path for name in sorted(take, key=lambda name: name.chapter))


def _is_even(names: Sequence[ClipName]) -> bool:
    """Whether most files begin one step after the file before, by the times in their names."""
    times = sorted(name.date.seconds for name in names if name.date is not None and name.date.is_moment)
    if len(times) < max(len(names), 3):
        return False
    steps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    usual = median(steps)
    even = sum(abs(step - usual) <= PACE_S for step in steps)
    return 0 < usual <= LONGEST_PIECE_S and 2 * even > len(steps)
