"""The command `view`: a server for one run, until it is stopped."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

from ..errors import StoreError, WebError
from ..store import open_run
from ..web import Server
from .routes import PageRoutes
from .run_view import RunView

_ASLEEP_S = 3600.0  # the server wakes up for requests, and so often for nothing


def require_run(path: Path, may_come: bool) -> None:
    """Raises StoreError where there is no run, unless one may still come into a new or an empty directory."""
    if not (path / "run.json").exists() and may_come:
        if path.exists() and not path.is_dir():
            raise StoreError(f"{path} is a file: give the directory of a run")
        return
    if not path.exists():
        raise StoreError(f"there is no run directory {path} (--wait: wait for one)")
    open_run(path)


@contextmanager
def view_server(
    path: Path,
    host: str = "127.0.0.1",
    ports: Sequence[int] = (0,),
    token: str | None = None,
    formats: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """A server of a run's page that listens on the first port that is free, and answers once it is told to
    `serve_forever`.

    Raises WebError where it cannot listen.
    """
    with RunView(path, formats) as view, _listen(PageRoutes(view), host, ports, token) as server:
        yield server


def _listen(routes: PageRoutes, host: str, ports: Sequence[int], token: str | None) -> Server:
    *first, last = ports
    for port in first:
        with suppress(WebError):
            return Server(routes.table(), host, port, token)
    return Server(routes.table(), host, last, token)


def serve_until_stopped(server: Server, tell: Callable[[str], None], browser: bool) -> None:
    """Tell the link, open it in a browser where that is wanted and the server is for this machine only, and answer."""
    tell(server.link)
    if browser and ip_address(server.address).is_loopback and _has_screen():
        import webbrowser

        webbrowser.open(server.link)
    server.serve_forever(poll_interval=_ASLEEP_S)


def _has_screen() -> bool:
    """Whether a browser would open a window: a text browser would take the terminal."""
    return not sys.platform.startswith("linux") or any(os.environ.get(k) for k in ("DISPLAY", "WAYLAND_DISPLAY"))
