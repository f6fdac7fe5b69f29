"""The open connections of a server: so many and no more; where all are taken, one that only waits makes room."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass


@dataclass(eq=False)
class OpenConnection:
    """A client's socket, and since when it has not asked anything (None: it is being answered)."""

    socket: socket.socket
    address: str
    idle_since: float | None


class Connections:
    """Counts for all threads of a server."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._open: list[OpenConnection] = []

    def __len__(self) -> int:
        return len(self._open)

    def add(self, client: socket.socket, address: str) -> OpenConnection | None:
        """Take one more; None where all are taken and busy."""
        connection = OpenConnection(client, address, time.monotonic())
        with self._lock:
            if len(self._open) >= self._most and not self._make_room():
                return None
            self._open.append(connection)
        return connection

    def remove(self, connection: OpenConnection) -> None:
        """It has ended; again: no harm."""
        with self._lock:
            if connection in self._open:
                self._open.remove(connection)

    def set_idle(self, connection: OpenConnection, idle: bool) -> None:
        """Whether it waits for a request to be whole, or is being answered."""
        with self._lock:
            connection.idle_since = time.monotonic() if idle else None

    def close_all(self) -> None:
        """End all of them: their threads see the end of the stream."""
        with self._lock:
            for connection in self._open:
                _end(connection.socket)

    def _make_room(self) -> bool:
        """End the one that has waited longest, of the address that holds most: it is not the others who suffer."""
        idle = [connection for connection in self._open if connection.idle_since is not None]
        if not idle:
            return False
        held = Counter(connection.address for connection in self._open)
        victim = max(idle, key=lambda one: (held[one.address], -(one.idle_since or 0.0)))
        self._open.remove(victim)
        _end(victim.socket)
        return True


def _end(client: socket.socket) -> None:
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
