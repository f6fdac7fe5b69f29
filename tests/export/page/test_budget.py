"""A page is as dense everywhere as everywhere else, and never larger than it may be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.export.page.budget import POINT_BYTES, Chosen, SubmapNodes, choose_points
from da3_stream.export.page.document import base64_size

ENTRY = 150


def nodes(submap: int, points: list[int], spacing: list[float]) -> SubmapNodes:
    return SubmapNodes(submap, np.array(points), np.array(spacing), np.full(len(points), ENTRY))


def taken(chosen: list[Chosen]) -> int:
    """Bytes, counted from the definition."""
    return sum(base64_size(POINT_BYTES * count) + base64_size(ENTRY) for each in chosen for count in each.points)


@st.composite
def submaps(draw: st.DrawFn) -> list[SubmapNodes]:
    found = []
    for number in range(draw(st.integers(1, 6))):
        counts = draw(st.lists(st.integers(1, 20_000), min_size=1, max_size=12))
        spacing = draw(st.floats(0.01, 10.0)) / 2.0 ** np.sort(np.arange(len(counts)) // 3)
        found.append(nodes(number, counts, spacing.tolist()))
    return found


@given(submaps(), st.integers(0, 3_000_000))
def test_what_is_chosen_fits(given_submaps: list[SubmapNodes], room: int) -> None:
    assert taken(choose_points(given_submaps, room)) <= room


@given(submaps())
def test_all_is_chosen_where_all_fits(given_submaps: list[SubmapNodes]) -> None:
    room = sum(int(each.cost.sum()) for each in given_submaps)
    assert [list(each.points) for each in choose_points(given_submaps, room)] == [
        each.points.tolist() for each in given_submaps
    ]


def test_finer_nodes_come_only_after_coarser_ones_of_all_submaps() -> None:
    both = [nodes(0, [900, 900, 900], [0.4, 0.2, 0.2]), nodes(1, [900, 900, 900], [0.8, 0.4, 0.4])]
    room = 4 * (base64_size(POINT_BYTES * 900) + base64_size(ENTRY))
    assert [len(each.points) for each in choose_points(both, room)] == [1, 3]


def test_equals_are_taken_from_all_submaps_in_turn() -> None:
    alike = [nodes(number, [500] * 5, [0.4, 0.2, 0.2, 0.2, 0.2]) for number in range(3)]
    room = 9 * (base64_size(POINT_BYTES * 500) + base64_size(ENTRY))
    assert [len(each.points) for each in choose_points(alike, room)] == [3, 3, 3]


def test_roots_that_do_not_fit_are_thinned_to_one_spacing() -> None:
    many = [nodes(number, [10_000, 10_000], [spacing, spacing / 2]) for number, spacing in enumerate([0.1, 0.2] * 50)]
    room = 2_000_000
    chosen = choose_points(many, room)
    kept = np.array([sum(each.points) for each in chosen])
    spacing = np.array([0.1, 0.2] * 50) * np.sqrt(10_000 / kept)
    assert np.ptp(spacing) < 0.01 * spacing.mean() and len({len(each.points) for each in chosen}) == 1
    assert 0.97 * room < taken(chosen) <= room


@pytest.mark.parametrize("room", [0, 100])
def test_nothing_is_chosen_where_there_is_no_room(room: int) -> None:
    assert taken(choose_points([nodes(0, [1000], [0.1])], room)) == 0
    assert choose_points([], room) == []
