"""A real run goes on, and ends with the same bytes, while a page follows it and others send what they should not."""

from __future__ import annotations

import http.client
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from da3_stream.store import RunReader
from da3_stream.viewer import run_view
from tests.worlds.street_predictor import street

from .conftest import decode_cameras, decode_frames, serving

FRAMES = 61
SAME = ("scene.json", "trajectory.tum", "trajectory.kitti", "windows/*.npz", "cloud/*.laz", "cloud/*.levels")
HOST = b"\r\nHost: localhost\r\n"
UNWELCOME = [
    (b"GET /state HTTP/1.1" + HOST + b"Origin: http://evil.example\r\n\r\n", 403),
    (b"GET /state HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    (b"GET /points/../../run.json HTTP/1.1" + HOST + b"\r\n", 400),
    (b"GET /run.json HTTP/1.1" + HOST + b"\r\n", 404),
    (b"POST /state HTTP/1.1" + HOST + b"Content-Length: 9\r\n\r\nnot a run", 405),
    (b"GET /state?since=" + b"9" * 5000 + b" HTTP/1.1" + HOST + b"\r\n", 414),
    (b"GET / HTTP/1.1" + HOST + b"X: " + b"y" * 30_000 + b"\r\n\r\n", 431),
    (bytes(range(256)), 400),
]


class InThreads:
    """Does things over and over until the block ends; what one of them raises is raised then."""

    def __init__(self, *works):
        self.stopped, self.counts, self.errors = threading.Event(), [0] * len(works), []
        self.threads = [threading.Thread(target=self._repeat, args=(k, work)) for k, work in enumerate(works)]

    def _repeat(self, k, work):
        try:
            while not self.stopped.wait(0.02):
                work()
                self.counts[k] += 1
        except Exception as error:
            self.errors.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(20)
        assert self.errors == []


def unwelcome(port):
    """A round of requests that are refused, and a silent connection."""
    silent = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=("127.0.0.2", 0))
    for data, status in UNWELCOME:
        with socket.create_connection(("127.0.0.1", port), timeout=10, source_address=("127.0.0.2", 0)) as client:
            client.sendall(data)
            answer = http.client.HTTPResponse(client)
            answer.begin()
            assert answer.status == status, data[:60]
    silent.close()


class Page:
    """Keeps the tables as a page does."""

    def __init__(self, client):
        self.client, self.rows, self.poses, self.epochs = client, 0, {}, []

    def look(self):
        state = self.client.json("/state")
        if state["epoch"] not in self.epochs:
            self.epochs.append(state["epoch"])
            self.rows, self.poses = 0, {}
        assert state["run"]["problem"] == ""
        self.rows += len(decode_frames(self.client.bytes(f"/frames?from={self.rows}"))["time"])
        moved = decode_cameras(self.client.bytes(f"/cameras?since={self.poses.get('revision', 0)}"))
        self.poses["revision"] = moved["revision"]
        self.poses |= dict(zip(moved["row"].tolist(), moved["translation"].tolist(), strict=True))
        for submap in state["submaps"][-1:]:
            self.client.json(f"/submaps/{submap['id']}")


def files(run: Path):
    return {str(path.relative_to(run)): path.read_bytes() for pattern in SAME for path in run.glob(pattern)}


@pytest.mark.slow
def test_the_run_ends_with_the_same_bytes_and_the_page_with_its_poses(tmp_path, monkeypatch):
    monkeypatch.setattr(run_view, "LOOK_S", 0.0)
    alone, watched = street(tmp_path / "alone", FRAMES), tmp_path / "watched"
    with serving(watched) as client:
        page = Page(client)
        with InThreads(page.look, lambda: unwelcome(client.server.port)) as others:
            street(watched, FRAMES)
        assert min(others.counts) >= 2
        page.look()
    assert files(watched) == files(alone)
    assert page.rows == FRAMES
    assert len(page.epochs) == 1
    expected = RunReader.open(alone).poses.world_from_camera[:, :3, 3]
    np.testing.assert_allclose([page.poses[row] for row in range(FRAMES)], expected, atol=1e-8)
