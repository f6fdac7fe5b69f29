"""Windows become submaps: chained, cut at breaks, begun anew, joined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.geometry import Sim3
from da3_stream.posegraph import Edge
from da3_stream.slam.chain import SubmapChain
from da3_stream.slam.splitting import SubmapGeometry, split
from da3_stream.slam.update import Event
from da3_stream.store import Scene
from da3_stream.types import Frame, Status, WindowGeometry
from da3_stream.windows import Window
from tests.worlds.street import street_window, world_from_camera


def window_of(geometry: WindowGeometry, owned: range) -> Window[Frame]:
    frames = tuple(Frame(int(i), 0.0, geometry.images[0], "") for i in geometry.frame_indices)
    start = int(geometry.frame_indices[0])
    return Window(0, frames, start, range(start + owned.start, start + owned.stop))


def part(first: int, end: int, unit: float = 1.0) -> SubmapGeometry:
    return SubmapGeometry(street_window(first, end, unit), np.ones(end - first, bool))


class Map:
    """A scene that a chain adds windows to, with all that it said of them."""

    def __init__(self, max_shared: int | None = None) -> None:
        self.scene, self.chain = Scene(), SubmapChain(max_shared)
        self.edges: list[Edge] = []
        self.events: list[Event] = []

    def add_window(self, number: int, parts: list[SubmapGeometry]) -> list[int]:
        update = self.chain.add_window(self.scene, number, parts)
        self.scene = update.scene
        self.edges += update.edges
        self.events += update.events
        return list(update.submap_ids)


def true_place(first: int, unit: float) -> Sim3:
    return Sim3.from_matrix(world_from_camera(first) @ np.diag([unit] * 3 + [1.0]))


def test_a_chain_of_windows_lies_where_it_should() -> None:
    chain = Map()
    for number, (first, unit) in enumerate(((0, 1.0), (8, 0.5), (16, 2.5))):
        assert chain.add_window(number, [part(first, first + 12, unit)]) == [number]
        place = chain.scene.submaps[number].world_from_window
        np.testing.assert_allclose(place.matrix(), true_place(first, unit).matrix(), atol=1e-6)
    assert [submap.previous for submap in chain.scene.submaps] == [None, 0, 1]


@pytest.mark.parametrize("breaks", [(), (4,), (3, 9), (0, 12), (11,)])
def test_parts_own_every_owned_frame_exactly_once(breaks: tuple[int, ...]) -> None:
    geometry = replace(street_window(8, 20), breaks=breaks)
    parts = split(window_of(geometry, range(2, 10)), geometry)
    owned = np.concatenate([p.geometry.frame_indices[p.owned] for p in parts])
    assert owned.tolist() == list(range(10, 18))
    assert all(p.owned.any() for p in parts)


def test_a_failed_window_is_one_part_without_poses() -> None:
    geometry = replace(street_window(0, 12), status=Status.FAILED, breaks=(4,))
    (only,) = split(window_of(geometry, range(12)), geometry)
    assert np.isnan(only.geometry.window_from_camera).all() and not only.geometry.depth.any()


def test_an_untied_window_goes_on_from_the_last_camera_with_the_same_median_depth() -> None:
    chain = Map()
    chain.add_window(0, [part(0, 12)])
    chain.add_window(1, [part(20, 32, unit=5.0)])
    submap = chain.scene.submaps[1]
    assert submap.segment == 1 and submap.previous is None
    np.testing.assert_allclose(submap.world_from_window.rigid(), world_from_camera(11), atol=1e-12)
    medians = [np.median(w.depth[w.depth > 0]) for w in (street_window(0, 12), street_window(20, 32, 5.0))]
    assert submap.world_from_window.scale == pytest.approx(medians[0] / medians[1])


def test_the_surest_tie_decides_and_the_most_shared_frames_among_equals() -> None:
    chain = Map()
    chain.add_window(0, [part(0, 5), part(5, 12)])
    chain.add_window(1, [part(2, 14)])
    assert chain.scene.submaps[2].previous == 1  # seven shared frames, not three


@pytest.mark.parametrize(("left", "right"), [((0, 5), (5, 12)), ((0, 8), (8, 12))])
def test_a_window_that_spans_a_break_joins_the_segments_and_truth_comes_out(
    left: tuple[int, int], right: tuple[int, int]
) -> None:
    chain = Map()
    chain.add_window(0, [part(*left), part(*right, unit=3.0)])
    assert chain.scene.segments() == (0, 1)
    chain.add_window(1, [part(2, 14, unit=0.5)])
    assert chain.scene.segments() == (0,)
    for number, (first, unit) in enumerate(((left[0], 1.0), (right[0], 3.0), (2, 0.5))):
        place = chain.scene.submaps[number].world_from_window
        np.testing.assert_allclose(place.matrix(), true_place(first, unit).matrix(), atol=1e-5)


def test_after_segments_were_joined_a_new_one_gets_a_new_number() -> None:
    chain = Map()
    chain.add_window(0, [part(0, 5), part(5, 12)])
    chain.add_window(1, [part(2, 14)])
    chain.add_window(2, [part(40, 52)])
    assert chain.scene.submaps[-1].segment == 2


def test_the_events_tell_what_happened_once() -> None:
    chain = Map()
    chain.add_window(0, [part(0, 12)])
    chain.add_window(1, [part(8, 20)])
    assert [event.kind for event in chain.events] == ["segment", "alignment"]


def test_windows_that_share_frames_at_distance_two_are_tied_too() -> None:
    chain = Map(9)
    for number, first in enumerate((0, 3, 6, 9)):
        chain.add_window(number, [part(first, first + 12, 1.0 + 0.5 * number)])
    edges = chain.edges
    assert [(edge.a, edge.b) for edge in edges] == [(0, 1), (1, 2), (0, 2), (2, 3), (0, 3), (1, 3)]
    for edge in edges:
        a, b = (true_place(3 * k, 1.0 + 0.5 * k) for k in (edge.a, edge.b))
        np.testing.assert_allclose(edge.a_from_b.matrix(), (a.inverse() @ b).matrix(), atol=1e-4)


def test_a_chain_with_usual_overlaps_has_one_edge_a_window() -> None:
    chain = Map(6)
    for number, first in enumerate((0, 8, 16)):
        chain.add_window(number, [part(first, first + 12)])
    assert [(edge.a, edge.b) for edge in chain.edges] == [(0, 1), (1, 2)]
