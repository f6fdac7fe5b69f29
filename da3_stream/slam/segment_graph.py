"""The pose graph of one segment: what is in it, whether new measurements must be solved for, and its solution."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import eq
from typing import Any

import numpy as np

from ..geometry import Sim3
from ..posegraph import Edge, GraphSolution, PoseGraph
from ..store import Scene
from ..types import ScaleObservation

DEFER_RATIO = 100  # submaps of a graph for each new one that may wait
CHI2_GATE = 18.5  # chi^2 of an edge's 7 numbers beyond which it does not wait: 1 % of true ones are
SCALE_GATE_SIGMAS = 3.0  # the same of a scale observation


@dataclass(frozen=True)
class SegmentMeasurements:
    """Edges and scale observations of one segment, in the order in which they came."""

    edges: Sequence[Edge]
    scales: Sequence[ScaleObservation]

    def first_submap(self) -> int | None:
        """The lowest submap that is measured, None without any measurement."""
        ends = [min(edge.a, edge.b) for edge in self.edges]
        return min([*ends, *(scale.submap for scale in self.scales)], default=None)

    def after(self, edges: int, scales: int) -> SegmentMeasurements:
        """Those after so many edges and scale observations."""
        return SegmentMeasurements(self.edges[edges:], self.scales[scales:])


@dataclass(eq=False)
class SegmentGraph:
    """The graph of one segment, the measurements in it, and its last solution."""

    anchor: int  # the submap that the graph begins with, which stays where it is
    graph: PoseGraph
    edges: list[Edge] = field(default_factory=list)
    scales: list[ScaleObservation] = field(default_factory=list)
    solution: GraphSolution | None = None
    rejected: frozenset[Edge] = frozenset()  # loops, by the last solution

    @staticmethod
    def empty(anchor: int) -> SegmentGraph:
        """A graph without measurements."""
        return SegmentGraph(anchor, PoseGraph(anchor))

    def is_extended_by(self, known: SegmentMeasurements) -> bool:
        """Whether all that is in the graph is among what is known now, in the same order."""
        pairs = ((self.edges, known.edges), (self.scales, known.scales))
        return all(len(held) <= len(now) and all(map(eq, held, now)) for held, now in pairs)

    def is_moved_by(self, known: SegmentMeasurements) -> bool:
        """Whether anything new can move a submap; an edge that adds one more submap to the others cannot."""
        new = self._new(known)
        return bool(new.scales) or not _adds_leaves_only(new.edges, set(self.graph.nodes))

    def can_wait(self, known: SegmentMeasurements, scene: Scene) -> bool:
        """Whether the new measurements are of few submaps, for the size of the graph, and agree with the scene.

        What agrees moves little. Solving costs as much as the graph is large, so the larger it is, the more may wait:
        a window costs the same after ten hours. What disagrees is never deferred.
        """
        new = self._new(known)
        waiting = {submap for edge in new.edges for submap in (edge.a, edge.b)} - self.graph.nodes
        if self.solution is None or len(waiting) > len(self.graph.nodes) // DEFER_RATIO:
            return False
        return all(_chi2(edge, scene) < CHI2_GATE for edge in new.edges) and all(
            abs(self._deviation(scale, scene)) < SCALE_GATE_SIGMAS * scale.sigma for scale in new.scales
        )

    def add(self, known: SegmentMeasurements) -> None:
        """Put what is new among the measurements into the graph."""
        new = self._new(known)
        for edge in new.edges:
            self.graph.add_edge(edge.a, edge.b, edge.a_from_b, edge.information, edge.loop)
        for scale in new.scales:
            self.graph.add_scale(scale.submap, scale.log_scale, scale.sigma, relative=not scale.absolute)
        self.edges, self.scales = list(known.edges), list(known.scales)

    def solve(self) -> GraphSolution:
        """Solve the graph with all that is in it."""
        self._accept(solution := self.graph.solve())
        return solution

    @property
    def has_metres(self) -> bool:
        """Whether a submap knows metres."""
        return any(scale.absolute for scale in self.scales)

    def unit(self, scene: Scene) -> float:
        """World units in a unit of the graph's first submap."""
        return scene.submaps[self.anchor].world_from_window.scale

    def height(self, scene: Scene) -> float | None:
        """The common length of the relative scale observations in world units, None if it is not known."""
        if self.solution is None or self.solution.common_log_scale is None:
            return None
        length = float(np.exp(self.solution.common_log_scale))
        return length if self.has_metres else self.unit(scene) * length

    def metres_per_unit(self, scene: Scene) -> float | None:
        """Metres in a world unit where a submap knows metres; None without."""
        if self.solution is None or not self.has_metres:
            return None
        return self.solution.world_from_node[self.anchor].scale / self.unit(scene)

    def apply(self, solution: GraphSolution, number: int, factor: float, scene: Scene) -> Scene:
        """The scene with the submaps of segment `number` moved to a solution, scaled by a factor about the first one.

        A submap without poses moves with the one whose pose it took.
        """
        start = scene.submaps[self.anchor].world_from_window
        scaled = Sim3(start.scale * factor, start.rotation, start.translation)
        world_from_graph = scaled @ solution.world_from_node[self.anchor].inverse()
        submaps = list(scene.submaps)
        for k, submap in enumerate(submaps):
            if k in solution.world_from_node:
                submaps[k] = replace(submap, world_from_window=world_from_graph @ solution.world_from_node[k])
            elif submap.segment == number and submap.previous is not None:
                submaps[k] = replace(submap, world_from_window=submaps[submap.previous].world_from_window)
        return replace(scene, submaps=tuple(submaps))

    def state(self) -> dict[str, Any]:
        """The last solution, for `from_state`: numbers and arrays."""
        return {
            "anchor": self.anchor,
            "edges": len(self.edges),
            "scales": len(self.scales),
            "graph": self.graph.state(),
        }

    @staticmethod
    def from_state(state: dict[str, Any], known: SegmentMeasurements) -> SegmentGraph:
        """The graph of a state; `known` begins with the measurements that were in it."""
        segment = SegmentGraph.empty(state["anchor"])
        segment.add(SegmentMeasurements(known.edges[: state["edges"]], known.scales[: state["scales"]]))
        segment._accept(segment.graph.restore(state["graph"]))
        return segment

    def _accept(self, solution: GraphSolution | None) -> None:
        kept = () if solution is None else solution.kept.tolist()
        self.solution = solution
        self.rejected = frozenset(edge for edge, is_kept in zip(self.edges, kept, strict=False) if not is_kept)

    def _new(self, known: SegmentMeasurements) -> SegmentMeasurements:
        return known.after(len(self.edges), len(self.scales))

    def _deviation(self, scale: ScaleObservation, scene: Scene) -> float:
        """Log-scale of a submap in the scene, in the unit of the graph, less what was observed; infinite if unknown."""
        if self.solution is None or (self.solution.common_log_scale is None and not scale.absolute):
            return np.inf
        unit = self.unit(scene) / self.solution.world_from_node[self.anchor].scale
        common = 0.0 if scale.absolute else self.solution.common_log_scale or 0.0
        log_scale = float(np.log(scene.submaps[scale.submap].world_from_window.scale / unit))
        return log_scale - common - scale.log_scale


def _adds_leaves_only(edges: Iterable[Edge], nodes: set[Any]) -> bool:
    """Whether every edge ties one new submap to those known before it, as in a chain or a tree."""
    for edge in edges:
        new = {edge.a, edge.b} - nodes
        if len(new) != 1:
            return False
        nodes |= new
    return True


def _chi2(edge: Edge, scene: Scene) -> float:
    """Squared Mahalanobis distance of an edge from the scene; infinite for an edge without information."""
    if edge.information is None:
        return np.inf
    a, b = (scene.submaps[submap].world_from_window for submap in (edge.a, edge.b))
    residual = (edge.a_from_b.inverse() @ a.inverse() @ b).log()
    return float(residual @ edge.information @ residual)
