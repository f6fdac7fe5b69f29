"""Where a server listens."""

from __future__ import annotations

import socket

from ..errors import WebError


def listening_address(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    """Family and numeric address of a host that people name. Raises WebError where there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise WebError(f"{host!r} is no address of this machine: {why}; give --host 127.0.0.1 or 0.0.0.0") from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, _, _, _, address = found[0]
    return family, str(address[0])
