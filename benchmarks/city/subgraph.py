"""A sub-graph of the city: the factors of a part and those below it, and their equations for its border alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.city.dissection import Part
from benchmarks.city.fronts import Eliminated, eliminate
from benchmarks.city.world import Array, City, Indices
from da3_stream.geometry import Sim3Array
from da3_stream.posegraph.problem import Problem

ROWS = 512  # that are added at a time

Told = Mapping[int, Array]  # of the border of a part, by its `id`


@dataclass(frozen=True, eq=False)
class Subgraph:
    """Some parts, children first, the edges that touch their submaps first, and these submaps' ties to the world."""

    parts: list[Part]
    nodes: Indices  # [n], sorted: own submaps, and those that edges tie to them
    own: Indices  # [k], sorted
    problem: Problem  # over `nodes`
    weights: Array  # of its edges

    @staticmethod
    def of(city: City, parts: list[Part], edges: Indices, weights: Array) -> Subgraph:
        """The sub-graph of parts with their edges [E] (rows of the city's), weighted [E]."""
        own = np.sort(np.concatenate([part.own for part in parts]))
        nodes = np.union1d(own, city.ends[edges])
        factors = city.edges(edges, np.searchsorted(nodes, city.ends[edges]))
        ties = city.ties(own, np.searchsorted(nodes, own))
        problem = Problem.of(factors, city.loop[edges], ties, np.ones((len(nodes), 7), bool))
        return Subgraph(parts, nodes, own, problem, weights)

    def cost(self, state: Sim3Array) -> float:
        """1/2 sum r^T Omega r of its factors at the state [n] of its nodes."""
        return self.problem.cost(state, self.weights)

    def linearise(self, state: Sim3Array) -> Equations:
        """Its normal equations at the state [n] of its nodes."""
        blocks, slope = self.problem.normal_equations(state, self.weights)
        return Equations(self, blocks, slope[:, :, 0])


@dataclass(frozen=True, eq=False)
class Equations:
    """The normal equations of a sub-graph, in the order of its problem's pattern."""

    subgraph: Subgraph
    blocks: Array  # [B,7,7]
    slopes: Array  # [n,7]

    def eliminate(self, told: Told, damping: float) -> tuple[list[Eliminated], Array]:
        """Eliminate part after part; `told` are the border's matrices of children that are not in the sub-graph.

        Also given is the last part's border's matrix.
        """
        assembly, known, done = _Assembly.of(self), dict(told), list[Eliminated]()
        for k, part in enumerate(self.subgraph.parts):
            matrix = assembly.matrix(k)
            for child in part.below:
                _add(matrix, _unknowns(child.border, part), known.pop(id(child)))
            eliminated, known[id(part)] = eliminate(matrix, 7 * len(part.own), damping)
            done.append(eliminated)
        return done, known[id(self.subgraph.parts[-1])]

    def reduce(self, eliminated: Sequence[Eliminated], told: Told) -> tuple[list[Array], Array]:
        """The same for the slopes, with factors that are there: reduced slopes by part, and the border's."""
        assembly, known, done = _Assembly.of(self), dict(told), list[Array]()
        for k, (part, factors) in enumerate(zip(self.subgraph.parts, eliminated, strict=True)):
            slope = assembly.slope(k)
            for child in part.below:
                slope[_unknowns(child.border, part)] += known.pop(id(child))
            reduced, known[id(part)] = factors.reduce(slope)
            done.append(reduced)
        return done, known[id(self.subgraph.parts[-1])]

    def by_node(self) -> Array:
        """The slopes [n,7] in the order of the sub-graph's nodes."""
        return self.slopes[self.subgraph.problem.pattern.place]


@dataclass(frozen=True, eq=False)
class _Assembly:
    """Which blocks and slopes belong to which part: to that which is eliminated first; the border's to the last one."""

    equations_of: Equations
    rows: Indices  # [B] and
    columns: Indices  # [B]: nodes of the city, of each block
    by_part: list[Indices]  # blocks
    slopes_by_part: list[Indices]  # nodes of the sub-graph

    @staticmethod
    def of(equations: Equations) -> _Assembly:
        subgraph, pattern = equations.subgraph, equations.subgraph.problem.pattern
        parts, nodes = subgraph.parts, subgraph.nodes
        part_of = np.full(len(nodes), len(parts) - 1)
        for k, part in enumerate(parts):
            part_of[np.searchsorted(nodes, part.own)] = k
        node_at = np.argsort(pattern.place)
        row = node_at[np.repeat(np.arange(len(nodes)), np.diff(pattern.indptr))]
        column = node_at[pattern.indices]
        first = np.minimum(part_of[row], part_of[column])
        return _Assembly(
            equations, nodes[row], nodes[column], _grouped(first, len(parts)), _grouped(part_of, len(parts))
        )

    def matrix(self, k: int) -> Array:
        """The matrix [m,m] of part k: its own unknowns, then its border's."""
        part, blocks = self.equations_of.subgraph.parts[k], self.by_part[k]
        count = len(part.own) + len(part.border)
        matrix = np.zeros((count, 7, count, 7))
        rows, columns = _positions(self.rows[blocks], part), _positions(self.columns[blocks], part)
        matrix[rows, :, columns, :] = self.equations_of.blocks[blocks]
        return matrix.reshape(7 * count, 7 * count)

    def slope(self, k: int) -> Array:
        """The slope [m] of part k."""
        subgraph, part = self.equations_of.subgraph, self.equations_of.subgraph.parts[k]
        nodes = self.slopes_by_part[k]
        slope = np.zeros((len(part.own) + len(part.border), 7))
        slope[_positions(subgraph.nodes[nodes], part)] = self.equations_of.slopes[subgraph.problem.pattern.place[nodes]]
        return slope.ravel()


def _unknowns(border: Indices, part: Part) -> Indices:
    """The unknowns of a part's equations that are a child's border's."""
    return (7 * _positions(border, part)[:, None] + np.arange(7)).ravel()


def _positions(nodes: Indices, part: Part) -> Indices:
    """Where nodes stand among a part's own submaps and those at its border, both sorted."""
    own = np.searchsorted(part.own, nodes)
    is_own = part.own[np.minimum(own, len(part.own) - 1)] == nodes if len(part.own) else np.zeros(len(nodes), bool)
    return np.where(is_own, own, len(part.own) + np.searchsorted(part.border, nodes))


def _add(matrix: Array, unknowns: Indices, told: Array) -> None:
    """Add what a child tells, some rows at a time so that no copy of a large matrix is made."""
    for first in range(0, len(unknowns), ROWS):
        rows = unknowns[first : first + ROWS]
        matrix[rows[:, None], unknowns] += told[first : first + ROWS]


def _grouped(group: Indices, count: int) -> list[Indices]:
    """The indices of each group below `count`."""
    order = np.argsort(group, kind="stable")
    return np.split(order, np.searchsorted(group[order], np.arange(1, count)))
