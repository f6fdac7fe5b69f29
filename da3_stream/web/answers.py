"""What is sent back, and the headers that stand on everything."""

from __future__ import annotations

import gzip
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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

_GZIP_LEVEL = 1  # 6 takes two to eight times as long, for a tenth less or nothing
_LEAST_COMPRESSED = 512  # bytes
_NO_WEIGHT = re.compile(r"q=0(\.0{0,3})?")


class RefusedError(Exception):
    """A request that is not answered as it was meant: the status, one sentence, and further headers."""

    def __init__(self, status: HTTPStatus, why: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.status, self.why, self.headers = status, why, dict(headers or {})


@dataclass(frozen=True)
class Answer:
    """The body is bytes, or a file that the server closes, of which `length` bytes are sent.

    What is compressible is compressed where the client takes it: for bodies that hold nothing secret, since their size
    tells what repeats in them.
    """

    body: bytes | BinaryIO
    kind: str  # Content-Type
    length: int
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)  # replace those of SECURITY
    compressible: bool = False

    @staticmethod
    def of_bytes(body: bytes, kind: str = "application/octet-stream", **headers: str) -> Answer:
        """A body in memory; a header's name has underscores for hyphens."""
        return Answer(body, kind, len(body), headers={_name(key): value for key, value in headers.items()})

    @staticmethod
    def of_compressible(body: bytes, kind: str = "application/octet-stream") -> Answer:
        """A body in memory that repeats itself and holds nothing secret."""
        return replace(Answer.of_bytes(body, kind), compressible=True)

    @staticmethod
    def of_json(value: Any) -> Answer:
        """Strict JSON. Raises ValueError for NaN."""
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
        return Answer.of_compressible(text.encode(), "application/json")

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

    def for_client(self, accepted: str) -> Answer:
        """As it is sent to a client with this Accept-Encoding: gzip (RFC 1952) where that is allowed and shorter."""
        if not self.compressible or not isinstance(self.body, bytes):
            return self
        headers = {**self.headers, "Vary": "Accept-Encoding"}
        if takes_gzip(accepted) and len(self.body) >= _LEAST_COMPRESSED:
            packed = gzip.compress(self.body, _GZIP_LEVEL, mtime=0)
            if len(packed) < len(self.body):
                return replace(self, body=packed, length=len(packed), headers={**headers, "Content-Encoding": "gzip"})
        return replace(self, headers=headers)

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


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding (RFC 9110, 12.5.3) names gzip, or all, and not with the weight 0."""
    weights: dict[str, str] = {}
    for part in accepted.lower().split(","):
        name, _, parameters = part.partition(";")
        weights[name.strip()] = parameters.replace(" ", "").replace("\t", "")
    weight = weights.get("gzip", weights.get("*"))
    return weight is not None and _NO_WEIGHT.fullmatch(weight) is None


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
