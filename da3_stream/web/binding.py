"""Where a server listens."""

from __future__ import annotations

import socket

from ..errors import WebError

_LAST_PORT = 65_535
_NOBODY = {4: (socket.AF_INET, "192.0.2.1"), 6: (socket.AF_INET6, "2001:db8::1")}  # RFC 5737, RFC 3849


def listening_address(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    """Family and numeric address of a host that people name. Raises WebError where there is none."""
    if not 0 <= port <= _LAST_PORT:
        raise WebError(f"cannot listen on port {port}: ports are 0 (any) to {_LAST_PORT}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise WebError(f"{host!r} is no address of this machine: {why}; give --host 127.0.0.1 or 0.0.0.0") from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, _, _, _, address = found[0]
    return family, str(address[0])


def outward_address(version: int) -> str:
    """The numeric address (IPv4 or IPv6) by which others reach this machine, its name where it has no way out. Nothing
    is sent."""
    family, somewhere = _NOBODY[version]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asked:
            asked.connect((somewhere, 9))
            return str(asked.getsockname()[0])
    except OSError:
        return socket.gethostname()
