"""Where windows lie if edges are followed one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ..geometry import Sim3
from .measurements import Edge


def chained(known: Sequence[Sim3], edges: Sequence[Edge], windows: int) -> list[Sim3]:
    """`world_from_window` of all windows: the known ones (the first of them), the others by the fewest edges.

    Loops are followed only to windows that nothing else reaches.
    """
    placed: dict[int, Sim3] = dict(enumerate(known))
    for followed in ([edge for edge in edges if not edge.loop], edges):
        if len(placed) < windows:
            _spread(placed, followed)
    return [placed[window] for window in range(windows)]


def _spread(placed: dict[int, Sim3], edges: Sequence[Edge]) -> None:
    """Place every window that these edges reach from the placed ones, breadth first."""
    neighbours: dict[int, list[tuple[int, Sim3]]] = {}
    for edge in edges:
        if edge.a not in placed or edge.b not in placed:
            neighbours.setdefault(edge.a, []).append((edge.b, edge.a_from_b))
            neighbours.setdefault(edge.b, []).append((edge.a, edge.a_from_b.inverse()))
    queue = deque(sorted(placed.keys() & neighbours.keys()))
    while queue:
        a = queue.popleft()
        for b, a_from_b in neighbours.get(a, []):
            if b not in placed:
                placed[b] = placed[a] @ a_from_b
                queue.append(b)
