"""Which loops between runs are believed: first by the runs' own positions, then by the graph around those in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.stats import chi2

from benchmarks.city.world import EDGE_SIGMAS, GPS_SIGMA, Array, City, Indices, Mask
from da3_stream.geometry import Sim3Array
from da3_stream.posegraph.gnc import GATE, Optimiser, select_loops
from da3_stream.posegraph.problem import Problem

FAR = float(chi2.isf(1e-6, 2))  # of two numbers: one true loop in a million lies beyond
RINGS = 2  # of runs around a loop in doubt: those it ties, and those that loops tie to these


def near_enough(city: City, start: Sim3Array) -> Mask:
    """Mask [E] of the edges that agree with where each run alone has its submaps; chains always do.

    Compared are places on the ground. A fit of a similarity to n positions knows a submap's place with GPS_SIGMA^2
    (1/n + |w|^2 / sum |w|^2), w its distance from the middle of the run.
    """
    a, b = city.ends.T
    predicted = start[a] @ city.b_from_a.inverse()
    off = predicted.translation[:, :2] - start.translation[b, :2]
    variance = GPS_SIGMA**2 * (_leverages(city, start)[city.ends]).sum(axis=1) + EDGE_SIGMAS[0] ** 2
    return ~city.loop | (np.sum(off**2, axis=1) / variance <= FAR)


def in_doubt(city: City, believed: Mask, state: Sim3Array) -> Indices:
    """The loops that do not fit at the optimum of those believed [E]: false ones, or those beside a false one."""
    every = city.edges(np.arange(len(city.ends)), city.ends)
    residuals = every.residuals(state)
    fit = np.einsum("ei,i,ei->e", residuals, EDGE_SIGMAS**-2.0, residuals)
    return np.flatnonzero(believed & city.loop & (fit > GATE))


@dataclass(frozen=True, eq=False)
class Quarter:
    """The runs around loops in doubt: their submaps and the edges between them."""

    submaps: Indices
    edges: Indices

    def judged(self, city: City, state: Sim3Array) -> Mask:
        """Which of its edges the project's own selection of loops keeps (graduated non-convexity and what follows)."""
        ends = np.searchsorted(self.submaps, city.ends[self.edges])
        ties = city.ties(self.submaps, np.arange(len(self.submaps)))
        free = np.ones((len(self.submaps), 7), bool)
        problem = Problem.of(city.edges(self.edges, ends), city.loop[self.edges], ties, free)
        return select_loops(Optimiser.of(problem), state[self.submaps]).kept


def quarters(city: City, believed: Mask, doubted: Sequence[int]) -> list[Quarter]:
    """A quarter for every group of doubted loops whose rings of runs share a doubted loop."""
    runs = city.run[city.ends]
    count = int(city.run[-1]) + 1
    tied = runs[believed & city.loop]
    beside = sparse.csr_array((np.ones(2 * len(tied)), (tied.ravel(), tied[:, ::-1].ravel())), shape=(count, count))
    left, found = set(map(int, doubted)), list[Quarter]()
    while left:
        inside = np.zeros(count, bool)
        inside[runs[min(left)]] = True
        for _ in range(RINGS - 1):
            inside |= beside @ inside > 0
        edges = np.flatnonzero(believed & inside[runs].all(axis=1))
        found.append(Quarter(np.flatnonzero(inside[city.run]), edges))
        left -= set(edges.tolist())
    return found


def _leverages(city: City, start: Sim3Array) -> Array:
    """By how much of a position's variance the place of each submap [N] varies."""
    places = start.translation[:, :2].reshape(int(city.run[-1]) + 1, -1, 2)
    square = np.sum((places - places.mean(axis=1, keepdims=True)) ** 2, axis=2)
    return (1 / places.shape[1] + square / square.sum(axis=1, keepdims=True)).ravel()
