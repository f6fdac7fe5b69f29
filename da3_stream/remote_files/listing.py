"""Which files an address stands for: one file, those of a folder, or those that a pattern fits."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from ..errors import RemoteFilesError
from .addresses import folder_of_pattern, path_below, without_password
from .asking import ask, open_filesystem

RUN = "run.json"  # what a folder that holds it is
# What providers call the property that changes with a file's bytes; the first that is there counts.
VERSIONS = ("etag", "md5hash", "content_md5", "generation", "mtime", "last_modified", "lastmodified", "modified")
VERSIONS_TOO = ("updated", "created", "modifytime", "modificationtime")


@dataclass(frozen=True)
class RemoteFile:
    """A file: its address, its path in the file system, its size in bytes, and what tells it from a later one of the
    same size ("" where the provider tells nothing); `below` is its path in the folder of copies."""

    filesystem: Any
    path: str
    address: str
    below: PurePosixPath
    size: int
    version: str


def find_remote(address: str) -> list[RemoteFile]:
    """The files that an address stands for, by path. Of a folder these are all below it, but for hidden ones and run
    directories.

    Raises RemoteFilesError where there is none.
    """
    filesystem, path = open_filesystem(address)
    info = ask("cannot be read", address, lambda: _info(filesystem, path))
    if info is not None and info["type"] != "directory":
        return [_remote_file(filesystem, address.rstrip("/"), path, info)]
    if info is not None:
        found = _below(filesystem, address, path)
        base, base_address = path, address
    elif glob.has_magic(address):
        base_address = folder_of_pattern(address)
        base = filesystem._strip_protocol(base_address)
        found = _fitting(filesystem, address, path)
    else:
        found = {}
    if not found:
        shown = without_password(address)
        raise RemoteFilesError(f"there is no file '{shown}', and none below it: check the address")
    return [
        _remote_file(filesystem, f"{base_address.rstrip('/')}/{_relative(name, base)}", name, found[name])
        for name in sorted(found)
    ]


def version_of(info: Mapping[str, Any]) -> str:
    """What changes when the file does."""
    known = {str(key).lower(): value for key, value in info.items() if value is not None}
    value = next((known[name] for name in (*VERSIONS, *VERSIONS_TOO) if name in known), "")
    return str(value.timestamp() if isinstance(value, datetime) else value)  # lists of fsspec's memory have numbers


def file_info(filesystem: Any, path: str) -> tuple[int, str]:
    """Size and version of a file as they are now. Raises what the file system raises."""
    filesystem.invalidate_cache()
    info = filesystem.info(path)
    return int(info["size"]), version_of(info)


def _info(filesystem: Any, path: str) -> Mapping[str, Any] | None:
    try:
        return filesystem.info(path)
    except FileNotFoundError:
        return None


def _below(filesystem: Any, address: str, path: str) -> dict[str, Any]:
    return _footage(ask("cannot be listed", address, lambda: filesystem.find(path, detail=True)), path)


def _fitting(filesystem: Any, address: str, path: str) -> dict[str, Any]:
    """The files that a pattern fits, and those below the folders that it fits."""
    found: dict[str, Any] = {}
    for name, info in ask("cannot be listed", address, lambda: filesystem.glob(path, detail=True)).items():
        found |= _below(filesystem, address, name) if info["type"] == "directory" else {name: info}
    return found


def _footage(files: Mapping[str, Any], base: str) -> dict[str, Any]:
    runs = {PurePosixPath(name).parent for name in files if name.rpartition("/")[2] == RUN}
    return {name: info for name, info in files.items() if not _is_left_out(PurePosixPath(name), base, runs)}


def _is_left_out(path: PurePosixPath, base: str, runs: Iterable[PurePosixPath]) -> bool:
    hidden = any(part.startswith(".") for part in PurePosixPath(_relative(str(path), base)).parts)
    return hidden or bool(set(path.parents) & set(runs))


def _relative(path: str, base: str) -> str:
    return path.removeprefix(base.rstrip("/")).lstrip("/")


def _remote_file(filesystem: Any, address: str, path: str, info: Mapping[str, Any]) -> RemoteFile:
    if info.get("size") is None:
        raise RemoteFilesError(f"'{without_password(address)}' does not tell its size: copy it to a disk yourself")
    return RemoteFile(
        filesystem, path, without_password(address), path_below(address), int(info["size"]), version_of(info)
    )
