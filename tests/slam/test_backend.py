"""Where submaps lie by all that is known of them: loops close, scales agree, and what nothing holds stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.geometry import Sim3
from da3_stream.posegraph import Edge
from da3_stream.slam.backend import Backend
from da3_stream.store import Scene, Submap
from da3_stream.types import ScaleObservation

COUNT = 12
SURE = np.diag([1e4] * 3 + [1e6] * 3 + [1e4])


def ring(drift: float = 1.0) -> tuple[list[Sim3], Scene, list[Edge]]:
    """True places on a circle, a scene that drifts in scale, and its edges."""
    turn = 2 * np.pi / COUNT
    step = Sim3.exp(np.array([2.0, 0, 0.3, 0, turn, 0, 0]))
    true, drifted, edges = [Sim3.identity()], [Sim3.identity()], []
    for k in range(1, COUNT):
        measured = step @ Sim3(drift, np.eye(3), np.zeros(3))
        true.append(true[-1] @ step)
        drifted.append(drifted[-1] @ measured)
        edges.append(Edge(k - 1, k, measured, SURE))
    submaps = [Submap(k, 0, (10 * k, 10 * k + 12), place, k - 1 if k else None) for k, place in enumerate(drifted)]
    return true, Scene(submaps=tuple(submaps)), edges


def loop(true: list[Sim3], a: int, b: int) -> Edge:
    return Edge(a, b, true[a].inverse() @ true[b], SURE, loop=True)


def worst(scene: Scene, true: list[Sim3]) -> float:
    pairs = zip(scene.submaps, true, strict=False)
    return max(
        float(np.linalg.norm(submap.world_from_window.translation - place.translation)) for submap, place in pairs
    )


def test_a_chain_stays_where_it_is() -> None:
    _, scene, edges = ring(1.02)
    backend = Backend()
    backend.add_edges(edges)
    found = backend.optimize(scene)
    assert found.scene is scene and found.summaries == ()


def test_a_loop_takes_out_what_the_chain_drifted() -> None:
    true, scene, edges = ring(1.02)
    backend = Backend()
    backend.add_edges([*edges, loop(true, 0, COUNT - 1)])
    found = backend.optimize(scene)
    assert worst(found.scene, true) < worst(scene, true) / 3
    assert found.summaries[0]["rejected"] == [] and found.summaries[0]["converged"]
    np.testing.assert_allclose(found.scene.submaps[0].world_from_window.matrix(), np.eye(4), atol=1e-12)


def test_windows_that_know_their_scale_do_not_drift_in_it() -> None:
    true, scene, edges = ring(1.03)
    backend = Backend()
    backend.add_edges(edges)
    backend.set_scales(
        [ScaleObservation(k, float(np.log(0.5)), 0.001, "made up", absolute=False) for k in range(COUNT)]
    )
    found = backend.optimize(scene).scene
    scales = [submap.world_from_window.scale for submap in found.submaps]
    np.testing.assert_allclose(scales, 1.0, rtol=0.01)
    assert worst(found, true) < worst(scene, true) / 3
    assert backend.height(found) == pytest.approx(2.0, rel=0.01)  # each unit is half of it


def test_windows_come_one_by_one_as_well_as_at_once() -> None:
    true, scene, edges = ring(1.02)
    whole, growing = Backend(), Backend()
    whole.add_edges([*edges, loop(true, 0, 8)])
    at_once = whole.optimize(scene).scene
    step_by_step = replace(scene, submaps=scene.submaps[:1])
    for k in range(COUNT - 1):
        growing.add_edges(edges[k : k + 1])
        if k == 7:
            growing.add_edges([loop(true, 0, 8)])
        before = step_by_step.submaps[k].world_from_window
        new = replace(scene.submaps[k + 1], world_from_window=before @ edges[k].a_from_b)
        step_by_step = growing.optimize(step_by_step.with_submap(new)).scene
    for a, b in zip(at_once.submaps, step_by_step.submaps, strict=True):
        np.testing.assert_allclose(a.world_from_window.matrix(), b.world_from_window.matrix(), atol=1e-3)


def test_segments_do_not_move_each_other_and_submaps_without_poses_follow() -> None:
    true, scene, edges = ring(1.02)
    left_out = replace(scene.submaps[3], window=20, previous=3, previous_per_unit=1.0)
    apart = replace(scene.submaps[0], segment=1, previous=None, world_from_window=Sim3(2.0, np.eye(3), np.ones(3)))
    scene = replace(scene, submaps=(*scene.submaps, left_out, apart))
    backend = Backend()
    backend.add_edges([*edges, loop(true, 0, COUNT - 1)])
    found = backend.optimize(scene).scene
    assert found.submaps[COUNT].world_from_window is found.submaps[3].world_from_window
    assert found.submaps[COUNT + 1] is scene.submaps[COUNT + 1]


def test_observations_that_are_taken_back_do_not_count() -> None:
    _, scene, edges = ring(1.03)
    backend = Backend()
    backend.add_edges(edges)
    backend.set_scales([ScaleObservation(k, 0.0, 0.001, "made up", absolute=False) for k in range(COUNT)])
    moved = backend.optimize(scene).scene
    assert moved.submaps[-1].world_from_window.scale < 1.1 < scene.submaps[-1].world_from_window.scale
    backend.set_scales([])
    back = backend.optimize(moved).scene
    assert backend.height(back) is None
    for a, b in zip(back.submaps, scene.submaps, strict=True):
        np.testing.assert_allclose(a.world_from_window.matrix(), b.world_from_window.matrix(), atol=1e-6)


def test_segments_whose_camera_height_is_known_are_of_one_scale() -> None:
    _, scene, edges = ring()
    apart = [replace(submap, segment=int(k >= 6)) for k, submap in enumerate(scene.submaps)]
    larger = Sim3(3.0, np.eye(3), np.zeros(3))
    parted = [replace(n, world_from_window=n.world_from_window @ larger) if n.segment else n for n in apart]
    backend = Backend()
    backend.add_edges(edge for edge in edges if edge.b != 6)
    backend.set_scales([ScaleObservation(k, 0.0, 0.001, "made up", absolute=False) for k in range(COUNT)])
    found = backend.optimize(replace(scene, submaps=tuple(parted))).scene
    np.testing.assert_allclose([submap.world_from_window.scale for submap in found.submaps], 1.0, rtol=0.01)


def test_what_is_known_already_is_not_solved_again() -> None:
    true, scene, edges = ring(1.02)
    backend = Backend()
    backend.add_edges([*edges, loop(true, 0, COUNT - 1)])
    found = backend.optimize(scene)
    assert len(found.summaries) == 1 and backend.optimize(found.scene).summaries == ()


def test_a_graph_that_fails_leaves_the_map_as_it_is() -> None:
    true, scene, edges = ring(1.02)
    backend = Backend()
    backend.add_edges([*edges, replace(loop(true, 0, 5), information=np.full((7, 7), np.nan))])
    found = backend.optimize(scene)
    assert found.scene is scene and "failed" in found.summaries[0]


def test_segments_that_were_joined_are_solved_together() -> None:
    true, scene, edges = ring(1.02)
    parted = [replace(submap, segment=int(k >= 6)) for k, submap in enumerate(scene.submaps)]
    first = [edge for edge in edges if edge.b != 6]
    backend = Backend()
    backend.add_edges([*first, loop(true, 0, 5), loop(true, 6, 11)])
    apart = backend.optimize(replace(scene, submaps=tuple(parted)))
    assert [summary["segment"] for summary in apart.summaries] == [0, 1]
    backend.add_edges([edges[5], loop(true, 0, COUNT - 1)])
    together = backend.optimize(scene)
    assert [summary["nodes"] for summary in together.summaries] == [COUNT]
    assert worst(together.scene, true) < worst(scene, true) / 3


def test_windows_that_know_metres_bring_the_segment_into_metres() -> None:
    true, scene, edges = ring(1.03)
    backend = Backend()
    backend.add_edges(edges)
    in_metres = [ScaleObservation(k, float(np.log(4.0)), 0.01, "made up", absolute=True) for k in range(COUNT)]
    of_height = [ScaleObservation(k, float(np.log(2.0)), 0.01, "made up", absolute=False) for k in range(COUNT)]
    backend.set_scales(sorted([*in_metres, *of_height], key=lambda one: one.submap))
    found = backend.optimize(scene).scene
    np.testing.assert_allclose([submap.world_from_window.scale for submap in found.submaps], 4.0, rtol=0.02)
    assert backend.height(found) == pytest.approx(2.0, rel=0.02)  # half of a unit, which is four metres


def test_a_window_that_hangs_on_one_edge_is_no_reason_to_solve() -> None:
    true, scene, edges = ring(1.02)
    backend = Backend()
    backend.add_edges([*edges[:-1], loop(true, 0, 8)])
    grown = backend.optimize(replace(scene, submaps=scene.submaps[:-1])).scene.with_submap(scene.submaps[-1])
    backend.add_edges(edges[-1:])
    found = backend.optimize(grown)
    assert found.scene is grown and found.summaries == ()
    backend.add_edges([loop(true, 0, COUNT - 1)])
    assert backend.optimize(grown).summaries[0]["nodes"] == COUNT


def laps(count: int, noise: float = 1e-4) -> tuple[Scene, list[list[Edge]]]:
    """Lap after lap of the ring: the scene, and the edges of each submap, with loops to the lap before."""
    rng = np.random.default_rng(0)
    turn = 2 * np.pi / COUNT
    corner = Sim3.exp(np.array([2.0, 0, 0, 0, turn, 0, 0]))  # COUNT of them come back to the beginning
    places, edges = [Sim3.identity()], [[]]
    for k in range(1, count):
        places.append(places[-1] @ corner)
        new = [Edge(k - 1, k, corner @ Sim3.exp(rng.normal(0, noise, 7)), SURE)]
        if k >= COUNT:
            back = places[k - COUNT].inverse() @ places[k]
            new.append(Edge(k - COUNT, k, back @ Sim3.exp(rng.normal(0, noise, 7)), SURE, loop=True))
        edges.append(new)
    submaps = [Submap(k, 0, (k, k + 1), place, k - 1 if k else None) for k, place in enumerate(places)]
    return Scene(submaps=tuple(submaps)), edges


def begun(scene: Scene, edges: list[list[Edge]], count: int) -> tuple[Backend, Scene]:
    backend = Backend()
    backend.add_edges([edge for new in edges[:count] for edge in new])
    return backend, backend.optimize(replace(scene, submaps=scene.submaps[:count])).scene


@pytest.mark.slow
def test_what_agrees_with_a_large_graph_waits_but_not_for_long_and_not_at_the_end() -> None:
    scene, edges = laps(340)
    backend, grown = begun(scene, edges, 330)
    solved = []
    for k in range(330, 340):
        place = grown.submaps[-1].world_from_window @ edges[k][0].a_from_b
        grown = grown.with_submap(replace(scene.submaps[k], world_from_window=place))
        backend.add_edges(edges[k])
        found = backend.optimize(grown)
        solved.append(bool(found.summaries))
        grown = found.scene
    assert solved == [False, False, False, True] * 2 + [False, False]
    assert backend.optimize(grown, last=True).summaries[0]["nodes"] == 340
    assert backend.optimize(grown, last=True).summaries == ()


@pytest.mark.slow
def test_what_surprises_does_not_wait() -> None:
    scene, edges = laps(331)
    backend, grown = begun(scene, edges, 330)
    grown = grown.with_submap(
        replace(scene.submaps[330], world_from_window=grown.submaps[-1].world_from_window @ edges[330][0].a_from_b)
    )
    backend.add_edges(edges[330][:1])
    moved = edges[330][1].a_from_b @ Sim3.exp(np.array([0.1, 0, 0, 0, 0, 0, 0]))
    backend.add_edges([replace(edges[330][1], a_from_b=moved)])
    assert backend.optimize(grown).summaries


@pytest.mark.slow
def test_what_waits_is_not_forgotten_by_a_resumed_run() -> None:
    scene, edges = laps(332)
    backend, grown = begun(scene, edges, 330)
    grown = grown.with_submap(
        replace(scene.submaps[330], world_from_window=grown.submaps[-1].world_from_window @ edges[330][0].a_from_b)
    )
    backend.add_edges(edges[330])
    assert backend.optimize(grown).summaries == ()
    again = Backend()
    again.restore(backend.state(), [edge for added in edges[:331] for edge in added], [], grown)
    whole, resumed = backend.optimize(grown, last=True), again.optimize(grown, last=True)
    assert whole.summaries == resumed.summaries
    for a, b in zip(whole.scene.submaps, resumed.scene.submaps, strict=True):
        np.testing.assert_array_equal(a.world_from_window.matrix(), b.world_from_window.matrix())
