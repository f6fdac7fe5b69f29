"""A made-up run, and its page's server on this machine."""

from __future__ import annotations

import http.client
import json
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from da3_stream.viewer.serving import view_server
from tests.worlds.exported_run import whole_run


@pytest.fixture(scope="session")
def street(tmp_path_factory):
    """The run of the street, which no test changes."""
    return whole_run(tmp_path_factory.mktemp("viewer") / "street")


@contextmanager
def serving(path, **options):
    """A server that answers as long as the block lasts."""
    with view_server(path, **options) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield Client(server)
        finally:
            server.shutdown()
            thread.join()


class Client:
    """Asks as the page does."""

    def __init__(self, server):
        self.server = server

    def get(self, path, method="GET", **headers):
        """(status, body, headers)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def json(self, path):
        status, body, _ = self.get(path)
        assert status == 200, (path, status, body)
        return json.loads(body)

    def bytes(self, path):
        status, body, _ = self.get(path)
        assert status == 200, (path, status, body)
        return body


def decode_frames(data):
    """The columns of /frames by name."""
    count, first = np.frombuffer(data, "<u4", 2).tolist()
    columns = {"first": first}
    layout = (("time", "<f8", 1), ("source_index", "<u4", 1), ("submap", "<u4", 1), ("row_in_submap", "<u4", 1),
              ("status", "u1", 1))  # fmt: skip
    return columns | _columns(data, count, layout)


POSE_LAYOUT = (("translation", "<f8", 3), ("row", "<u4", 1), ("rotation", "<f4", 4), ("scale", "<f4", 1),
               ("confidence", "<f4", 1))  # fmt: skip


def decode_poses(data, layout=POSE_LAYOUT):
    """The columns of /poses by name; `following` is the row from which the next answer goes on."""
    revision, count, following = np.frombuffer(data, "<u4", 3).tolist()
    return {"revision": revision, "following": following} | _columns(data, count, layout)


def decode_cameras(data):
    """Those of /cameras."""
    return decode_poses(data, (*POSE_LAYOUT, ("intrinsics", "<f4", 6)))


def _columns(data, count, layout):
    found, offset = {}, 16
    for name, dtype, width in layout:
        values = np.frombuffer(data, dtype, count * width, offset)
        offset += values.nbytes
        found[name] = values if width == 1 else values.reshape(count, width)
    assert 0 <= len(data) - offset < 4
    return found
