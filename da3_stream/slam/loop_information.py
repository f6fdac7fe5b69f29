"""What a loop would tell the map: the mutual information of the expected edge and the pose graph as it is.

A lap after many laps would otherwise cost a look for every earlier one. After Ila, Porta and Andrade-Cetto,
"Information-based compact pose SLAM" (T-RO 2010): of all edges that could be measured, those are worth a measurement
that tell much, given what the graph knows of how their nodes lie to each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..geometry import Sim3, Sim3Array
from ..loops import expected_information
from ..posegraph import Edge, edges_around, mutual_information, relative_covariance
from ..types import LoopCandidate
from .backend import Backend
from .submaps import SubmapStore

SAME_CLOSURE = 2  # submaps on both sides within which two loops measure one and the same return
UNKNOWNS = 7
FURTHER_VISIT = 1.25  # times the least information, where a place was compared with another visit before


class LoopInformation:
    """Asked for every candidate; knows no more than the map and the graph do."""

    def __init__(self, submaps: SubmapStore, backend: Backend, least: float) -> None:
        """`least` nats are wanted of a loop."""
        self._submaps, self._backend, self._least = submaps, backend, least

    def too_little(self, candidate: LoopCandidate, found: Sequence[Edge]) -> float | None:
        """The nats that a candidate would tell, where they are too few for a look; None where it is worth one.

        Given are the graph and the loops that were `found` since. Where no edges nearby tie both places, it always is.
        Loops of the same return do not count: they confirm each other, and how many are wanted is a
        matter of their spacing. What counts is a tie over a third visit, or along the way. The first visit that a place
        is compared with ties the new one to the map; a further one must tell more, or the hundredth lap would cost as
        many looks as there are visits that resemble it.
        """
        a, b = pair = self._submaps.submap_of(candidate.earlier), self._submaps.submap_of(candidate.later)
        edges = [] if a == b else edges_around(a, b, lambda submap: self._edges_at(submap, pair, found))
        expected = self._expected(b, candidate.later)
        if not edges or expected is None:
            return None
        wanted = self._least * (FURTHER_VISIT if candidate.rank else 1.0)
        covariance = relative_covariance(a, b, edges)
        if mutual_information(expected, covariance) >= wanted:
            return None
        nats = mutual_information(expected, self._variance_factor(edges, found) * covariance)
        return nats if nats < wanted else None

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
        return max(1.0, self._chi2(solved) / (UNKNOWNS * redundant))

    def _chi2(self, edges: Sequence[Edge]) -> float:
        """Sum of the squared Mahalanobis distances of edges, which have information, from the scene."""
        if not edges:
            return 0.0
        submaps = self._submaps.scene.submaps
        world_from_a, world_from_b = (
            Sim3Array.stack([submaps[end].world_from_window for end in ends])
            for ends in zip(*((edge.a, edge.b) for edge in edges), strict=True)
        )
        measured = Sim3Array.stack([edge.a_from_b for edge in edges])
        residuals = (measured.inverse() @ (world_from_a.inverse() @ world_from_b)).log()
        information = np.stack([np.asarray(edge.information) for edge in edges])
        return float(np.einsum("ei,eij,ej->", residuals, information, residuals))


def _is_same_closure(edge: Edge, pair: tuple[int, int]) -> bool:
    return edge.loop and max(abs(edge.a - pair[0]), abs(edge.b - pair[1])) <= SAME_CLOSURE
