"""Copies of a run's remote inputs, in a folder beside the run: `runs/drive.input` of `runs/drive`.

They are there as long as something needs them: until the run is finished (and its exports and its way to `-o s3://…`,
where the same command does these), or the export that wanted them is. What is broken off leaves them, and the same
command goes on with them.
"""

from __future__ import annotations

import fcntl
import glob
import logging
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from ..errors import RemoteFilesError
from ..machine import size_text
from ..progress import Listener, ignore
from ..store.append_log import AppendLog
from ..types import CopiedInput
from .addresses import folder_of_pattern, is_remote, path_below, prefix_below, without_password
from .fetching import fetch, part_of
from .listing import RemoteFile, find_remote
from .transfers import Told, each

log = logging.getLogger(__name__)


def copies_folder(run: Path) -> Path:
    """Where the copies of a run's inputs are."""
    return run.with_name(f"{run.name}.input")


@contextmanager
def local_copies(
    source: Any,
    run: Path,
    *,
    overwrite: bool = False,
    keep: bool = False,
    shown: bool = False,
    listener: Listener = ignore,
) -> Iterator[Any]:
    """What `open_source` takes instead of a source of a run: remote files are fetched before, the others stay as they
    are.

    A block that ends well leaves no copies, unless `keep`, or somebody else uses them. Raises RemoteFilesError where
    there is nothing, the disk is too small, the network fails, or where a file has changed since the run began (not
    with `overwrite`).
    """
    names = _names(source)
    if not any(map(is_remote, names)):
        yield source
        return
    copies = _Copies(copies_folder(Path(os.path.abspath(run))))
    has_begun = (run / "run.json").is_file() and not overwrite
    with copies.used():
        copies.fetch(names, has_begun, Told("fetching", 0, shown, listener))
        yield copies.input(names)
        if not keep:
            copies.remove()


@contextmanager
def copies_for_a_while(run: Path) -> Iterator[None]:
    """Copies that the block makes are gone when it ends well."""
    folder = copies_folder(Path(os.path.abspath(run)))
    existed = folder.exists()
    yield
    if folder.exists() and not existed:
        copies = _Copies(folder)
        with copies.used():
            copies.remove()


def _names(source: Any) -> list[Any]:
    if isinstance(source, str):
        return [source]
    return list(source) if isinstance(source, Sequence) and not isinstance(source, bytes | bytearray) else []


@dataclass
class _Copies:
    """The folder. `fetched.jsonl` in it tells of each file which one was begun and which one is whole."""

    folder: Path
    _known: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    _writing: Lock = field(default_factory=Lock)

    @contextmanager
    def used(self) -> Iterator[None]:
        """Nobody removes the copies meanwhile."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.folder / ".lock", "a")  # noqa: SIM115 - closed below
        except OSError as error:
            raise RemoteFilesError(f"cannot write {self.folder}: {error.strerror or error}") from error
        with self._lock:
            self._take(fcntl.LOCK_SH)
            yield

    def fetch(self, names: Sequence[str], has_begun: bool, told: Told) -> None:
        """Bring what is not here yet."""
        files = [file for name in names if is_remote(name) for file in find_remote(name)]
        self._read()
        gone = {address for state, address in self._known if state == "whole"} - {file.address for file in files}
        missing = [file for file in files if not self._has(file)]
        if has_begun:
            self._require_unchanged(missing, gone)
        if not missing and not gone:
            return
        with self._alone():
            for address in gone:
                (self.folder / path_below(address)).unlink(missing_ok=True)
            self._require_room(missing)
            told.total = sum(file.size for file in missing)
            log.info("fetching %d files, %s, to %s", len(missing), size_text(told.total), self.folder)
            with told:
                each(lambda file: self._bring(file, told), missing, told)

    def input(self, names: Sequence[str]) -> CopiedInput:
        """What opens them."""
        remote = [name for name in names if is_remote(name)]
        prefixes = [prefix_below(name) for name in remote]
        return CopiedInput(
            [self._here(name) if is_remote(name) else name for name in names],
            [without_password(name) if is_remote(name) else os.path.abspath(name) for name in names],
            list(dict.fromkeys((f"{self.folder}/{here}", there) for here, there in prefixes)),
        )

    def remove(self) -> None:
        """The copies go, unless another process uses them: then they are its to remove."""
        try:
            self._take(fcntl.LOCK_EX)
        except RemoteFilesError:
            return
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            log.warning("%s is of no use any more, but cannot be removed: %s", self.folder, error.strerror or error)

    def _here(self, name: str) -> str:
        """The path here of a file or folder, or the pattern that fits the copies."""
        path = str(self.folder / path_below(name))
        if Path(path).exists() or not glob.has_magic(name):
            return path
        plain = str(self.folder / path_below(folder_of_pattern(name)))
        return glob.escape(plain) + path.removeprefix(plain)

    @property
    def _log(self) -> AppendLog:
        return AppendLog(self.folder / "fetched.jsonl")

    def _read(self) -> None:
        path = self._log.path
        if path.exists():  # without the line that a kill left unfinished
            self._log.truncate(path.read_bytes().rfind(b"\n") + 1)
        for line in self._log.read():
            self._known[line["state"], line["address"]] = line["size"], line["version"]

    def _note(self, state: str, file: RemoteFile) -> None:
        with self._writing:
            self._log.append({"state": state, "address": file.address, "size": file.size, "version": file.version})

    def _has(self, file: RemoteFile) -> bool:
        path = self.folder / file.below
        return self._is(file, "whole") and path.is_file() and path.stat().st_size == file.size

    def _is(self, file: RemoteFile, state: str) -> bool:
        return self._known.get((state, file.address)) == _of(file)

    def _bring(self, file: RemoteFile, told: Told) -> None:
        path = self.folder / file.below
        goes_on = self._is(file, "begun")
        if not goes_on:
            part_of(path).unlink(missing_ok=True)
            self._note("begun", file)
        fetch(file, path, told.add, goes_on=goes_on)
        self._note("whole", file)

    def _require_unchanged(self, missing: Sequence[RemoteFile], gone: Collection[str]) -> None:
        """Of files that were whole here when the run began."""
        others = [file.address for file in missing if self._known.get(("whole", file.address), _of(file)) != _of(file)]
        for address in (*others, *gone):
            raise RemoteFilesError(
                f"'{address}' is another file now than when the run began, or gone: --overwrite begins anew, or give "
                "another directory"
            )

    def _require_room(self, files: Sequence[RemoteFile]) -> None:
        parts = [part_of(self.folder / file.below) for file in files if self._is(file, "begun")]
        needed = sum(file.size for file in files) - sum(part.stat().st_size for part in parts if part.exists())
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise RemoteFilesError(
                f"the input needs {size_text(needed)} more on the disk of {self.folder}, which has {size_text(free)} "
                "free: make room, or give a directory on another disk"
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else uses the copies meanwhile."""
        self._take(fcntl.LOCK_EX)
        try:
            yield
        finally:
            self._take(fcntl.LOCK_SH)

    def _take(self, kind: int) -> None:
        """Raises RemoteFilesError where another process has it."""
        try:
            fcntl.flock(self._lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RemoteFilesError(f"another process uses {self.folder}: wait for it") from None


def _of(file: RemoteFile) -> tuple[int, str]:
    return file.size, file.version
