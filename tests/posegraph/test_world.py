"""What is known of the world outside: scales, gravity, positions, poses."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.geometry import Sim3
from da3_stream.posegraph import PoseGraph
from tests.worlds.pose_ring import SIGMAS, ate, furthest, ring, seen, world

BIAS = 0.03
WORLD_FROM_FIRST = Sim3.exp([400.0, -50.0, 20.0, 0.3, -1.2, 0.8, 0.7])


def drifting(truth: list[Sim3], seed: int) -> PoseGraph:
    """A chain whose scale drifts by 3 % at every node."""
    rng, graph = np.random.default_rng(seed), PoseGraph(0)
    for k in range(len(truth) - 1):
        edge = seen(truth, k, k + 1, rng, SIGMAS / 10)
        graph.add_edge(k, k + 1, Sim3(edge.scale * (1 + BIAS), edge.rotation, edge.translation))
    return graph


def exact(truth: list[Sim3]) -> PoseGraph:
    graph = PoseGraph(0)
    for k in range(len(truth) - 1):
        graph.add_edge(k, k + 1, truth[k].inverse() @ truth[k + 1])
    return graph


def test_relative_scales_stop_the_drift_and_tell_their_common_unknown() -> None:
    truth = ring(40, 0.9)
    graph = drifting(truth, 0)
    for node in range(40):
        graph.add_scale(node, 1.7, 0.001, relative=True)
    found = graph.solve()
    assert ate(world(drifting(truth, 0).solve()), truth) > 20
    assert ate(world(found), truth) < 3
    assert found.common_log_scale == pytest.approx(-1.7, abs=0.01)
    assert world(found)[0].scale == 1.0


def test_absolute_scales_make_the_world_s_unit() -> None:
    truth = ring(40, 0.9)
    graph = drifting(truth, 1)
    for node in range(40):
        graph.add_scale(node, 1.7, 0.001)
    found = graph.solve()
    scales = [t.scale for t in world(found)]
    np.testing.assert_allclose(np.log(scales), 1.7, atol=0.01)
    np.testing.assert_allclose(world(found)[0].translation, 0, atol=1e-12)
    assert ate(world(found), truth) < 3
    assert found.common_log_scale is None


def test_gravity_turns_the_world_and_nothing_else() -> None:
    truth = ring(20, 0.7)
    graph = exact(truth)
    for node in (0, 7, 19):
        graph.add_direction(node, truth[node].rotation.T @ [0.0, 2.0, 0.0], [0.0, 0.0, -1.0], 0.01)
    found = graph.solve()
    turned = world(found)[0].rotation
    np.testing.assert_allclose(turned @ [0.0, 1.0, 0.0], [0.0, 0.0, -1.0], atol=1e-6)
    rotated = [Sim3(1.0, turned, np.zeros(3)) @ transform for transform in truth]
    assert found.converged and furthest(world(found), rotated) < 1e-6


def test_positions_put_the_graph_where_they_are() -> None:
    truth = [WORLD_FROM_FIRST @ transform for transform in ring(20, 0.7)]
    graph = exact(truth)
    point = np.array([0.5, -0.2, 3.0])
    for node in (0, 5, 11, 19):
        graph.add_position(node, point, truth[node].apply(point), np.eye(3))
    found = graph.solve()
    assert found.converged and furthest(world(found), truth) < 1e-4


def test_a_known_pose_holds_the_whole_graph() -> None:
    truth = [WORLD_FROM_FIRST @ transform for transform in ring(20, 0.7)]
    graph = exact(truth)
    graph.add_pose(13, truth[13], 1e4 * np.eye(7))
    found = graph.solve()
    assert found.converged and furthest(world(found), truth) < 1e-4


def test_positions_correct_a_drifting_chain() -> None:
    truth = ring(40, 0.9)
    graph = drifting(truth, 2)
    for node in range(0, 40, 3):
        graph.add_position(node, np.zeros(3), truth[node].translation, np.eye(3))
    found = graph.solve()
    assert found.converged and ate(world(found), truth) < 2


def test_one_node_alone_takes_its_known_pose() -> None:
    graph = PoseGraph(0)
    assert furthest(world(graph.solve()), [Sim3.identity()]) == 0
    graph.add_pose(0, WORLD_FROM_FIRST, np.eye(7))
    assert furthest(world(graph.solve()), [WORLD_FROM_FIRST]) < 1e-6
