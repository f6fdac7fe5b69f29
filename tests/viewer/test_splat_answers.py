"""/splats/ROW gives a frame's splats as they are stored, and the state tells how many there are."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from da3_stream.splats import read_packed, read_splats, write_splats
from da3_stream.splats.packing import unpack
from da3_stream.store import Run
from tests.viewer.conftest import serving
from tests.worlds.splats import random_gaussians

SOURCE = 2  # of the street's first submap


@pytest.fixture(scope="module")
def run(street, tmp_path_factory):
    run = Run(Path(copytree(street.path, tmp_path_factory.mktemp("splats") / "run")))
    write_splats(run, 0, [(SOURCE, random_gaussians(300)), (3, random_gaussians(0))])
    return run


@pytest.fixture(scope="module")
def client(run):
    with serving(run.path) as client:
        yield client


def decoded(data, bands=8):
    """The columns of an answer by the names that `unpack` has for them."""
    count, of, degree, _ = np.frombuffer(data, "<u4", 4).tolist()
    layout = {"range": ("<f8", (6 + degree,)), "rotation": ("<u4", (count,)), "direction": ("<u2", (count, 2)),
              "depth": ("<u2", (count,)), "size": ("u1", (count, 3)), "opacity": ("u1", (count,)),
              "colour": ("u1", (count, 3)), "rest": ("i1", (count, 3, bands))}  # fmt: skip
    columns, offset = {}, 16
    for name, (dtype, shape) in layout.items():
        values = np.frombuffer(data, dtype, int(np.prod(shape)), offset)
        columns[name], offset = values.reshape(shape), offset + values.nbytes
    assert offset == len(data)
    return of, columns


def test_the_state_tells_how_many_there_are(client):
    told = [submap["splats"] for submap in client.json("/state")["submaps"]]
    assert told == [300, *[0] * (len(told) - 1)]


def test_an_answer_is_what_is_stored(run, client):
    of, columns = decoded(client.bytes(f"/splats/{SOURCE}"))
    ((source, stored),) = read_splats(run, 0)
    assert (of, source) == (300, SOURCE)
    found = unpack(columns)
    for name, values in vars(stored).items():
        assert np.array_equal(getattr(found, name), values), name


def test_fewer_are_spread_evenly_over_all(run, client):
    of, columns = decoded(client.bytes(f"/splats/{SOURCE}?most=75"))
    stored = read_packed(run, 0, SOURCE)
    assert of == 300
    assert np.array_equal(columns["depth"], stored["depth"][::4])
    assert np.array_equal(columns["rest"], stored["rest"][::4])


@pytest.mark.parametrize("row", [3, 0, 25])
def test_a_frame_without_splats_has_an_empty_answer(client, row):
    assert client.bytes(f"/splats/{row}") == bytes(16)


@pytest.mark.parametrize(
    ("path", "status"), {"/splats/28": 404, "/splats": 404, "/splats/2?most=262145": 400, "/splats/x": 404}.items()
)
def test_what_is_not_there_is_refused(client, path, status):
    assert client.get(path)[0] == status


def test_a_browser_keeps_them_only_under_their_revision(client):
    revision = client.json("/state")["submaps"][0]["splats_revision"]
    told = [client.get(f"/splats/{SOURCE}?revision={number}")[2]["Cache-Control"] for number in (1, revision)]
    assert told[0] == "no-store"
    assert "immutable" in told[1]
