"""Initial transforms of nodes: the product of the edges along a spanning tree."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ..geometry import Sim3
from .build import Measurements

Ends = tuple[int, int, Sim3]  # a, b and a_from_b of an edge, by the solver's numbers of nodes


def initialize_spanning_tree(known: Sequence[Sim3], measurements: Measurements) -> list[Sim3]:
    """`world_from_node` of all nodes: `known` are those of the first nodes, the others follow by the fewest edges.

    Loops are used only for nodes that no other edges reach.
    """
    count, ends = len(measurements.index), measurements.edge_nodes().tolist()
    edges = [(a, b, edge.a_from_b) for (a, b), edge in zip(ends, measurements.edges, strict=True)]
    chain = [each for each, edge in zip(edges, measurements.edges, strict=True) if not edge.loop]
    reached: dict[int, Sim3] = dict(enumerate(known))
    for followed in (chain, edges):
        if len(reached) < count:
            _reach_by(reached, followed)
    return [reached[node] for node in range(count)]


def _reach_by(reached: dict[int, Sim3], edges: Sequence[Ends]) -> None:
    """Add the nodes that these edges connect to those in `reached`, breadth first."""
    neighbours: dict[int, list[tuple[int, Sim3]]] = {}
    for a, b, a_from_b in edges:
        if a not in reached or b not in reached:
            neighbours.setdefault(a, []).append((b, a_from_b))
            neighbours.setdefault(b, []).append((a, a_from_b.inverse()))
    queue = deque(sorted(reached.keys() & neighbours.keys()))
    while queue:
        a = queue.popleft()
        for b, a_from_b in neighbours.get(a, []):
            if b not in reached:
                reached[b] = reached[a] @ a_from_b
                queue.append(b)
