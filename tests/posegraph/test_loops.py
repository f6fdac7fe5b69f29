"""Loops: true ones are used, false ones are found out, drift is no reason to refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.geometry import Sim3
from da3_stream.posegraph import PoseGraph
from da3_stream.posegraph.gnc import GATE, tls_weights
from tests.worlds.pose_ring import SIGMAS, ate, furthest, ring, seen, world

INFORMATION = np.diag(1 / SIGMAS**2)
TRUE = [(3, 40), (17, 55), (30, 68)]
FALSE = [(5, 20), (33, 60)]  # places 150 m apart and more


def lap_graph(seed: int, information: np.ndarray | None = INFORMATION) -> tuple[list[Sim3], PoseGraph]:
    """Two laps of 75 nodes with three true loops."""
    rng, truth = np.random.default_rng(seed), ring(75, 2.0)
    graph = PoseGraph(0)
    for k in range(74):
        graph.add_edge(k, k + 1, seen(truth, k, k + 1, rng), information)
    for a, b in TRUE:
        graph.add_edge(a, b, seen(truth, a, b, rng), information, loop=True)
    return truth, graph


@pytest.mark.slow
@pytest.mark.parametrize("information", [INFORMATION, None], ids=["given", "default"])
def test_false_loops_are_refused_and_change_nothing(information: np.ndarray | None) -> None:
    truth, clean = lap_graph(100, information)
    _, dirty = lap_graph(100, information)
    for a, b in FALSE:
        dirty.add_edge(a, b, Sim3.identity(), information, loop=True)
    expected, found = clean.solve(), dirty.solve()
    assert expected.rejected == [] and found.rejected == FALSE
    assert furthest(world(found), world(expected)) < 1e-4
    assert ate(world(found), truth) < 2.5


def test_a_right_place_with_a_wrong_scale_is_refused() -> None:
    truth, graph = lap_graph(101)
    right = truth[10].inverse() @ truth[47]
    graph.add_edge(10, 47, Sim3(1.2, right.rotation, right.translation), INFORMATION, loop=True)
    assert graph.solve().rejected == [(10, 47)]


@pytest.mark.parametrize("bias", [0.01, 0.1])
def test_drift_of_scale_is_recovered_by_one_loop(bias: float) -> None:
    truth = ring(75, 1.0)
    rng, graph = np.random.default_rng(5), PoseGraph(0)
    sigmas = np.array([0.05] * 3 + [0.001] * 3 + [0.0])
    for k in range(74):
        drifting = seen(truth, k, k + 1, rng, sigmas)
        graph.add_edge(k, k + 1, Sim3(drifting.scale * (1 + bias), drifting.rotation, drifting.translation))
    graph.add_edge(74, 0, seen(truth, 74, 0, rng, sigmas), loop=True)
    found = graph.solve()
    assert found.converged and found.rejected == []
    assert ate(world(found), truth) < {0.01: 0.5, 0.1: 2.2}[bias]
    scales = np.array([t.scale for t in world(found)])
    assert np.ptp(scales) / 2 < bias / 2 + 0.01


@pytest.mark.slow
def test_loops_added_one_by_one_end_where_all_at_once_do() -> None:
    truth, together = lap_graph(102)
    for a, b in FALSE:
        together.add_edge(a, b, Sim3.identity(), INFORMATION, loop=True)
    rng, alone = np.random.default_rng(102), PoseGraph(0)
    for k in range(74):
        alone.add_edge(k, k + 1, seen(truth, k, k + 1, rng), INFORMATION)
    alone.solve()
    true = [(a, b, seen(truth, a, b, rng)) for a, b in TRUE]
    false = [(a, b, Sim3.identity()) for a, b in FALSE]
    for a, b, a_from_b in [false[0], *true, false[1]]:
        alone.add_edge(a, b, a_from_b, INFORMATION, loop=True)
        alone.solve()
    first, second = together.solve(), alone.solve()
    assert sorted(first.rejected) == sorted(second.rejected) == FALSE
    assert second.final_cost == pytest.approx(first.final_cost, rel=1e-8)


def test_new_nodes_leave_a_solution_as_it_was() -> None:
    truth, graph = lap_graph(103)
    before = graph.solve()
    assert graph.solve() is before
    graph.add_edge(74, 75, truth[73].inverse() @ truth[74], INFORMATION)
    after = graph.solve()
    assert furthest(world(after)[:75], world(before)) < 1e-5
    assert after.final_cost == pytest.approx(before.final_cost, rel=1e-9)


@pytest.mark.slow
def test_nodes_go_by_the_names_that_they_have_elsewhere() -> None:
    _, numbered = lap_graph(105)
    names = [f"submap {k * 31 % 75}" for k in range(75)]
    named, rng, truth = PoseGraph(names[0]), np.random.default_rng(105), ring(75, 2.0)
    for k in range(74):
        named.add_edge(names[k], names[k + 1], seen(truth, k, k + 1, rng), INFORMATION)
    for a, b in TRUE:
        named.add_edge(names[a], names[b], seen(truth, a, b, rng), INFORMATION, loop=True)
    for graph, a, b in ((numbered, 5, 20), (named, names[5], names[20])):
        graph.add_edge(a, b, Sim3.identity(), INFORMATION, loop=True)
    expected, found = numbered.solve(), named.solve()
    assert list(found.world_from_node) == list(named.nodes) == names
    assert furthest([found.world_from_node[name] for name in names], world(expected)) == 0
    assert expected.rejected == [(5, 20)] and found.rejected == [(names[5], names[20])]


@pytest.mark.slow
def test_a_solution_is_taken_up_where_it_was_left() -> None:
    _, graph = lap_graph(106)
    for a, b in FALSE:
        graph.add_edge(a, b, Sim3.identity(), INFORMATION, loop=True)
    solution = graph.solve()
    _, later = lap_graph(106)
    for a, b in FALSE:
        later.add_edge(a, b, Sim3.identity(), INFORMATION, loop=True)
    restored = later.restore(graph.state())
    assert restored is not None and later.solve() is restored
    assert furthest(world(restored), world(solution)) == 0 and restored.rejected == solution.rejected == FALSE
    assert (restored.initial_cost, restored.final_cost) == (solution.initial_cost, solution.final_cost)


def test_a_segment_is_joined_by_the_loop_that_reaches_it() -> None:
    truth, graph = ring(20, 1.0), PoseGraph(0)
    for k in [*range(9), *range(10, 19)]:
        graph.add_edge(k, k + 1, truth[k].inverse() @ truth[k + 1])
    graph.add_edge(2, 15, truth[2].inverse() @ truth[15], loop=True)
    found = graph.solve()
    assert found.rejected == [] and furthest(world(found), truth) < 1e-6


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1e-6, 1e3))
def test_weights_fall_from_one_to_zero_as_the_error_grows(a: float, b: float, steepness: float) -> None:
    small, large = tls_weights(np.array(sorted([a, b])), steepness)
    assert 0 <= large <= small <= 1
    assert tls_weights(np.array([0.0]), steepness)[0] == 1
    assert tls_weights(np.array([GATE]), 1e6)[0] == pytest.approx(0.5, abs=0.01)


def test_a_false_loop_that_the_chain_could_swallow_is_found_by_its_neighbours() -> None:
    """Scale x2 next to the chain's loose end: inside the gate with the default information, but bending the chain."""
    truth, graph = lap_graph(104, None)
    right = truth[1].inverse() @ truth[39]
    graph.add_edge(1, 39, Sim3(2.0, right.rotation, right.translation), loop=True)
    assert graph.solve().rejected == [(1, 39)]


@pytest.mark.slow
def test_the_true_loop_of_a_drifting_lap_is_kept_beside_a_false_one_that_closes_it_more_cheaply() -> None:
    rng, truth, graph = np.random.default_rng(101), ring(75, 1.0), PoseGraph(0)
    for k in range(74):
        edge = seen(truth, k, k + 1, rng)
        graph.add_edge(k, k + 1, Sim3(1.03 * edge.scale, edge.rotation, edge.translation))
    graph.add_edge(0, 74, seen(truth, 0, 74, rng), loop=True)
    for a, b in [(2, 62), (11, 25)]:
        graph.add_edge(a, b, Sim3.identity(), loop=True)
    assert graph.solve().rejected == [(2, 62), (11, 25)]


@pytest.mark.slow
def test_thousands_of_nodes_are_solved_and_one_loop_more_needs_few_steps() -> None:
    rng, truth, graph = np.random.default_rng(0), ring(2000, 2000 / 75), PoseGraph(0)
    sigmas = np.array([0.3] * 3 + [0.02] * 4)
    for k in range(1999):
        graph.add_edge(k, k + 1, seen(truth, k, k + 1, rng, sigmas), np.diag(sigmas**-2.0))
    for k in range(20):
        graph.add_edge(90 * k, 90 * k + 75, seen(truth, 90 * k, 90 * k + 75, rng), INFORMATION, loop=True)
    first = graph.solve()
    graph.add_edge(10, 1960, seen(truth, 10, 1960, rng), INFORMATION, loop=True)
    second = graph.solve()
    assert first.converged and second.converged and second.rejected == []
    assert second.iterations < 15
    assert ate(world(second), truth) < ate(world(first), truth)
