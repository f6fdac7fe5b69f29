"""What a graph knows of how two of its nodes lie to each other: their relative covariance, by the edges around both.

Information only adds up: what edges further away tell can only lower the covariance, so that by the edges nearby is an
upper bound, and a close one where loops tie both nodes nearby. It costs the same however large the graph is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ..geometry import Sim3Array
from ..geometry.covariance import RIDGE, diagonal_units
from .factors import Array
from .measurements import Edge, Node

MOST_NODES = 48  # whose edges are taken into account
MOST_REACHED = 256  # around either node, among which ways between both are looked for

EdgesAt = Callable[[Node], Iterable[Edge]]


def edges_around(a: Node, b: Node, edges_at: EdgesAt) -> list[Edge]:
    """The edges among at most `MOST_NODES` nodes on the shortest ways (fewest edges) from a to b; none without a way.

    `edges_at` gives the edges of a node that count; those without information are not followed. A way is looked for
    among the `MOST_REACHED` nodes that are nearest to each end.
    """
    from_a, from_b = _reach(a, edges_at), _reach(b, edges_at)
    both = sorted(from_a.keys() & from_b.keys(), key=lambda node: (from_a[node][0] + from_b[node][0], node))
    if not both:
        return []
    way = [*_way_back(both[0], from_a), *_way_back(both[0], from_b)]
    chosen = set(list(dict.fromkeys([*way, *both]))[:MOST_NODES])
    edges = {id(edge): edge for node in sorted(chosen) for edge in edges_at(node) if {edge.a, edge.b} <= chosen}
    found = [edge for edge in edges.values() if edge.information is not None]
    return found if len(way) <= MOST_NODES else []


def _reach(start: Node, edges_at: EdgesAt) -> dict[Node, tuple[int, Node]]:
    """How many edges away the nodes nearest to a node are, and the next node on the way back."""
    reached, queue = {start: (0, start)}, [start]
    for node in queue:
        for edge in edges_at(node):
            other = edge.b if edge.a == node else edge.a
            if edge.information is not None and other not in reached and len(reached) < MOST_REACHED:
                reached[other] = reached[node][0] + 1, node
                queue.append(other)
    return reached


def _way_back(node: Node, reached: dict[Node, tuple[int, Node]]) -> list[Node]:
    """The nodes from one that was reached back to the start."""
    way = [node]
    while reached[way[-1]][1] != way[-1]:
        way.append(reached[way[-1]][1])
    return way


def relative_covariance(a: Node, b: Node, edges: Sequence[Edge]) -> Array:
    """Covariance [7,7] of the error on the right of a_from_b, given these edges, which connect both nodes.

    In the order of `Sim3.log`, to first order about the measured transforms.
    """
    index = {node: k for k, node in enumerate(dict.fromkeys(n for edge in edges for n in (edge.a, edge.b)))}
    hessian = _normal_matrix(edges, index)
    free = np.delete(np.arange(len(index)), index[a])  # node a is held, so that b moves against it
    matrix = hessian[free][:, :, free].reshape(7 * len(free), -1)
    units = diagonal_units(matrix)
    right = np.zeros((len(index), 7, 7))
    right[index[b]] = np.eye(7)
    right = right[free].reshape(-1, 7) / (root := np.sqrt(np.diag(units)))[:, None]
    solved = np.linalg.solve(matrix / units + RIDGE * np.eye(len(matrix)), right) / root[:, None]
    covariance = solved.reshape(len(free), 7, 7)[np.searchsorted(free, index[b])]
    return (covariance + covariance.T) / 2


def mutual_information(information: Array, covariance: Array) -> float:
    """Nats that an edge with this information [7,7] tells of two nodes with this relative covariance [7,7].

    1/2 log det(1 + covariance information): Ila, Porta and Andrade-Cetto, "Information-based compact pose SLAM" (T-RO
    2010), section IV-B.
    """
    root = np.linalg.cholesky(information)
    return float(np.linalg.slogdet(np.eye(len(root)) + root.T @ covariance @ root)[1]) / 2


def _normal_matrix(edges: Sequence[Edge], index: dict[Node, int]) -> Array:
    """J^T Omega J [N,7,N,7] of residuals log(a_from_b^-1 a_from_world world_from_b) that are zero."""
    by_a = -Sim3Array.stack([edge.a_from_b for edge in edges]).inverse().adjoints()
    information = np.stack([np.asarray(edge.information) for edge in edges])
    weighted = information @ by_a
    first, second = (np.array([index[end] for end in ends]) for ends in zip(*((e.a, e.b) for e in edges), strict=True))
    out = np.zeros((len(index), len(index), 7, 7))
    np.add.at(out, (first, first), np.swapaxes(by_a, 1, 2) @ weighted)
    np.add.at(out, (second, second), information)
    np.add.at(out, (second, first), weighted)
    np.add.at(out, (first, second), np.swapaxes(weighted, 1, 2))
    return out.transpose(0, 2, 1, 3)
