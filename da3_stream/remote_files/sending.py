"""A finished run to another machine: all of its files, and run.json last, so that what has it is whole.

`resume/sent.jsonl` of the run tells what was sent, so that the same command sends the rest. The run here stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from ..errors import Da3StreamError, RemoteFilesError
from ..machine import size_text
from ..progress import Listener, ignore
from ..store import Run, open_run
from ..store.run import whole_files
from .addresses import is_remote, protocol_of, without_password
from .asking import ask, open_filesystem
from .listing import RUN, file_info, version_of
from .transfers import Told, each

PROBE = ".da3_stream_probe"
WITHOUT_FOLDERS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "oss", "oci", "tos")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sent:
    """Where a run is now, how many files and bytes that are, and how many were sent this time."""

    address: str
    files: int
    bytes: int
    new: int

    def text(self) -> str:
        """For people."""
        before = f", {self.files - self.new} of them before" if self.new < self.files else ""
        return f"{self.address}: {self.files} files, {size_text(self.bytes)}{before}"


def require_destination(address: str, run: Path, *, overwrite: bool = False) -> None:
    """Raises RemoteFilesError, before there is a run, where it could not be sent to an address: nobody may write there,
    or the address holds something else (with `overwrite`: something that is no run)."""
    place = _Place.open(address)
    started = Run(run) if (run / RUN).is_file() else None
    place.require_own(started, overwrite)
    place.try_to_write()


def require_writable(address: str) -> None:
    """Raises RemoteFilesError where nobody may write to an address, or it cannot be listed."""
    _Place.open(address).try_to_write()


def send_files(paths: Sequence[Path], address: str) -> None:
    """Copy single files to an address, whatever is there by their names. Raises RemoteFilesError."""
    place = _Place.open(address)
    for path in paths:
        place.put(path, path.name)
        place.require_arrived(path.name, path)


def send_run(
    run_dir: Path, address: str, *, overwrite: bool = False, shown: bool = False, listener: Listener = ignore
) -> Sent:
    """Copy a finished run with its exports to an address, but for what is there since an earlier time.

    With `overwrite` it takes the place of another run. Raises RemoteFilesError with one sentence; the run here stays
    as it is, and what has arrived is not sent again.
    """
    run = open_run(run_dir)
    if (state := run.read_status()["state"]) != "finished":
        raise RemoteFilesError(
            f"{run_dir} is no finished run ({state}): finish it first, with the command that began it"
        )
    try:
        return _send(run, _Place.open(address), overwrite, Told("sending", 0, shown, listener))
    except Da3StreamError as error:
        raise RemoteFilesError(
            f"{error}; the run is whole in {run_dir}, and the same command sends the rest"
        ) from error


def _send(run: Run, place: _Place, overwrite: bool, told: Told) -> Sent:
    place.require_own(run, overwrite)
    files = {path.relative_to(run.path).as_posix(): path for path in whole_files(run)}
    record = _Record(run, place.address)
    new = [name for name, path in files.items() if not record.has(name, path, place.files.get(name))]
    extra = [name for name in place.files if name not in files and (overwrite or record.knows(name))]
    if new or extra:
        place.remove([name for name in (RUN, *extra) if name in place.files])  # what is changed is not whole meanwhile
        new = [*(name for name in new if name != RUN), RUN]
        told.total = sum(files[name].stat().st_size for name in new)
        with told:
            each(lambda name: _put(place, record, name, files[name], told), new[:-1], told)
            _put(place, record, RUN, files[RUN], told)
    return Sent(place.address, len(files), sum(path.stat().st_size for path in files.values()), len(new))


def _put(place: _Place, record: _Record, name: str, path: Path, told: Told) -> None:
    place.put(path, name, told.add)
    record.note(name, path, place.require_arrived(name, path))


@dataclass
class _Place:
    """An address that a run is sent to; `files` are those that are there, by name: size and version."""

    address: str
    filesystem: Any
    path: str
    files: Mapping[str, tuple[int, str]]

    @classmethod
    def open(cls, address: str) -> _Place:
        """Raises RemoteFilesError where it cannot be listed."""
        if not is_remote(address):
            raise RemoteFilesError(f"'{address}' is no address that can be written to: give one like s3://bucket/run")
        filesystem, path = open_filesystem(address)
        path, shown = path.rstrip("/"), without_password(address).rstrip("/")
        found = ask("cannot be listed", shown, lambda: _found(filesystem, path))
        named = {name.removeprefix(path).lstrip("/"): info for name, info in found.items()}
        files = {name: (int(info["size"]), version_of(info)) for name, info in named.items() if name}
        return cls(shown, filesystem, path, files)

    def require_own(self, run: Run | None, overwrite: bool) -> None:
        """Raises RemoteFilesError where anything but this run, or a part of it, is there."""
        if not self.files or (RUN in self.files and (overwrite or self._is_of(run))):
            return
        if RUN in self.files:
            raise RemoteFilesError(f"'{self.address}' holds another run: give another address, or --overwrite")
        own = set() if run is None else {path.relative_to(run.path).as_posix() for path in whole_files(run)}
        own |= set() if run is None else _Record(run, self.address).names
        if foreign := sorted(set(self.files) - own):
            raise RemoteFilesError(f"'{self.address}' is not empty and no run ({foreign[0]}): give another address")

    def try_to_write(self) -> None:
        """Raises RemoteFilesError where nobody may."""
        probe = f"{self.path}/{PROBE}"
        self._make_folder(probe)
        ask("cannot be written to", self.address, lambda: self.filesystem.pipe_file(probe, b"da3_stream\n"))
        ask("cannot be written to", self.address, lambda: self.filesystem.rm_file(probe))

    def put(self, path: Path, name: str, told: Callable[[int], None] = lambda count: None) -> None:
        """Send one file, and tell the bytes as they go."""
        target = f"{self.path}/{name}"
        self._make_folder(target)
        ask("cannot be written to", self.address, lambda: _put_file(self.filesystem, path, target, told))

    def remove(self, names: Collection[str]) -> None:
        """Files go."""
        for name in names:
            ask("cannot be written to", self.address, partial(self.filesystem.rm_file, f"{self.path}/{name}"))

    def require_arrived(self, name: str, path: Path) -> str:
        """The version of a file that was sent. Raises RemoteFilesError where it is not whole."""
        size, version = ask("cannot be read", self.address, lambda: file_info(self.filesystem, f"{self.path}/{name}"))
        if size != path.stat().st_size:
            raise RemoteFilesError(f"{name} has not arrived whole at '{self.address}' ({size} bytes)")
        return version

    def _make_folder(self, target: str) -> None:
        """Where the provider has folders; the others would make a bucket of a mistyped name."""
        folder = target.rpartition("/")[0]
        if protocol_of(self.address) not in WITHOUT_FOLDERS:
            ask("cannot be written to", self.address, lambda: self.filesystem.makedirs(folder, exist_ok=True))

    def _is_of(self, run: Run | None) -> bool:
        """Whether the run.json there is one of this run."""
        import json

        if run is None:
            return False
        text = ask("cannot be read", self.address, lambda: self.filesystem.cat_file(f"{self.path}/{RUN}"))
        there, here = json.loads(text), run.read_status()
        return all(there.get(key) == here.get(key) for key in ("started", "identity"))


def _put_file(filesystem: Any, path: Path, target: str, told: Callable[[int], None]) -> None:
    """Raises what the file system raises, and RemoteFilesError where the transfer was stopped."""
    from fsspec.callbacks import Callback

    class Bytes(Callback):
        """Hears of the bytes, where the file system tells them."""

        def relative_update(self, inc: int = 1) -> None:
            super().relative_update(inc)
            told(inc)

    heard = Bytes()
    filesystem.put_file(str(path), target, callback=heard)
    told(path.stat().st_size - heard.value)


def _found(filesystem: Any, path: str) -> Mapping[str, Any]:
    try:
        return filesystem.find(path, detail=True)
    except FileNotFoundError:
        return {}


@dataclass
class _Record:
    """What was sent of a run to an address: which state of a file here, and which version it got there."""

    run: Run
    address: str
    _sent: dict[str, Sequence[Any]] = field(default_factory=dict)
    _writing: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        log = self.run.sent
        if log.path.exists():  # without the line that a kill left unfinished
            log.truncate(log.path.read_bytes().rfind(b"\n") + 1)
        self._sent = {line["name"]: line["state"] for line in log.read() if line["address"] == self.address}

    @property
    def names(self) -> set[str]:
        """Of all files that were sent."""
        return set(self._sent)

    def knows(self, name: str) -> bool:
        """Whether a file of this name was sent."""
        return name in self._sent

    def has(self, name: str, path: Path, there: tuple[int, str] | None) -> bool:
        """Whether the file that is there is the one here."""
        size, changed = _state(path)
        return there is not None and there[0] == size and list(self._sent.get(name, ())) == [size, changed, there[1]]

    def note(self, name: str, path: Path, version: str) -> None:
        """A file has arrived."""
        with self._writing:
            self.run.sent.append({"address": self.address, "name": name, "state": [*_state(path), version]})


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
