"""Blocks that are cut hold the first points of the node (an even sample), and those of frames that are shown."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.export.page.blocks import cut_block, cut_node


def block(points: int, rows: int = 5) -> tuple[bytes, np.ndarray, np.ndarray]:
    random = np.random.default_rng(points)
    place = random.integers(0, 65536, (points, 4)).astype("<u2")
    place[:, 3] = np.arange(points) % rows
    colour = random.integers(0, 256, (points, 4)).astype(np.uint8)
    return place.tobytes() + colour.tobytes(), place, colour


@given(st.integers(1, 500), st.data())
def test_points_are_whole_and_the_first_ones_of_the_node(points: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, points))
    body, place, colour = block(points)
    cut, kept = cut_block(body, count, np.ones(5, bool))
    assert kept == count
    found_place = np.frombuffer(cut, "<u2", 4 * count).reshape(-1, 4)
    found_colour = np.frombuffer(cut, np.uint8, offset=8 * count).reshape(-1, 4)
    assert np.array_equal(found_place, place[:count]) and np.array_equal(found_colour, colour[:count])


def test_a_whole_block_stays_as_it_is() -> None:
    body, _, _ = block(123)
    assert cut_block(body, 123, np.ones(5, bool)) == (body, 123)


def test_points_of_other_frames_are_left_out() -> None:
    body, place, colour = block(100)
    shown = np.array([True, False, False, True, False])
    cut, count = cut_block(body, 100, shown)
    kept = np.isin(place[:, 3], [0, 3])
    assert cut == place[kept].tobytes() + colour[kept].tobytes() and kept.sum() == count == 40


def test_spacing_grows_as_points_on_a_surface_get_fewer() -> None:
    node = {"key": "r", "points": 400, "offset": 7, "spacing": 0.5, "level": 0}
    assert cut_node(node, 100, 24) == {**node, "points": 100, "offset": 24, "spacing": 1.0}
    assert cut_node(node, 400, 7) == node
