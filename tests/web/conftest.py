"""A server of three plain routes on this machine, and clients that say what they like, byte by byte."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from http import HTTPStatus

import pytest

from da3_stream.errors import StoreError
from da3_stream.web import Answer, Limits, RefusedError, Server

QUICK = Limits(head_s=0.4, idle_s=1.0, chunk_s=0.5, chunk_bytes=4096, connections=8)


def _missing(request):
    raise StoreError("a file is being written")


def _bug(request):
    raise ZeroDivisionError


ROUTES = {
    "": lambda request: Answer.of_bytes(b"the page", "text/plain"),
    "large": lambda request: Answer.of_bytes(bytes(20_000_000)),
    "number": lambda request: Answer.of_json(request.number("n", most=100)),
    "later": _missing,
    "bug": _bug,
    "named": lambda request: Answer.of_json([*request.segments]),
    "refused": lambda request: (_ for _ in ()).throw(RefusedError(HTTPStatus.GONE, "gone")),
}


@contextmanager
def serving(**options):
    """A server that answers as long as the block lasts."""
    with Server(ROUTES, **{"limits": QUICK, **options}) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server():
    with serving() as server:
        yield server


def connected(server, source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", server.port), timeout=5, source_address=(source, 0))


def said(client):
    """All that comes until the server ends the connection."""
    parts = []
    with suppress(ConnectionError):
        while data := client.recv(65536):
            parts.append(data)
    return b"".join(parts)


def ask(server, data):
    """The answer to these bytes, whatever they are: "{port}" in them is the server's."""
    with connected(server) as client:
        with suppress(OSError):  # a server that refuses does not read to the end
            client.sendall(data.replace(b"{port}", str(server.port).encode()))
        return said(client)


def status_of(answer):
    assert answer.startswith(b"HTTP/1.1 "), answer[:80]
    return int(answer[9:12])


def get(server, path="/", *headers, host="127.0.0.1:{port}", method="GET", version="1.1"):
    """A plain request with further header lines, whose connection ends with it."""
    lines = [f"{method} {path} HTTP/{version}", f"Host: {host}", "Connection: close", *headers]
    return ask(server, ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
