"""What a batch is asked for: a run for each video."""

from __future__ import annotations

import glob
import os
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BatchError
from ..frames import inputs_apart
from ..remote_files import is_remote, without_password
from ..settings import Settings
from .elsewhere import remote_inputs_apart

Parse = Callable[[Sequence[str]], Settings]  # options of `da3-stream run` as words; raises SettingsError
SUMMARIES = ("summary.json", "summary.csv")
RESERVED = (*SUMMARIES, "run.json")
LONGEST = 200  # bytes of a name; file systems have 255


@dataclass(frozen=True)
class Video:
    """A run that is wanted: its inputs, the name of its run directory in that of the batch, the options of
    `da3-stream run` as words, and what these say. Those of higher priority come first."""

    inputs: tuple[str, ...]
    name: str
    options: tuple[str, ...]
    settings: Settings
    priority: float = 0.0

    @property
    def input(self) -> str | list[str]:
        """As it stands in a summary: without passwords."""
        shown = [*map(without_password, self.inputs)]
        return shown[0] if len(shown) == 1 else shown


def videos_of(names: Sequence[str], options: Sequence[str], parse: Parse) -> list[Video]:
    """A video for each that the arguments of a command line stand for (see `inputs_apart`), all with the same options.

    Raises Da3StreamError with one sentence.
    """
    settings = parse(options)
    inputs = [found for name in names for found in _apart(name)]
    for name in (name for found in inputs for name in found):
        require_text(name)
    twice = {found for found in inputs if inputs.count(found) > 1}
    if twice:
        raise BatchError(f"'{min(twice)[0]}' is given twice: a video gets one run")
    named = zip(inputs, out_names([found[0] for found in inputs]), strict=True)
    return [Video(found, name, tuple(options), settings) for found, name in named]


def _apart(name: str) -> list[tuple[str, ...]]:
    return remote_inputs_apart(name) if is_remote(name) else inputs_apart(name)


def require_text(name: str) -> None:
    """Raises BatchError for a name that no summary could hold, or no command line."""
    try:
        is_text = "\0" not in name.encode().decode()
    except UnicodeEncodeError:  # bytes of a file's name that are no UTF-8
        is_text = False
    if not is_text:
        raise BatchError(f"the name {ascii(name)} is no text in UTF-8: rename the file")


def out_names(inputs: Sequence[str]) -> list[str]:
    """A directory's name for each input, all different: that of the file or folder; where several have it, with the
    suffix of the file, or with as many folders before it as tell them apart."""
    parts = [_parts(name) for name in inputs]
    names = [_short(_stem(own), name) for own, name in zip(parts, inputs, strict=True)]
    for depth in range(1, max(map(len, parts), default=0) + 1):
        clashing = {name for name, count in Counter(names).items() if count > 1}
        if not clashing:
            break
        whole = zip(parts, names, inputs, strict=True)
        names = [_short(_longer(own, depth), text) if name in clashing else name for own, name, text in whole]
    return names


def _short(name: str, source: str) -> str:
    """The name, or as much of it as a file system takes, and what tells inputs apart."""
    if len(name.encode()) <= LONGEST:
        return name
    beginning = name.encode()[: LONGEST - 9].decode(errors="ignore")
    return f"{beginning}_{zlib.crc32(source.encode()):08x}"


def _longer(parts: Sequence[str], depth: int) -> str:
    return "_".join(part.replace(".", "_") for part in parts[-depth:])


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a path or address that are no patterns, the last one at least; an address without its query."""
    is_page = name.startswith(("http://", "https://"))
    own = name.partition("://")[2] or os.path.abspath(os.path.expanduser(name))
    if is_page:
        own = own.partition("?")[0].partition("#")[0]
    parts = [part for part in Path(own).parts if part != os.sep and (is_page or not glob.has_magic(part))]
    return tuple(parts) or ("run",)


def _stem(parts: Sequence[str]) -> str:
    stem = Path(parts[-1]).stem.lstrip(".")
    return f"{stem or 'run'}_" if stem in RESERVED else stem or "run"
