"""What counts as a request: strictly the part of HTTP/1.1 (RFC 9112) that a browser's GET and HEAD use.

Anything else is refused instead of being guessed at: a server and a proxy that read the same bytes differently are how
requests are smuggled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from .answers import RefusedError
from .limits import Limits

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}) ([!-~]+) HTTP/([0-9])\.([0-9])")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[!-~\x80-\xff][ \t!-~\x80-\xff]*)?)")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
_ONCE = {"host", "origin", "content-length", "transfer-encoding", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"}
_MOST_FIELDS = 8  # of a query


@dataclass(frozen=True)
class Request:
    """A request that could be read; nothing is known of who sent it."""

    method: str  # GET or HEAD
    segments: tuple[str, ...]  # of the path, decoded; none of them empty but the only one of "/", no "." or ".."
    query: Mapping[str, str]
    headers: Mapping[str, str]  # by lower-case names
    keeps_alive: bool

    @property
    def path(self) -> str:
        """The path without its query, which may hold a token."""
        return "/" + "/".join(self.segments)

    def number(self, name: str, default: int | None = None, most: int = 1 << 53) -> int:
        """A whole number of the query, 0 to `most`. Raises RefusedError for anything else."""
        text = self.query.get(name)
        if text is None and default is not None:
            return default
        if text is None or not re.fullmatch(r"[0-9]{1,16}", text) or int(text) > most:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"{name}= takes a whole number from 0 to {most}")
        return int(text)

    def index(self, k: int, count: int) -> int:
        """Segment k as one of the numbers 0 to `count` - 1. Raises RefusedError (404) for anything else."""
        text = self.segments[k]
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) >= count:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"{self.segments[0]} has no such number: there are {count}")
        return int(text)


def parse_request(head: bytes, limits: Limits) -> Request:
    """The request of a head, without its empty line. Raises RefusedError for all but a plain GET or HEAD."""
    first, *lines = head.split(b"\r\n")
    method, target, minor = _request_line(first, limits)
    headers = _headers(lines, limits)
    _refuse_body(headers)
    path, _, query = target.partition("?")
    words = {word.strip().lower() for word in headers.get("connection", "").split(",")}
    keeps_alive = "close" not in words if minor else False
    return Request(method, _segments(path), _query(query), headers, keeps_alive)


def _request_line(line: bytes, limits: Limits) -> tuple[str, str, int]:
    """Method, target and minor version."""
    if len(line) > limits.line_bytes:
        raise RefusedError(HTTPStatus.REQUEST_URI_TOO_LONG, "the address is too long")
    match = _LINE.fullmatch(line)
    if match is None:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "this is no HTTP request")
    method, target, major, minor = (part.decode("ascii") for part in match.groups())
    if major != "1" or minor not in "01":
        raise RefusedError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is spoken here")
    if method not in ("GET", "HEAD"):
        raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "nothing can be changed here", {"Allow": "GET, HEAD"})
    if not target.startswith("/") or "#" in target:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "an address here begins with /")
    return method, target, int(minor)


def _headers(lines: list[bytes], limits: Limits) -> dict[str, str]:
    if len(lines) > limits.headers:
        raise RefusedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "these are too many headers")
    headers: dict[str, str] = {}
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "a header cannot be read")
        name, value = match[1].decode("ascii").lower(), match[2].decode("latin-1").rstrip(" \t")
        if name in _ONCE and name in headers:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"{name} is there twice")
        between = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{between}{value}" if name in headers else value
    return headers


def _refuse_body(headers: Mapping[str, str]) -> None:
    if "transfer-encoding" in headers:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "a request here has no body")
    length = headers.get("content-length", "0")
    if not re.fullmatch(r"[0-9]+", length):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "Content-Length is no number")
    if length.strip("0"):
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a request here has no body")
    if "expect" in headers:
        raise RefusedError(HTTPStatus.EXPECTATION_FAILED, "nothing is expected of this server")


def _segments(path: str) -> tuple[str, ...]:
    segments = tuple(_decoded(part) for part in path[1:].split("/"))
    unplain = len(segments) > 1 and "" in segments
    if unplain or any(segment in (".", "..") or "/" in segment for segment in segments):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the path is not plain")
    return segments


def _query(text: str) -> dict[str, str]:
    fields = [part.partition("=") for part in text.split("&") if part]
    if len(fields) > _MOST_FIELDS:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the query has too many fields")
    query = {_decoded(name): _decoded(value.replace("+", " ")) for name, _, value in fields}
    if len(query) != len(fields):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the query has a field twice")
    return query


def _decoded(text: str) -> str:
    """Percent-decoded once, as UTF-8 without control characters."""
    try:
        decoded = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        decoded = "\0"
    if _PERCENT.search(text) or _CONTROL.search(decoded):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the address holds bytes that are no text")
    return decoded
