"""Clients that are too many, too fast or too slow are bounded, and others are served meanwhile."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest

from da3_stream.web import Limits

from .conftest import QUICK, ask, connected, get, said, serving, status_of

ONE = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.slow
def test_a_silent_client_is_let_go_without_an_answer(server):
    with connected(server) as client:
        assert said(client) == b""


@pytest.mark.slow
def test_a_client_that_sends_a_byte_now_and_then_has_one_deadline_for_the_whole_head(server):
    began = time.monotonic()
    with connected(server) as client:
        for _ in range(40):
            try:
                client.sendall(b"G")
            except OSError:
                break
            if time.monotonic() - began > QUICK.head_s + 0.3:
                break
            time.sleep(0.05)
        answer = said(client)
    assert status_of(answer) in (400, 408)
    assert time.monotonic() - began < 3


@pytest.mark.slow
def test_headers_that_trickle_are_timed_out(server):
    with connected(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        began = time.monotonic()
        while time.monotonic() - began < QUICK.head_s + 0.3:
            try:
                client.sendall(b"X-A: b\r\n")
            except OSError:
                break
            time.sleep(0.05)
        assert status_of(said(client)) == 408


@pytest.mark.slow
def test_a_client_that_does_not_read_is_let_go_and_others_are_served(server):
    with connected(server) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert status_of(get(server)) == 200
        time.sleep(QUICK.chunk_s + 0.5)
        assert len(said(client)) < 20_000_000
        assert status_of(get(server)) == 200


def test_connections_that_only_wait_make_room_for_those_that_ask(server):
    with ExitStack() as stack:
        for _ in range(5 * QUICK.connections):
            stack.enter_context(connected(server, "127.0.0.2"))
        assert status_of(get(server)) == 200
        assert len(server.connections) <= QUICK.connections


def test_so_many_busy_connections_and_no_more():
    with serving(limits=Limits(connections=3, chunk_s=60.0, chunk_bytes=4096)) as server, ExitStack() as stack:
        for _ in range(3):
            client = stack.enter_context(connected(server))
            client.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.recv(100)
        answer = ask(server, b"")
        assert status_of(answer) == 503
        assert len(server.connections) == 3


def test_too_many_requests_of_one_address_are_told_to_wait_and_another_is_served():
    with serving(limits=Limits(requests_per_s=0.001, burst=20)) as server:
        statuses = []
        for _ in range(30):
            with connected(server, "127.0.0.2") as client:
                client.sendall(ONE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                statuses.append(status_of(said(client)))
        assert statuses == [200] * 20 + [429] * 10
        assert status_of(get(server)) == 200
        answer = ask(server, ONE * 40)  # without waiting: the first refusal ends the connection
        assert answer.count(b"HTTP/1.1 200") == 19
        assert answer.count(b"HTTP/1.1 429") == 1


def test_a_server_that_is_closed_ends_its_connections():
    with serving() as server:
        client = connected(server)
        client.sendall(ONE)
        answer = b""
        while not answer.endswith(b"the page"):
            answer += client.recv(65536)
        assert status_of(answer) == 200
    with client:
        client.settimeout(3)
        assert said(client) == b""


def test_a_machine_without_threads_to_spare_lets_a_client_go_and_serves_the_next(server, monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        assert get(server) == b""
    assert status_of(get(server)) == 200


def test_where_nobody_asks_no_thread_is_left():
    with serving() as server:
        for _ in range(3):
            assert status_of(get(server)) == 200
        until = time.monotonic() + 5
        while (left := [t for t in threading.enumerate() if t.name == "web"]) and time.monotonic() < until:
            time.sleep(0.02)
        assert left == []
        assert len(server.connections) == 0
