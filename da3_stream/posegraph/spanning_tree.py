"""Where nodes lie if edges are followed one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ..geometry import Sim3
from .build import Measurements

Ends = tuple[int, int, Sim3]  # a, b and a_from_b of an edge, nodes as the solver counts them


def initialize_spanning_tree(known: Sequence[Sim3], measurements: Measurements) -> list[Sim3]:
    """`world_from_node` of all nodes: the known ones (the first of them), the others by the fewest edges.

    Loops are followed only to nodes that nothing else reaches.
    """
    count, ends = len(measurements.index), measurements.edge_nodes().tolist()
    edges = [(a, b, edge.a_from_b) for (a, b), edge in zip(ends, measurements.edges, strict=True)]
    chain = [each for each, edge in zip(edges, measurements.edges, strict=True) if not edge.loop]
    reached: dict[int, Sim3] = dict(enumerate(known))
    for followed in (chain, edges):
        if len(reached) < count:
            _spread(reached, followed)
    return [reached[node] for node in range(count)]


def _spread(reached: dict[int, Sim3], edges: Sequence[Ends]) -> None:
    """Reach every node that these edges tie to those reached, breadth first."""
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
