"""What the graph finds is the most likely answer, in any unit, and its costs are what it says they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from da3_stream.geometry import Sim3
from da3_stream.posegraph import GraphSolution, PoseGraph
from tests.worlds.pose_ring import SIGMAS, ate, furthest, ring, seen, world

Edges = list[tuple[int, int, Sim3, np.ndarray]]


def random_information(rng: np.random.Generator, sigmas: np.ndarray) -> np.ndarray:
    mixed = rng.normal(size=(7, 7)) + 3 * np.eye(7)
    return mixed.T @ mixed / np.outer(sigmas, sigmas) / 10


def small_graph(rng: np.random.Generator, nodes: int = 8) -> tuple[list[Sim3], Edges]:
    truth = ring(nodes, 1.0, 10.0)
    pairs = [(k, k + 1) for k in range(nodes - 1)] + [(k, k + 2) for k in range(nodes - 2)] + [(nodes - 1, 0)]
    sigmas = np.array([0.2] * 3 + [0.05] * 4)
    return truth, [(a, b, seen(truth, a, b, rng, sigmas), random_information(rng, sigmas)) for a, b in pairs]


def solved(edges: Edges) -> GraphSolution:
    graph = PoseGraph(0)
    for a, b, a_from_b, information in edges:
        graph.add_edge(a, b, a_from_b, information)
    return graph.solve()


def cost(world: list[Sim3], edges: Edges) -> float:
    residuals = [((z.inverse() @ world[a].inverse() @ world[b]).log(), omega) for a, b, z, omega in edges]
    return sum(r @ omega @ r for r, omega in residuals) / 2


@pytest.mark.slow
def test_the_optimum_is_that_of_a_general_solver_from_the_truth() -> None:
    truth, edges = small_graph(np.random.default_rng(0))
    roots = [np.linalg.cholesky(omega).T for *_, omega in edges]

    def residuals(x: np.ndarray) -> np.ndarray:
        world = [Sim3.identity(), *(Sim3.exp(xi) for xi in x.reshape(-1, 7))]
        parts = zip(edges, roots, strict=True)
        return np.concatenate(
            [root @ (z.inverse() @ world[a].inverse() @ world[b]).log() for (a, b, z, _), root in parts]
        )

    start = np.concatenate([t.log() for t in truth[1:]])
    oracle = least_squares(residuals, start, method="lm", xtol=1e-12, ftol=1e-12)
    found = solved(edges)
    assert found.converged
    assert found.final_cost == pytest.approx(oracle.cost, rel=1e-8)
    assert cost(world(found), edges) == pytest.approx(found.final_cost, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_an_exact_graph_is_recovered_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = [Sim3.identity(), *(Sim3.exp(rng.normal(size=7)) for _ in range(19))]
    graph = PoseGraph(0)
    for k in range(19):
        graph.add_edge(k, k + 1, truth[k].inverse() @ truth[k + 1])
    graph.add_edge(19, 3, truth[19].inverse() @ truth[3], loop=True)
    found = graph.solve()
    assert furthest(world(found), truth) < 1e-8
    assert found.final_cost < 1e-12 and found.converged and found.rejected == []


@pytest.mark.parametrize("unit", [0.01, 100.0])
@pytest.mark.parametrize("informed", [True, False])
def test_the_unit_of_length_does_not_matter(unit: float, informed: bool) -> None:
    def solved_in(unit: float) -> GraphSolution:
        rng, truth = np.random.default_rng(3), ring(40, 2.0)
        scaled = SIGMAS * np.array([unit] * 3 + [1.0] * 4)
        graph = PoseGraph(0)
        for a, b in [*((k, k + 1) for k in range(39)), (2, 22), (10, 31)]:
            edge = seen(truth, a, b, rng)
            edge = Sim3(edge.scale, edge.rotation, unit * edge.translation)
            graph.add_edge(a, b, edge, np.diag(1 / scaled**2) if informed else None, loop=b != a + 1)
        return graph.solve()

    one, other = solved_in(1.0), solved_in(unit)
    assert other.final_cost == pytest.approx(one.final_cost, rel=1e-9)
    shrunk = [Sim3(t.scale, t.rotation, t.translation / unit) for t in world(other)]
    assert furthest(shrunk, world(one)) < 1e-6
    assert ate(shrunk, ring(40, 2.0)) < 3


def test_the_default_information_is_what_it_is_said_to_be() -> None:
    truth, edges = small_graph(np.random.default_rng(1))
    lengths = [np.linalg.norm(z.translation) for _, _, z, _ in edges]
    sigmas = np.array([0.02 * np.median(lengths)] * 3 + [0.01] * 3 + [0.05])
    explicit = solved([(a, b, z, np.diag(1 / sigmas**2)) for a, b, z, _ in edges])
    graph = PoseGraph(0)
    for a, b, z, _ in edges:
        graph.add_edge(a, b, z)
    assert furthest(world(graph.solve()), world(explicit)) < 1e-9


def test_held_scales_stay_one_and_the_rest_is_the_best_of_them() -> None:
    rng, truth = np.random.default_rng(2), ring(20, 1.0)
    graph = PoseGraph(0, hold_scale=True)
    for a, b in [*((k, k + 1) for k in range(19)), (0, 19)]:
        graph.add_edge(a, b, seen(truth, a, b, rng, SIGMAS * np.array([1] * 6 + [0.0])))
    found = graph.solve()
    assert all(t.scale == pytest.approx(1, abs=1e-12) for t in world(found))
    assert found.converged and ate(world(found), truth) < 1.5


def test_node_0_is_the_world() -> None:
    _, edges = small_graph(np.random.default_rng(4))
    np.testing.assert_array_equal(world(solved(edges))[0].matrix(), np.eye(4))
