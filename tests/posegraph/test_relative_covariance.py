"""What a graph knows of how two nodes lie to each other: exactly where it is small, never too little elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from da3_stream.geometry import Sim3, Sim3Array
from da3_stream.posegraph import Edge, edges_around, mutual_information, relative_covariance
from da3_stream.posegraph.build import Measurements, build
from tests.worlds.pose_ring import SIGMAS, ring

WINDOWS, PER_LAP = 30, 10
INFORMATION = np.diag(SIGMAS**-2.0)


def measured(truth: list[Sim3], a: int, b: int, loop: bool = False) -> Edge:
    return Edge(a, b, truth[a].inverse() @ truth[b], INFORMATION, loop)


def laps(count: int = WINDOWS, ties: Sequence[tuple[int, int]] = ()) -> list[Edge]:
    truth = ring(count, count / PER_LAP)
    return [measured(truth, k, k + 1) for k in range(count - 1)] + [measured(truth, *tie, loop=True) for tie in ties]


def around(edges: list[Edge], a: int, b: int) -> list[Edge]:
    return edges_around(a, b, lambda node: [edge for edge in edges if node in (edge.a, edge.b)])


def by_the_solver(edges: list[Edge], a: int, b: int) -> np.ndarray:
    """The same covariance from the normal equations that the graph is solved with, its origin at the first node."""
    measurements = Measurements(0)
    for edge in edges:
        measurements.add_edge(edge)
    problem = build(measurements, False)
    state = Sim3Array.stack([ring(WINDOWS, WINDOWS / PER_LAP)[node] for node in measurements.index])
    blocks, _ = problem.normal_equations(state, np.ones(len(edges)))
    place, size = problem.pattern.place, len(problem.free)
    dense = np.zeros((size, size, 7, 7))
    rows = np.repeat(np.arange(size), np.diff(problem.pattern.indptr))
    dense[rows, problem.pattern.indices] = blocks
    matrix = dense.transpose(0, 2, 1, 3).reshape(7 * size, 7 * size)
    free = np.flatnonzero(np.diag(matrix) > 0)
    covariance = np.zeros_like(matrix)
    covariance[np.ix_(free, free)] = np.linalg.inv(matrix[np.ix_(free, free)])
    first, second = place[measurements.index[a]], place[measurements.index[b]]
    jacobian = np.zeros((7, 7 * size))
    world = ring(WINDOWS, WINDOWS / PER_LAP)
    jacobian[:, 7 * first : 7 * first + 7] = -(world[b].inverse() @ world[a]).adjoint()
    jacobian[:, 7 * second : 7 * second + 7] = np.eye(7)
    return jacobian @ covariance @ jacobian.T


@pytest.mark.parametrize(("a", "b"), [(3, 24), (0, 29), (5, 6)])
def test_a_small_graph_gives_the_covariance_of_its_normal_equations(a: int, b: int) -> None:
    edges = laps(ties=[(0, 10), (4, 14), (12, 22), (7, 27)])
    np.testing.assert_allclose(
        relative_covariance(a, b, around(edges, a, b)), by_the_solver(edges, a, b), rtol=1e-5, atol=1e-9
    )


@pytest.mark.slow
def test_edges_nearby_never_claim_more_than_the_whole_graph() -> None:
    edges = laps(200, [(k, k + PER_LAP) for k in range(0, 190, 3)])
    for a, b in ((5, 15), (101, 131), (60, 190)):
        nearby = around(edges, a, b)
        assert len(nearby) < len(edges)
        excess = relative_covariance(a, b, nearby) - relative_covariance(a, b, edges)
        assert np.linalg.eigvalsh(excess).min() > -1e-9


def test_nearby_edges_are_as_good_as_all_where_laps_are_tied() -> None:
    edges = laps(200, [(k, k + PER_LAP) for k in range(190)])
    told = [
        mutual_information(INFORMATION, relative_covariance(95, 135, some)) for some in (around(edges, 95, 135), edges)
    ]
    assert told[1] < told[0] < 1.2 * told[1]


def test_a_doubled_edge_tells_half_a_bit_for_each_unknown() -> None:
    assert mutual_information(INFORMATION, relative_covariance(0, 1, laps(2))) == pytest.approx(3.5 * np.log(2))


def test_an_edge_tells_the_more_the_longer_the_way_without_a_loop() -> None:
    edges = laps(40)
    told = [mutual_information(INFORMATION, relative_covariance(0, b, around(edges, 0, b))) for b in (1, 3, 10, 25)]
    assert sorted(told) == told and told[-1] > 3 * told[0]


def test_nodes_that_nothing_ties_have_no_edges_between_them() -> None:
    apart = [edge for edge in laps(20) if edge.a != 9]
    assert around(apart, 3, 14) == []
    assert around(laps(400), 3, 390) == []


def test_what_an_edge_tells_does_not_depend_on_the_units_of_its_nodes() -> None:
    edges = laps(ties=[(0, 10), (4, 14)])
    unit = np.diag([1000.0] * 3 + [1.0] * 4)
    in_mm = [
        Edge(e.a, e.b, Sim3(1.0, e.a_from_b.rotation, 1000 * e.a_from_b.translation), _in(e.information, unit), e.loop)
        for e in edges
    ]
    metres = mutual_information(INFORMATION, relative_covariance(6, 17, edges))
    assert mutual_information(_in(INFORMATION, unit), relative_covariance(6, 17, in_mm)) == pytest.approx(
        metres, rel=1e-6
    )


def _in(information: np.ndarray | None, unit: np.ndarray) -> np.ndarray:
    assert information is not None
    return np.linalg.inv(unit) @ information @ np.linalg.inv(unit)
