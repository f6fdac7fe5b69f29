"""Addresses of remote files: which text is one, and what stands in it."""

from __future__ import annotations

import glob
import re
from pathlib import PurePosixPath
from typing import Any

from ..errors import RemoteFilesError

_ADDRESS = re.compile(r"(?P<protocol>[a-z][a-z0-9+.-]*)://(?P<rest>.+)", re.IGNORECASE | re.DOTALL)
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")
STREAMS = ("http", "https")  # fsspec would read them; here they are streams, which are not copied (frames/sources/live)


def is_remote(name: Any) -> bool:
    """Whether a name is the address of files that fsspec reads, and no live stream."""
    found = _ADDRESS.fullmatch(name) if isinstance(name, str) else None
    return found is not None and _protocol(found) not in STREAMS and _is_known(_protocol(found))


def protocol_of(address: str) -> str:
    """`s3` of `s3://bucket/drive.mp4`."""
    return address.partition("://")[0].lower()


def without_password(address: str) -> str:
    """The address, fit for messages and files."""
    return _PASSWORD.sub(r"\1@", address)


def path_below(address: str) -> PurePosixPath:
    """A relative path that no two addresses share: `s3/bucket/drive.mp4`.

    Raises RemoteFilesError for a part that leads upwards.
    """
    protocol, _, rest = without_password(address).partition("://")
    parts = [part for part in rest.split("/") if part]
    if ".." in parts or "." in parts:
        raise RemoteFilesError(f"'{without_password(address)}' has a part '.' or '..', which is no name: leave it out")
    return PurePosixPath(protocol.lower(), *parts)


def prefix_below(address: str) -> tuple[str, str]:
    """What the address begins with, in `path_below` and in itself."""
    protocol, _, rest = address.partition("://")
    return f"{protocol.lower()}/", f"{protocol}://{'/' * rest.startswith('/')}"


def folder_of_pattern(address: str) -> str:
    """The address of the folder below which a pattern looks: all parts before the first with `*`, `?` or `[`."""
    protocol, _, rest = address.partition("://")
    parts = rest.split("/")
    plain = next((k for k, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return f"{protocol}://{'/'.join(parts[:plain])}"


def _protocol(found: re.Match[str]) -> str:
    return found["protocol"].lower()


def _is_known(protocol: str) -> bool:
    from fsspec.registry import known_implementations, registry

    return protocol in known_implementations or protocol in registry
