"""A made-up city: runs along a grid of streets, what each measures, and the loops between runs in the same street.

A run is a walk of submaps from crossing to crossing. It measures each submap in the one before, its place by a receiver
of satellites, and which way is up. Where two runs drive a street the same way, a loop ties them; some loops are false.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry import Sim3Array
from da3_stream.posegraph.factors import EdgeFactors, GravityFactors, PositionFactors

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

BLOCK = 100.0  # m between crossings, and between submaps
LANE = 3.0  # m, sigma of where in the street a run drives
STRAIGHT = 0.7  # how often a run goes straight on at a crossing; else it turns left or right
EDGE_SIGMAS = np.array([0.3] * 3 + [0.004] * 4)  # m, rad, log-scale: those of the trials in posegraph_facts.md
GPS_SIGMA = 5.0  # m
UP_SIGMA = 0.01  # rad
FALSE_SHIFT = (5.0, 60.0)  # m along the street, by which a false loop takes one place for another
UPRIGHT = np.array([0.0, 0.0, 1.0])
STEPS = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])  # of the headings east, north, west, south


@dataclass(frozen=True, eq=False)
class City:
    """N submaps of runs, E edges between them (chains first), and what ties each submap to the world."""

    truth: Sim3Array  # [N] world_from_submap: x east, y north, z up, metres
    run: Indices  # [N]
    ends: Indices  # [E,2]: a, b
    b_from_a: Sim3Array  # [E], as measured
    loop: Mask  # [E]
    false: Mask  # [E]
    gps: Array  # [N,3]
    up: Array  # [N,3], in the submap

    def __len__(self) -> int:
        return len(self.run)

    @cached_property
    def edge_information(self) -> Array:
        """Information [7,7] of every edge."""
        return np.diag(EDGE_SIGMAS**-2.0)

    def edges(self, chosen: Indices, ends: Indices) -> EdgeFactors:
        """The factors of some edges [K], between nodes that are called `ends` [K,2]."""
        information = np.broadcast_to(self.edge_information, (len(chosen), 7, 7))
        return EdgeFactors(ends, self.b_from_a[chosen], information)

    def ties(self, submaps: Indices, nodes: Indices) -> tuple[PositionFactors, GravityFactors]:
        """What ties some submaps [K], called `nodes` [K], to the world."""
        count = len(submaps)
        zenith = np.broadcast_to(UPRIGHT, (count, 3))
        by_gps = np.broadcast_to(np.eye(3) / GPS_SIGMA**2, (count, 3, 3))
        by_up = np.broadcast_to(np.eye(3) / UP_SIGMA**2, (count, 3, 3))
        at = nodes[:, None]
        return (
            PositionFactors(at, np.zeros((count, 3)), self.gps[submaps], by_gps),
            GravityFactors(at, self.up[submaps], zenith, by_up),
        )

    def start(self) -> Sim3Array:
        """Where each run alone would put its submaps [N]: its chain, turned, stretched and moved onto its positions."""
        length = int(np.sum(self.run == 0))
        chain = _chained(self.b_from_a[np.arange(int(np.sum(~self.loop)))].inverse(), length)
        return _on_positions(_levelled(chain, self.up[::length]), self.gps, length)

    def error(self, state: Sim3Array) -> float:
        """Root mean square distance of submaps from their true places, in metres."""
        return float(np.sqrt(np.mean(np.sum((state.translation - self.truth.translation) ** 2, axis=1))))


def make_city(runs: int, *, length: int = 10, passes: float = 2.0, false: float = 0.01, seed: int = 0) -> City:
    """Runs of `length` submaps in a square city whose streets are driven `passes` times on average, both ways together.

    `false` is the share of loops that tie what is not the same place.
    """
    rng = np.random.default_rng(seed)
    side = max(2, round(np.sqrt(runs * length / (2 * passes))))
    crossing, heading = _walks(runs, length, side, rng)
    truth = _poses(crossing, heading, rng)
    run = np.repeat(np.arange(runs), length)
    chain = np.stack([np.arange(len(run) - 1), np.arange(1, len(run))], axis=1)[run[:-1] == run[1:]]
    loops = _loops((crossing[:, 0] * side + crossing[:, 1]) * 4 + heading, run, rng)
    ends = np.concatenate([chain, loops])
    loop = np.arange(len(ends)) >= len(chain)
    wrong = loop & (rng.random(len(ends)) < false)
    gps = truth.translation + GPS_SIGMA * rng.standard_normal((len(run), 3))
    up = np.swapaxes(truth.rotation, 1, 2) @ UPRIGHT + UP_SIGMA * rng.standard_normal((len(run), 3))
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    return City(truth, run, ends, _measured(truth, ends, wrong, rng), loop, wrong, gps, up)


def _walks(runs: int, length: int, side: int, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Crossings [N,2] and headings [N] of runs that start anywhere; at the city's edge a run turns."""
    at, heading = rng.integers(0, side, (runs, 2)), rng.integers(0, 4, runs)
    crossings, headings = [], []
    for _ in range(length):
        turn = rng.choice([0, 1, 3], runs, p=[STRAIGHT, (1 - STRAIGHT) / 2, (1 - STRAIGHT) / 2])
        heading = (heading + turn) % 4
        for _ in range(3):  # in a corner two ways lead out
            ahead = at + STEPS[heading]
            heading = np.where(np.any((ahead < 0) | (ahead >= side), axis=1), (heading + 1) % 4, heading)
        crossings.append(at)
        headings.append(heading)
        at = at + STEPS[heading]
    return np.stack(crossings, axis=1).reshape(-1, 2), np.stack(headings, axis=1).ravel()


def _poses(crossing: Indices, heading: Indices, rng: np.random.Generator) -> Sim3Array:
    """World from submap [N], somewhere in the lane of its street, looking along it."""
    place = BLOCK * crossing + LANE * rng.standard_normal((len(crossing), 2))
    yaw = np.pi / 2 * heading + 0.05 * rng.standard_normal(len(heading))
    rotation = Rotation.from_rotvec(yaw[:, None] * UPRIGHT).as_matrix()
    return Sim3Array(np.ones(len(yaw)), rotation, np.column_stack([place, np.zeros(len(yaw))]))


def _loops(street: Indices, run: Indices, rng: np.random.Generator) -> Indices:
    """Pairs [L,2] of submaps of different runs in one street, same way: each with one that drove there before."""
    order = np.lexsort((rng.random(len(street)), street))
    pairs = np.stack([order[:-1], order[1:]], axis=1)
    return np.sort(pairs[(street[pairs[:, 0]] == street[pairs[:, 1]]) & (run[pairs[:, 0]] != run[pairs[:, 1]])], axis=1)


def _measured(truth: Sim3Array, ends: Indices, wrong: Mask, rng: np.random.Generator) -> Sim3Array:
    """b_from_a [E] with noise on the right of a_from_b; false ones are off along the street."""
    a_from_b = truth[ends[:, 0]].inverse() @ truth[ends[:, 1]]
    shift = rng.uniform(*FALSE_SHIFT, len(ends)) * rng.choice([-1, 1], len(ends)) * wrong
    a_from_b = Sim3Array(a_from_b.scale, a_from_b.rotation, a_from_b.translation + shift[:, None] * [1.0, 0.0, 0.0])
    return (a_from_b @ Sim3Array.exp(EDGE_SIGMAS * rng.standard_normal((len(ends), 7)))).inverse()


def _chained(a_from_b: Sim3Array, length: int) -> Sim3Array:
    """First from submap [N] of runs, from their edges [N - runs]."""
    runs = len(a_from_b) // (length - 1)
    at = Sim3Array(np.ones(runs), np.broadcast_to(np.eye(3), (runs, 3, 3)), np.zeros((runs, 3)))
    parts = [at]
    for k in range(length - 1):
        parts.append(parts[-1] @ a_from_b[np.arange(runs) * (length - 1) + k])
    every = Sim3Array.concatenate(parts)
    return every[np.arange(runs * length).reshape(length, runs).T.ravel()]


def _levelled(chain: Sim3Array, up: Array) -> Sim3Array:
    """The chains [N] turned by the smallest rotation that brings their first submaps' up [runs,3] to the z axis."""
    axis = np.cross(up, UPRIGHT)
    sine = np.linalg.norm(axis, axis=1)
    angle = np.arctan2(sine, up[:, 2])
    turn = Rotation.from_rotvec(axis * (angle / np.maximum(sine, 1e-12))[:, None]).as_matrix()
    turns = np.repeat(turn, len(chain) // len(up), axis=0)
    return Sim3Array(np.ones(len(turns)), turns, np.zeros((len(turns), 3))) @ chain


def _on_positions(level: Sim3Array, positions: Array, length: int) -> Sim3Array:
    """Each run turned about the vertical, stretched and moved so that it fits its positions [N,3] best."""
    found, known = level.translation.reshape(-1, length, 3), positions.reshape(-1, length, 3)
    centre, target = found.mean(1, keepdims=True), known.mean(1, keepdims=True)
    w, z = (((p - c)[..., 0] + 1j * (p - c)[..., 1]) for p, c in ((found, centre), (known, target)))
    factor = np.sum(np.conj(w) * z, axis=1) / np.sum(np.abs(w) ** 2, axis=1)
    turn = Rotation.from_rotvec(np.angle(factor)[:, None] * UPRIGHT).as_matrix()
    scale = np.abs(factor)
    move = target[:, 0] - scale[:, None] * np.einsum("nij,nj->ni", turn, centre[:, 0])
    rows = np.repeat(np.arange(len(turn)), length)
    return Sim3Array(scale, turn, move)[rows] @ level
