"""Invalid measurements are refused with a message."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.errors import Da3StreamError, PoseGraphError
from da3_stream.geometry import Sim3
from da3_stream.posegraph import PoseGraph

MOVED = Sim3(1.0, np.eye(3), np.array([1.0, 0.0, 0.0]))


def test_a_node_that_no_edge_reaches() -> None:
    graph = PoseGraph(0)
    graph.add_edge(0, 1, MOVED)
    graph.add_edge(2, 3, MOVED)
    with pytest.raises(PoseGraphError, match=r"no edge reaches node 2 .*nor 1 others"):
        graph.solve()
    assert issubclass(PoseGraphError, Da3StreamError)


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (Sim3(1.0, np.eye(3), np.array([0.0, np.nan, 0.0])), "NaN"),
        (Sim3(np.nan, np.eye(3), np.zeros(3)), "NaN"),
        (Sim3(1.0, np.full((3, 3), np.nan), np.zeros(3)), "NaN"),
        (Sim3(1.0, np.eye(3), np.array([np.inf, 0.0, 0.0])), "infinity"),
        (Sim3(-1.0, np.eye(3), np.zeros(3)), "no similarity"),
        (Sim3(1.0, np.diag([1.0, 1.0, -1.0]), np.zeros(3)), "no similarity"),
        (Sim3(1.0, 2 * np.eye(3), np.zeros(3)), "no similarity"),
    ],
)
def test_an_edge_that_is_no_similarity(transform: Sim3, message: str) -> None:
    graph = PoseGraph(0)
    with pytest.raises(PoseGraphError, match=f"edge from node 3 to node 4 .*{message}"):
        graph.add_edge(3, 4, transform)
    graph.add_edge(0, 1, MOVED)
    assert len(graph.solve().world_from_node) == 2  # what was refused is not there


@pytest.mark.parametrize(
    ("information", "message"),
    [
        (np.eye(6), r"\(6, 6\), expected \(7, 7\)"),
        (np.full((7, 7), np.nan), "NaN"),
        (-np.eye(7), "negative"),
        (np.eye(7) + np.eye(7, k=1), "symmetric"),
    ],
)
def test_an_invalid_information(information: np.ndarray, message: str) -> None:
    with pytest.raises(PoseGraphError, match=message):
        PoseGraph(0).add_edge(0, 1, MOVED, information)


def test_invalid_nodes() -> None:
    with pytest.raises(PoseGraphError, match="itself"):
        PoseGraph(0).add_edge(2, 2, MOVED)
    with pytest.raises(PoseGraphError, match="a number or a string"):
        PoseGraph(0).add_edge([1], 2, MOVED)


def test_invalid_observations() -> None:
    graph = PoseGraph(0)
    with pytest.raises(PoseGraphError, match="sigma"):
        graph.add_scale(0, 0.0, 0.0)
    with pytest.raises(PoseGraphError, match="finite"):
        graph.add_scale(0, np.nan, 1.0)
    with pytest.raises(PoseGraphError, match="length zero"):
        graph.add_direction(0, np.zeros(3), [0, 0, 1], 0.1)
    with pytest.raises(PoseGraphError, match="finite"):
        graph.add_position(0, [0, 0], [0, 0, 1], np.eye(3))
