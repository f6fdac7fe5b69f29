"""The back-end of a run: what windows say of each other and of their own scale, and where they lie by all of it.

Submaps of one segment make one pose graph. A chain alone needs none; a loop, or windows that know their scale, move it.
A window that hangs on one edge only moves nothing, and is no reason to solve again. What agrees with a large graph
moves little, and waits: the larger the graph, the longer, so that a window costs the same after ten hours.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import eq
from typing import Any

import numpy as np

from ..geometry import Sim3
from ..posegraph import Edge, GraphSolution, PoseGraph
from ..store import Scene
from ..types import ScaleObservation
from .arena import Arena

log = logging.getLogger(__name__)

DEFER_RATIO = 100  # submaps of a graph for each new one that may wait
CHI2_GATE = 18.5  # chi^2 of an edge's 7 numbers that does not wait: 1 % of true ones are beyond
SCALE_GATE_SIGMAS = 3.0  # the same of a scale observation


@dataclass(frozen=True, eq=False)
class GraphUpdate:
    """The scene after a solution, and what the journal should say of it."""

    scene: Scene
    facts: tuple[dict[str, Any], ...] = ()  # one for each segment that was solved


@dataclass(eq=False)
class _Segment:
    """The graph of one segment, and what is in it."""

    anchor: int  # the submap that the graph begins with, which stays where it is
    graph: PoseGraph
    edges: list[Edge] = field(default_factory=list)
    scales: list[ScaleObservation] = field(default_factory=list)
    solution: GraphSolution | None = None

    @staticmethod
    def empty(anchor: int) -> _Segment:
        """With nothing in it yet."""
        return _Segment(anchor, PoseGraph(anchor))

    def begins(self, edges: Sequence[Edge], scales: Sequence[ScaleObservation]) -> bool:
        """Whether more was added to what is in it, and nothing else changed."""
        pairs = ((self.edges, edges), (self.scales, scales))
        return all(len(mine) <= len(all_) and all(map(eq, mine, all_)) for mine, all_ in pairs)

    def is_moved_by(self, edges: Sequence[Edge], scales: Sequence[ScaleObservation]) -> bool:
        """Whether anything new among these can move a submap: not what hangs one more submap on the others."""
        return len(scales) > len(self.scales) or not _adds_leaves_only(edges[len(self.edges) :], set(self.graph.nodes))

    def can_wait(self, edges: Sequence[Edge], scales: Sequence[ScaleObservation], scene: Scene) -> bool:
        """Whether what is new among these is of few submaps, for the size of the graph, and agrees with the scene."""
        fresh, observed = edges[len(self.edges) :], scales[len(self.scales) :]
        waiting = {submap for edge in fresh for submap in (edge.a, edge.b)} - self.graph.nodes
        if self.solution is None or len(waiting) > len(self.graph.nodes) // DEFER_RATIO:
            return False
        return all(_chi2(edge, scene) < CHI2_GATE for edge in fresh) and all(
            abs(self._deviation(one, scene)) < SCALE_GATE_SIGMAS * one.sigma for one in observed
        )

    def _deviation(self, one: ScaleObservation, scene: Scene) -> float:
        """Log-scale of a submap in the scene, in the unit of the graph, less what was observed; infinite if unknown."""
        if self.solution is None or (self.solution.common_log_scale is None and not one.absolute):
            return np.inf
        unit = _unit(scene, self) / self.solution.world_from_node[self.anchor].scale
        common = 0.0 if one.absolute else self.solution.common_log_scale or 0.0
        return float(np.log(scene.submaps[one.submap].world_from_window.scale / unit)) - common - one.log_scale

    def add(self, edges: Sequence[Edge], scales: Sequence[ScaleObservation]) -> None:
        """Take what is new among these."""
        for edge in edges[len(self.edges) :]:
            self.graph.add_edge(edge.a, edge.b, edge.a_from_b, edge.information, edge.loop)
        for one in scales[len(self.scales) :]:
            self.graph.add_scale(one.submap, one.log_scale, one.sigma, relative=not one.absolute)
        self.edges, self.scales = list(edges), list(scales)


class Backend:
    """Takes edges and scale observations as they come; `optimize` tells where the submaps lie now."""

    def __init__(self) -> None:
        self._edges: list[Edge] = []
        self._scales: list[ScaleObservation] = []
        self._segments: dict[int, _Segment] = {}
        self._shelf = Arena()

    def add_edges(self, edges: Iterable[Edge]) -> None:
        """Alignments and loops."""
        self._edges.extend(self._shelved(edge) for edge in edges)

    def state(self) -> dict[str, Any]:
        """The solutions, for `restore`: numbers and arrays."""
        return {
            str(number): {
                "anchor": segment.anchor,
                "edges": len(segment.edges),
                "scales": len(segment.scales),
                "graph": segment.graph.state(),
            }
            for number, segment in self._segments.items()
        }

    def restore(
        self, state: dict[str, Any], edges: Iterable[Edge], scales: Sequence[ScaleObservation], scene: Scene
    ) -> None:
        """Go on from a state, with all edges and scale observations until then."""
        self._edges, self._scales = [self._shelved(edge) for edge in edges], list(scales)
        for number, then in state.items():
            edges_then, observed = self._of_segment(int(number), scene)
            segment = self._segments[int(number)] = _Segment.empty(then["anchor"])
            segment.add(edges_then[: then["edges"]], observed[: then["scales"]])
            segment.solution = segment.graph.restore(then["graph"])

    def set_scales(self, observations: Sequence[ScaleObservation]) -> None:
        """Replace all scale observations: what was observed before may have been withdrawn."""
        self._scales = list(observations)

    def optimize(self, scene: Scene, *, last: bool = False) -> GraphUpdate:
        """The scene with its submaps where the graphs say; a segment that only a chain holds lies as its chain says.

        A graph that fails leaves its segment as it is, and says so. Nothing waits any more at the `last` time.
        """
        facts = []
        numbers = scene.segments()
        self._segments = {number: segment for number, segment in self._segments.items() if number in numbers}
        for number in numbers:
            try:
                segment = self._solved(number, scene, last)
                if segment is not None and segment.solution is not None:
                    scene = _placed(scene, number, segment, segment.solution, self._unit_factor(scene, segment))
                    facts.append(_facts(number, segment, segment.solution))
            except Exception as error:
                log.warning("the graph of segment %d failed: %s", number, error, exc_info=True)
                self._segments.pop(number, None)
                facts.append({"segment": number, "failed": str(error)})
        return GraphUpdate(scene, tuple(facts))

    def height(self, scene: Scene) -> float | None:
        """The common length of all relative scale observations in world units (the camera's height), if it is known."""
        heights = (_height(scene, segment) for _, segment in sorted(self._segments.items()))
        return next((height for height in heights if height is not None), None)

    def _shelved(self, edge: Edge) -> Edge:
        information = None if edge.information is None else self._shelf.copy(edge.information)
        return replace(edge, a_from_b=self._shelf.copy_transform(edge.a_from_b), information=information)

    def _unit_factor(self, scene: Scene, segment: _Segment) -> float:
        """By which a segment must grow: to metres where its windows know them, else for its camera to be as high as
        that of the first segment that knows."""
        if segment.solution is not None and any(one.absolute for one in segment.scales):
            return segment.solution.world_from_node[segment.anchor].scale / _unit(scene, segment)
        common, own = self.height(scene), _height(scene, segment)
        return 1.0 if common is None or own is None else common / own

    def _solved(self, number: int, scene: Scene, last: bool) -> _Segment | None:
        """The segment's graph with all that is known now, where something was added; None where a chain is all there
        is and was, and where what was added can wait."""
        edges, scales = self._of_segment(number, scene)
        anchor = min([*(min(edge.a, edge.b) for edge in edges), *(one.submap for one in scales)], default=None)
        if anchor is None:
            return None
        segment = self._segments.get(number, fresh := _Segment.empty(anchor))
        taken_back = not segment.begins(edges, scales)
        segment = fresh if taken_back else segment
        if not (taken_back or segment.is_moved_by(edges, scales)):
            return None
        if not (taken_back or last) and segment.can_wait(edges, scales, scene):
            return None
        self._segments[number] = segment
        segment.add(edges, scales)
        segment.solution = segment.graph.solve()
        return segment

    def _of_segment(self, number: int, scene: Scene) -> tuple[list[Edge], list[ScaleObservation]]:
        """What is known of a segment's submaps."""
        members = {k for k, submap in enumerate(scene.submaps) if submap.segment == number}
        edges = [edge for edge in self._edges if edge.a in members and edge.b in members]
        return edges, [one for one in self._scales if one.submap in members]


def _adds_leaves_only(edges: Iterable[Edge], known: set[int]) -> bool:
    """Whether every edge ties one new submap to those known before it, as in a chain or a tree."""
    for edge in edges:
        new = {edge.a, edge.b} - known
        if len(new) != 1:
            return False
        known |= new
    return True


def _chi2(edge: Edge, scene: Scene) -> float:
    """How far an edge is from the scene, as the graph counts it; infinite where it does not say how sure it is."""
    if edge.information is None:
        return np.inf
    a, b = (scene.submaps[submap].world_from_window for submap in (edge.a, edge.b))
    residual = (edge.a_from_b.inverse() @ a.inverse() @ b).log()
    return float(residual @ edge.information @ residual)


def _height(scene: Scene, segment: _Segment) -> float | None:
    if segment.solution is None or segment.solution.common_log_scale is None:
        return None
    if any(one.absolute for one in segment.scales):
        return float(np.exp(segment.solution.common_log_scale))
    return _unit(scene, segment) * float(np.exp(segment.solution.common_log_scale))


def _unit(scene: Scene, segment: _Segment) -> float:
    return scene.submaps[segment.anchor].world_from_window.scale


def _placed(scene: Scene, number: int, segment: _Segment, solution: GraphSolution, factor: float) -> Scene:
    """The scene with a segment's submaps moved to the graph's solution, scaled by a factor about its first submap.

    A submap without poses moves with the one whose pose it took."""
    start = scene.submaps[segment.anchor].world_from_window
    grown = Sim3(start.scale * factor, start.rotation, start.translation)
    world_from_graph = grown @ solution.world_from_node[segment.anchor].inverse()
    submaps = list(scene.submaps)
    for k, submap in enumerate(submaps):
        if k in solution.world_from_node:
            submaps[k] = replace(submap, world_from_window=world_from_graph @ solution.world_from_node[k])
        elif submap.segment == number and submap.previous is not None:
            submaps[k] = replace(submap, world_from_window=submaps[submap.previous].world_from_window)
    return replace(scene, submaps=tuple(submaps))


def _facts(number: int, segment: _Segment, solution: GraphSolution) -> dict[str, Any]:
    return {
        "segment": number,
        "nodes": len(segment.graph.nodes),
        "rejected": solution.rejected,
        "converged": solution.converged,
        "iterations": solution.iterations,
        "initial_cost": solution.initial_cost,
        "final_cost": solution.final_cost,
    }
