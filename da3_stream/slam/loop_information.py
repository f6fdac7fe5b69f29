"""What a loop would tell the map: the mutual information of the expected edge and the pose graph as it is.

A lap after many laps would otherwise cost a look for every earlier one. After Ila, Porta and Andrade-Cetto,
"Information-based compact pose SLAM" (T-RO 2010): of all edges that could be measured, those are worth a measurement
that tell much, given what the graph knows of how their nodes lie to each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..geometry import Sim3
from ..loops import expected_information
from ..posegraph import Edge, edges_around, mutual_information, relative_covariance
from ..types import LoopCandidate
from .backend import Backend
from .segment_graph import chi2
from .submaps import SubmapStore

SAME_CLOSURE = 2  # submaps on both sides within which two loops measure one and the same return
UNKNOWNS = 7


class LoopInformation:
    """Asked for every candidate; knows no more than the map and the graph do."""

    def __init__(self, submaps: SubmapStore, backend: Backend) -> None:
        self._submaps, self._backend = submaps, backend

    def of(self, candidate: LoopCandidate, found: Sequence[Edge]) -> float:
        """Nats that a candidate would tell, given the graph and the loops that were `found` since; infinite where no
        edges near both places tie them.

        Loops of the same return do not count: they confirm each other, and how many are wanted is a matter of their
        spacing. So what counts is a tie over a third visit, or along the way.
        """
        a, b = (self._submaps.submap_of(frame) for frame in (candidate.earlier, candidate.later))
        edges = [] if a == b else edges_around(a, b, lambda submap: self._edges_at(submap, (a, b), found))
        expected = self._expected(b, candidate.later)
        if not edges or expected is None:
            return np.inf
        covariance = self._variance_factor(edges, found) * relative_covariance(a, b, edges)
        return mutual_information(expected, covariance)

    def _edges_at(self, submap: int, pair: tuple[int, int], found: Sequence[Edge]) -> list[Edge]:
        new = [edge for edge in found if submap in (edge.a, edge.b)]
        return [edge for edge in (*self._backend.edges_at(submap), *new) if not _is_same_closure(edge, pair)]

    def _expected(self, submap: int, frame: int) -> np.ndarray | None:
        """Information [7,7] of a loop at a frame; None where its submap has no pose or no depth there."""
        cameras = self._submaps.cameras[submap]
        pose = cameras.window_from_camera[int(np.searchsorted(cameras.frame_indices, frame))]
        if not (np.isfinite(pose).all() and cameras.median_depth > 0):
            return None
        return expected_information(Sim3(1.0, pose[:3, :3], pose[:3, 3]), cameras.median_depth)

    def _variance_factor(self, edges: Sequence[Edge], found: Sequence[Edge]) -> float:
        """By how much the edges contradict each other more than their covariances allow: the variance factor of
        geodesy, chi^2 over its degrees of freedom, but no less than 1."""
        solved = [edge for edge in edges if not any(edge is new for new in found)]
        nodes = {end for edge in edges for end in (edge.a, edge.b)}
        redundant = max(len(solved) - len(nodes) + 1, 1)
        return max(1.0, sum(chi2(edge, self._submaps.scene) for edge in solved) / (UNKNOWNS * redundant))


def _is_same_closure(edge: Edge, pair: tuple[int, int]) -> bool:
    return edge.loop and max(abs(edge.a - pair[0]), abs(edge.b - pair[1])) <= SAME_CLOSURE
