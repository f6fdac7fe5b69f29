"""An S3 server on this machine (moto), which counts what it is asked for and fails where it is told to."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any

Fault = Callable[[str, str], bool]  # (method, key): whether a request is not answered


@dataclass
class S3Server:
    """`got` and `put` are the bytes of objects that were read and written, `puts` the keys that were written."""

    address: str
    filesystem: Any
    got: int = 0
    put: int = 0
    puts: list[str] = field(default_factory=list)
    gets: int = 0
    fails: Fault = lambda method, key: False
    seen: Callable[[str, str], None] = lambda method, key: None
    _lock: Lock = field(default_factory=Lock)

    def forget(self) -> None:
        """Count anew, and fail no more."""
        self.got, self.put, self.puts, self.gets = 0, 0, [], 0
        self.fails, self.seen = (lambda method, key: False), (lambda method, key: None)

    def count(self, method: str, key: str, sent: int, received: int) -> None:
        """A request was answered."""
        with self._lock:
            if method == "GET" and "?" not in key:
                self.got, self.gets = self.got + sent, self.gets + 1
            if method in ("PUT", "POST") and received:
                self.put += received
                self.puts.append(key)


@contextmanager
def s3_server(bucket: str) -> Iterator[S3Server]:
    """A server with an empty bucket; the environment's variables lead this process and its children to it."""
    import s3fs
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    answers = DomainDispatcherApplication(create_backend_app)
    server: list[S3Server] = []
    http = make_server("127.0.0.1", 0, lambda *asked: _answer(server[0], answers, *asked), threaded=True)
    address = f"http://127.0.0.1:{http.server_port}"
    os.environ |= {"AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    filesystem = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
    server.append(S3Server(address, filesystem))
    thread = Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        filesystem.mkdir(bucket)
        yield server[0]
    finally:
        http.shutdown()
        thread.join()


def _answer(server: S3Server, answers: Any, around: dict[str, Any], begin: Callable[..., Any]) -> Iterable[bytes]:
    """One request by WSGI, counted, or refused."""
    method, query = around["REQUEST_METHOD"], around.get("QUERY_STRING", "")
    key = around["PATH_INFO"] + ("?" if query and "x-id" not in query else "")
    server.seen(method, key)
    if server.fails(method, key):
        begin("503 Slow Down", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return [b""]
    body = b"".join(answers(around, begin))
    server.count(method, key, len(body), int(around.get("CONTENT_LENGTH") or 0))
    return [body]
