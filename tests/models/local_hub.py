"""A hub of models on this machine, as much of its protocol as fetching needs: large files lie elsewhere, by ranges."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c" * 40
LARGE = 1 << 20  # from here on a file is stored by its sha256


@dataclass
class Hub:
    """What it holds (path "organisation/repository/file" -> bytes), how it misbehaves, what it was asked."""

    files: dict[str, bytes]
    address: str = ""
    elsewhere: str = ""  # the same by another name, as the hub keeps large files with another host
    refusal: tuple[int, dict[str, str]] | None = None  # status and headers instead of everything
    breaks_after: list[int] = field(default_factory=list)  # bytes after which the next downloads break off
    stalls_after: int | None = None  # bytes after which a download stands still
    spoilt: str = ""  # the name of a file of which other bytes are sent than were promised
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, path, range
    authorised: list[str] = field(default_factory=list)  # paths that were asked with a token
    released: threading.Event = field(default_factory=threading.Event)

    def ranges(self) -> list[str | None]:
        """The ranges of all downloads of large files."""
        return [part for method, path, part in self.asked if method == "GET" and path.startswith("/stored/")]


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub at its address."""

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address, hub.elsewhere = (f"http://{name}:{server.server_port}" for name in ("127.0.0.1", "localhost"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_HEAD(self) -> None:  # noqa: N802
        self._answer()

    def do_GET(self) -> None:  # noqa: N802
        self._answer()

    def log_message(self, *args: object) -> None:
        pass

    def _answer(self) -> None:
        hub = self.hub
        hub.asked.append((self.command, self.path, self.headers["Range"]))
        if self.headers["Authorization"]:
            hub.authorised.append(self.path)
        name = self.path.removeprefix("/stored/").removeprefix("/").replace(f"resolve/{COMMIT}/", "")
        name = name.replace("resolve/main/", "")
        if hub.refusal is not None:
            self._head(*hub.refusal)
        elif name not in hub.files:
            self._head(404, {"X-Error-Code": "RepoNotFound"})
        elif len(hub.files[name]) >= LARGE and not self.path.startswith("/stored/"):
            stored = {"X-Linked-Etag": f'"{sha256(hub.files[name])}"', "X-Linked-Size": str(len(hub.files[name]))}
            self._head(302, stored | {"X-Repo-Commit": COMMIT, "Location": f"{hub.elsewhere}/stored/{name}"})
        else:
            self._send(hub.files[name])

    def _send(self, data: bytes) -> None:
        etag = git_sha1(data)
        if self.hub.spoilt and self.path.endswith(self.hub.spoilt):
            data = bytes(len(data))
        wanted = self.headers["Range"]
        first = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        content = {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"} if wanted else {}
        length = str(len(data) - first)
        self._head(206 if wanted else 200, content | {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT}, length)
        if self.command == "GET":
            self._body(memoryview(data)[first:])

    def _body(self, data: memoryview) -> None:
        large = self.path.startswith("/stored/")
        stop = self.hub.breaks_after.pop(0) if large and self.hub.breaks_after else None
        stall = self.hub.stalls_after if large else None
        try:
            self.wfile.write(data[: stop if stop is not None else stall])
            if stall is not None:
                self.hub.released.wait()
        except OSError:
            pass  # the other side has gone

    def _head(self, status: int, headers: dict[str, str], length: str = "0") -> None:
        self.send_response(status)
        for key, value in (headers | {"Content-Length": length}).items():
            self.send_header(key, value)
        self.end_headers()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
