"""What is wrong with an engine is told in one sentence, at once."""

from __future__ import annotations

import builtins
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from da3_stream.cli.engine import choose_engine
from da3_stream.distributed import RayEngine
from da3_stream.distributed.cluster import joined
from da3_stream.errors import EngineError, SettingsError


@pytest.mark.parametrize(("address", "actors"), [("auto", None), (None, 2)])
def test_options_of_ray_need_ray(address: str | None, actors: int | None) -> None:
    with pytest.raises(SettingsError, match="go with --engine ray"):
        choose_engine("local", address, actors)


def test_without_actors_nothing_is_predicted() -> None:
    with pytest.raises(EngineError, match="one actor at least"):
        RayEngine(actors=0)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def missing(name: str, *rest: Any, **named: Any) -> Any:
        if name == "ray":
            raise ImportError("No module named 'ray'")
        return found(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(EngineError, match=r"pip install 'da3_stream\[ray\]'"), joined(None, 1):
        pass


def test_an_address_at_which_nobody_listens_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(EngineError, match=f"no cluster of Ray answers at {address}"), joined(address, 1):
            pass


def test_a_server_of_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(EngineError, match="is no cluster of Ray"), joined(f"127.0.0.1:{server.server_port}", 1):
            pass


@pytest.mark.parametrize("address", ["ray://head:10001", "head:port", ":6379", "a..b:1"])
def test_what_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(EngineError, match="address|answers"), joined(address, 1):
        pass


def test_more_actors_than_memory_are_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(EngineError, match=r"actors take .* GB before they do anything"), joined(None, 1_000_000):
        pass
