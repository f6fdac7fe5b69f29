"""What frames are called in exports: pictures that come from files as these, frames of videos by their numbers.

A name is a relative path with slashes, below the folder that all pictures of the input share. It is another than the
file's where that cannot be kept on every system, or would be taken twice; which ones are is said, and frames.csv of an
export holds both.
"""

from __future__ import annotations

import logging
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...store import RunReader
from ..output_path import MARK
from .rasters import SUFFIXES
from .sources import FRAMES, frame_sources

log = logging.getLogger(__name__)

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file; and bytes that are no UTF-8, as Python reads them
_FORBIDDEN = r'\x00-\x1f\x7f<>:"\\|?*\ud800-\udfff'
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_OWN = (FRAMES, MARK)  # what stands beside the pictures
_LONGEST = 230  # bytes of a part of a path; file systems have 255, and masks and temporary files add to it


@dataclass(frozen=True)
class FrameName:
    """`name` with the suffix of the frame's file (none for a numbered frame), and `stem`, to which any suffix may be
    added: no two frames share either, not even where a file system makes no difference between A and a."""

    name: str
    stem: str

    def encoded(self, encoding: str) -> str:
        """The name of the frame's picture where it is written as "jpg", "png" or another suffix: its file's own if that
        says so already."""
        is_said = PurePosixPath(self.name).suffix.casefold() in SUFFIXES.get(encoding, (f".{encoding}",))
        return self.name if is_said else f"{self.stem}.{encoding}"


@dataclass(frozen=True)
class FrameNames:
    """The names of all frames of a run by their index in the input, and those that are others than in the input."""

    by_index: Mapping[int, FrameName]
    renamed: Sequence[tuple[str, str]]  # old, new

    def __getitem__(self, index: int) -> FrameName:
        return self.by_index[index]

    def by_stem(self) -> FrameNames:
        """The same for tools that tell pictures apart by their names without suffixes: those that differ in the suffix
        only are called by their stems."""
        suffix = {index: PurePosixPath(name.name).suffix for index, name in self.by_index.items()}
        names = {k: FrameName(f"{name.stem}{suffix[k]}", name.stem) for k, name in self.by_index.items()}
        return FrameNames(names, self.renamed)

    def say(self) -> None:
        """Warn of pictures that could not keep their names."""
        if self.renamed:
            old, new = self.renamed[0]
            log.warning(
                "names of pictures that are taken twice, or not possible on every system, are others here: %d, the "
                "first %s for %s; frames.csv of a folder lists all",
                len(self.renamed),
                new,
                old.encode(errors="replace").decode(),
            )


def frame_names(reader: RunReader, forbidden: str = "") -> FrameNames:
    """The names of a run's frames, without characters that a format forbids beside those that systems do.

    They are the same for every selection of frames.
    """
    indices, sources = reader.poses.source_index.tolist(), frame_sources(reader)
    if not sources.are_pictures:
        if reader.status.get("input", {}).get("kind") == "images":
            log.warning("the input of %s is gone, and with it its pictures' names: they are numbered", reader.path)
        return FrameNames({index: FrameName(f"{index:06d}", f"{index:06d}") for index in indices}, ())
    paths = relative_names([sources.by_index[index][0] for index in indices])
    names = _possible_names(paths, forbidden)
    renamed = [(old, new.name) for old, new in zip(paths, names, strict=True) if old != new.name]
    found = FrameNames(dict(zip(indices, names, strict=True)), renamed)
    found.say()
    return found


def _possible_names(paths: Sequence[str], forbidden: str) -> list[FrameName]:
    """See `unique_names`; a path that is possible everywhere does not lose its name to one that becomes the same."""
    safe = [_safe(path, forbidden) for path in paths]
    order = sorted(range(len(paths)), key=lambda k: safe[k] != paths[k])
    names = dict(zip(order, unique_names([safe[k] for k in order]), strict=True))
    return [names[k] for k in range(len(paths))]


def relative_names(paths: Sequence[str]) -> list[str]:
    """Files as paths below the folder that all of them share.

    Where some are absolute and some are not, nothing tells what they share: they stay whole.
    """
    parts = [Path(os.path.normpath(path)) for path in paths]
    if len({part.is_absolute() for part in parts}) > 1:
        return [part.as_posix().lstrip("/") for part in parts]
    shared = os.path.commonpath([part.parent for part in parts])
    return [part.relative_to(shared).as_posix() for part in parts]


def unique_names(paths: Sequence[str]) -> list[FrameName]:
    """Names for relative paths: of those that are the same on some system, all but the first get a number. Files that
    differ in their suffix only have it in their stems (a.jpg and a.png: their stems would be the same)."""
    first = {_key(path): k for k, path in reversed(list(enumerate(paths)))}
    doubles = [k for k, path in enumerate(paths) if first[_key(path)] != k]
    free = dict(zip(doubles, _numbered([paths[k] for k in doubles], set(first)), strict=True))
    names = [free.get(k, path) for k, path in enumerate(paths)]
    folders = {str(folder) for name in names for folder in PurePosixPath(name).parents if folder.suffix}
    plain = Counter(_key(_stem(path)) for path in [*names, *folders])
    taken = set(plain)
    own = {k: _stem(name) for k, name in enumerate(names) if plain[_key(_stem(name))] == 1}
    others = [k for k in range(len(names)) if k not in own]
    stems = own | dict(zip(others, _numbered([names[k] for k in others], taken), strict=True))
    return [FrameName(name, stems[k]) for k, name in enumerate(names)]


def _numbered(paths: Sequence[str], taken: set[str]) -> Iterator[str]:
    """The paths, with a number before the suffix where one is taken already; they are taken, too."""
    numbers: Counter[str] = Counter()
    for path in paths:
        stem, key, free = _stem(path), _key(path), path
        while _key(free) in taken:
            numbers[key] += 1
            free = f"{stem}_{numbers[key] + 1}{path[len(stem) :]}"
        taken.add(_key(free))
        yield free


def _key(path: str) -> str:
    """The same for paths that some file system takes for one."""
    return unicodedata.normalize("NFC", path).casefold()


def _stem(path: str) -> str:
    return path.removesuffix(PurePosixPath(path).suffix)


def _safe(path: str, forbidden: str) -> str:
    """The path as every file system can have it."""
    parts = [part for part in PurePosixPath(path).parts if part not in ("..", "/")]
    safe = [_safe_part(part, forbidden) for part in parts]
    return "/".join([safe[0] + "_" if _key(safe[0]) in _OWN else safe[0], *safe[1:]])


def _safe_part(part: str, forbidden: str) -> str:
    part = re.sub(f"[{_FORBIDDEN}{re.escape(forbidden)}]", "_", part)
    part = re.sub(r"[. ]$", "_", part)
    part = f"_{part}" if _DEVICES.fullmatch(part) else part
    suffix = PurePosixPath(part).suffix
    room = _LONGEST - len(suffix.encode())
    stem = part.removesuffix(suffix).encode()
    return part if len(stem) <= room else stem[: max(room, 1)].decode(errors="ignore") + suffix
