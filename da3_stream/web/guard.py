"""Who is answered: requests that name this server as their host, come from its own pages, and know the token.

A page of anywhere can make a browser send requests to 127.0.0.1, and can give its own name that address afterwards
(DNS rebinding). So Host must be a name of this machine's own, Origin must be the same host, and Sec-Fetch-Site, where
a browser tells it, must not be another site's. On an address that others can reach a token is asked for: it stands in
the link once and is exchanged for a cookie.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import socket
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from ..errors import WebError
from .answers import Answer, RefusedError
from .requests import Request

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_ONCE_MORE = b'<!DOCTYPE html><meta http-equiv="refresh" content="0;url=/">'
_MOST_TOKEN = 256
_TOKEN = re.compile(rf"[^\\]{{1,{_MOST_TOKEN}}}")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Guard:
    """What it lets through. The port of a Host does not matter: a tunnel (`ssh -L`) has its own."""

    names: frozenset[str]
    token: str | None = None  # None: nobody is asked for one
    any_address: bool = False  # whether any numeric address is a name, too: it cannot be rebound
    cookie: str = "da3_view"

    def check(self, request: Request) -> Answer | None:
        """An answer where the token is to be exchanged for a cookie, None where the request may go on.

        Raises RefusedError for whoever must not be answered.
        """
        host = request.headers.get("host", "")
        self._check_host(host)
        self._check_origin(request, host)
        if self.token is None:
            return None
        if request.segments == ("",) and "token" in request.query:
            return self._exchange(request.query["token"])
        if not _same(_cookie_of(request, self.cookie), self._secret()):
            if _follows_link(request):
                return Answer.of_bytes(_ONCE_MORE, "text/html; charset=utf-8")
            raise RefusedError(
                HTTPStatus.UNAUTHORIZED, "open the link that 'da3-stream view' printed: it holds a token"
            )
        return None

    def _check_host(self, host: str) -> None:
        match = _HOST.fullmatch(host)
        if match is None:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "Host is missing or no name")
        name = match[1].strip("[]").lower()
        if name not in self.names and not (self.any_address and _is_address(name)):
            raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST, "this server has another name")

    def _check_origin(self, request: Request, host: str) -> None:
        origin = request.headers.get("origin")
        if origin is not None and not _is_origin_of(origin, host):
            raise RefusedError(HTTPStatus.FORBIDDEN, "another site's page may not ask this server")
        site = request.headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") and not _follows_link(request):
            raise RefusedError(HTTPStatus.FORBIDDEN, "another site's page may not ask this server")

    def _exchange(self, token: str) -> Answer:
        if not _same(token, self.token or ""):
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "this token is not the one that 'da3-stream view' printed")
        cookie = f"{self.cookie}={self._secret()}; HttpOnly; SameSite=Strict; Path=/"
        return Answer.empty(HTTPStatus.SEE_OTHER, {"Location": "/", "Set-Cookie": cookie})

    def _secret(self) -> str:
        """What the cookie holds: not the token, and the same when the server is started with it again."""
        return hmac.new((self.token or "").encode(), b"da3_stream cookie", hashlib.sha256).hexdigest()


def guard_for(host: str, port: int, address: str, token: str | None = None) -> Guard:
    """The guard of a server that was asked to listen on `host` and does so on a numeric `address` and a port.

    A token is made up where others can reach it; the name of its cookie has the port, since browsers send cookies of
    a host to all of its ports. Raises WebError for a token that no link could hold.
    """
    if token is not None and not (_TOKEN.fullmatch(token) and token.isprintable()):
        raise WebError(f"a token has 1 to {_MOST_TOKEN} printable characters, none of them a backslash")
    if ip_address(address).is_loopback:
        return Guard(LOCAL_NAMES | {host.lower()}, token, cookie=f"da3_view_{port}")
    machine = socket.gethostname().lower()
    names = LOCAL_NAMES | {host.lower(), address, machine, f"{machine}.local"}
    return Guard(names, token or secrets.token_urlsafe(24), any_address=True, cookie=f"da3_view_{port}")


def link(guard: Guard, host: str, port: int) -> str:
    """What people open."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={quote(guard.token, safe='')}" if guard.token else "")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_origin_of(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and origin.lower() == f"{parts.scheme}://{host}".lower()


def _follows_link(request: Request) -> bool:
    """Whether somebody followed a link of another site to the page itself, which shows nothing to that site. A browser
    sends no SameSite=Strict cookie then: the page has to be opened once more, from here."""
    asked = [request.headers.get(f"sec-fetch-{name}") for name in ("site", "mode", "dest")]
    from_elsewhere = asked[0] in ("same-site", "cross-site")
    return request.segments == ("",) and from_elsewhere and asked[1:] == ["navigate", "document"]


def _cookie_of(request: Request, name: str) -> str:
    pairs = (part.strip().partition("=") for part in request.headers.get("cookie", "").split(";"))
    return next((value for key, _, value in pairs if key == name), "")


def _same(told: str, expected: str) -> bool:
    """In a time that tells nothing of either."""
    return hmac.compare_digest(hashlib.sha256(told.encode()).digest(), hashlib.sha256(expected.encode()).digest())
