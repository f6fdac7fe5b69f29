"""What is sent back, and the headers that stand on everything."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


class RefusedError(Exception):
    """A request that is not answered as it was meant: the status, one sentence, and further headers."""

    def __init__(self, status: HTTPStatus, why: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.status, self.why, self.headers = status, why, dict(headers or {})


@dataclass(frozen=True)
class Answer:
    """The body is bytes, or a file that the server closes, of which `length` bytes are sent."""

    body: bytes | BinaryIO
    kind: str  # Content-Type
    length: int
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)  # replace those of SECURITY

    @staticmethod
    def of_bytes(body: bytes, kind: str = "application/octet-stream", **headers: str) -> Answer:
        """A body in memory; a header's name has underscores for hyphens."""
        return Answer(body, kind, len(body), headers={_name(key): value for key, value in headers.items()})

    @staticmethod
    def of_json(value: Any) -> Answer:
        """Strict JSON. Raises ValueError for NaN."""
        return Answer.of_bytes(json.dumps(value, allow_nan=False, separators=(",", ":")).encode(), "application/json")

    @staticmethod
    def of_file(path: Path, kind: str = "application/octet-stream", **headers: str) -> Answer:
        """A plain file as it is now. Raises RefusedError where there is none, and for a link: it may lead anywhere."""
        try:
            file = open(path, "rb", opener=_open_plain)  # noqa: SIM115 - the server closes it
        except OSError:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such file now") from None
        length = os.fstat(file.fileno()).st_size
        return Answer(file, kind, length, headers={_name(key): value for key, value in headers.items()})

    @staticmethod
    def empty(status: HTTPStatus = HTTPStatus.NO_CONTENT, headers: Mapping[str, str] | None = None) -> Answer:
        """No body."""
        return Answer(b"", "text/plain; charset=utf-8", 0, status, headers or {})

    @staticmethod
    def refusal(refused: RefusedError) -> Answer:
        """The sentence, as text."""
        body = f"{refused.why}\n".encode()
        return Answer(body, "text/plain; charset=utf-8", len(body), refused.status, refused.headers)

    def head(self, keep_alive: bool) -> bytes:
        """Status line and headers."""
        lines = {**SECURITY, "Content-Type": self.kind, "Content-Length": str(self.length), **self.headers}
        if self.status == HTTPStatus.NO_CONTENT:
            del lines["Content-Type"], lines["Content-Length"]
        lines["Connection"] = "keep-alive" if keep_alive else "close"
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n{text}\r\n".encode("latin-1")

    def close(self) -> None:
        """Let go of the file, where it is one."""
        if not isinstance(self.body, bytes):
            self.body.close()


def _name(key: str) -> str:
    return key.replace("_", "-").title()


def _open_plain(path: str, flags: int) -> int:
    """No link is followed, and a pipe is not waited for."""
    plain = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    opened = os.open(path, flags | plain)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise FileNotFoundError(path)
    return opened
