"""The back-end: pose graphs over the submaps, one for each segment, solved as edges and scale observations come.

A chain alone needs no solution; a loop, or submaps that know their scale, move it. A submap that hangs on one edge
moves nothing, and is no reason to solve again.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..posegraph import Edge, GraphSolution
from ..store import Scene
from ..types import ScaleObservation
from .arena import Arena
from .segment_graph import SegmentGraph, SegmentMeasurements

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class GraphUpdate:
    """The scene after an optimization, and a summary of every solution for the journal."""

    scene: Scene
    summaries: tuple[dict[str, Any], ...] = ()  # one for each segment that was solved


class Backend:
    """Takes edges and scale observations as they come; `optimize` tells where the submaps lie now."""

    def __init__(self) -> None:
        self._edges: list[Edge] = []
        self._scales: list[ScaleObservation] = []
        self._edges_at: defaultdict[int, list[Edge]] = defaultdict(list)  # by submap, in their order
        self._segments: dict[int, SegmentGraph] = {}
        self._arena = Arena()

    def add_edges(self, edges: Iterable[Edge]) -> None:
        """Add alignments and loops."""
        for edge in map(self._copy, edges):
            self._edges.append(edge)
            self._edges_at[edge.a].append(edge)
            self._edges_at[edge.b].append(edge)

    def edges_at(self, submap: int) -> list[Edge]:
        """The edges of a submap, without loops that the last solution rejected."""
        segments = self._segments.values()
        return [edge for edge in self._edges_at.get(submap, []) if not any(edge in s.rejected for s in segments)]

    def set_scales(self, observations: Sequence[ScaleObservation]) -> None:
        """Replace all scale observations: what was observed before may have been withdrawn."""
        self._scales = list(observations)

    def optimize(self, scene: Scene, *, last: bool = False) -> GraphUpdate:
        """The scene with its submaps where the graphs say; a segment that only a chain holds lies as its chain says.

        A graph that fails leaves its segment as it is, and says so. Nothing waits any more at the `last` time.
        """
        summaries = []
        numbers = scene.segments()
        self._segments = {number: segment for number, segment in self._segments.items() if number in numbers}
        for number in numbers:
            try:
                segment = self._to_solve(number, scene, last)
                if segment is not None:
                    solution = segment.solve()
                    scene = segment.apply(solution, number, self._unit_factor(scene, segment), scene)
                    summaries.append(_summary(number, segment, solution))
            except Exception as error:
                log.warning("the graph of segment %d failed: %s", number, error, exc_info=True)
                self._segments.pop(number, None)
                summaries.append({"segment": number, "failed": str(error)})
        return GraphUpdate(scene, tuple(summaries))

    def height(self, scene: Scene) -> float | None:
        """The common length of all relative scale observations in world units (the camera's height), if it is known."""
        heights = (segment.height(scene) for _, segment in sorted(self._segments.items()))
        return next((height for height in heights if height is not None), None)

    def state(self) -> dict[str, Any]:
        """The solutions, for `restore`: numbers and arrays."""
        return {str(number): segment.state() for number, segment in self._segments.items()}

    def restore(
        self, state: dict[str, Any], edges: Iterable[Edge], scales: Sequence[ScaleObservation], scene: Scene
    ) -> None:
        """Go on from a state, with all edges and scale observations until then."""
        self.add_edges(edges)
        self.set_scales(scales)
        self._segments = {
            int(number): SegmentGraph.from_state(then, self._measurements(int(number), scene))
            for number, then in state.items()
        }

    def _to_solve(self, number: int, scene: Scene, last: bool) -> SegmentGraph | None:
        """The graph of a segment with all that is known; None where nothing can move it, or what is new can wait."""
        known = self._measurements(number, scene)
        anchor = known.first_submap()
        if anchor is None:
            return None
        segment = self._segments.get(number)
        withdrawn = segment is not None and not segment.is_extended_by(known)
        if segment is None or withdrawn:
            segment = SegmentGraph.empty(anchor)
        if not withdrawn and not segment.is_moved_by(known):
            return None
        if not (withdrawn or last) and segment.can_wait(known, scene):
            return None
        self._segments[number] = segment
        segment.add(known)
        return segment

    def _measurements(self, number: int, scene: Scene) -> SegmentMeasurements:
        """The measurements between submaps of a segment."""
        members = {k for k, submap in enumerate(scene.submaps) if submap.segment == number}
        edges = [edge for edge in self._edges if edge.a in members and edge.b in members]
        return SegmentMeasurements(edges, [scale for scale in self._scales if scale.submap in members])

    def _unit_factor(self, scene: Scene, segment: SegmentGraph) -> float:
        """By which a segment must grow: to metres where its submaps know them, else for its camera to be as high as
        that of the first segment that knows its height."""
        metres = segment.metres_per_unit(scene)
        if metres is not None:
            return metres
        common, own = self.height(scene), segment.height(scene)
        return 1.0 if common is None or own is None else common / own

    def _copy(self, edge: Edge) -> Edge:
        """The edge with its numbers side by side with those of others: it stays for the whole run."""
        information = None if edge.information is None else self._arena.copy(edge.information)
        return replace(edge, a_from_b=self._arena.copy_transform(edge.a_from_b), information=information)


def _summary(number: int, segment: SegmentGraph, solution: GraphSolution) -> dict[str, Any]:
    return {
        "segment": number,
        "nodes": len(segment.graph.nodes),
        "rejected": solution.rejected,
        "converged": solution.converged,
        "iterations": solution.iterations,
        "initial_cost": solution.initial_cost,
        "final_cost": solution.final_cost,
    }
