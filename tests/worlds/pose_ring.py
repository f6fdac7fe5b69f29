"""Rings of windows with known truth, and noisy edges on them."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from da3_stream.geometry import Sim3, umeyama
from da3_stream.posegraph import GraphSolution

SIGMAS = np.array([0.3] * 3 + [0.004] * 4)  # m, rad, log-scale


def ring(windows: int, laps: float, radius: float = 150.0) -> list[Sim3]:
    """`world_from_node` along a circle in the plane y = 0, node 0 at the origin."""
    angles = 2 * np.pi * laps * np.arange(windows) / windows
    world = [
        Sim3(1.0, Rotation.from_euler("y", -t).as_matrix(), radius * np.array([np.cos(t), 0.0, np.sin(t)]))
        for t in angles
    ]
    return [world[0].inverse() @ transform for transform in world]


def seen(truth: list[Sim3], a: int, b: int, rng: np.random.Generator, sigmas: np.ndarray = SIGMAS) -> Sim3:
    """`a_from_b` with noise on its right."""
    return truth[a].inverse() @ truth[b] @ Sim3.exp(sigmas * rng.normal(size=7))


def ate(found: list[Sim3], truth: list[Sim3]) -> float:
    """Root mean square distance of the windows' origins after the best similarity, in the truth's unit."""
    x, y = (np.array([each.translation for each in side]) for side in (found, truth))
    return float(np.sqrt(np.mean(np.sum((umeyama(y, x).apply(x) - y) ** 2, axis=1))))


def furthest(found: list[Sim3], truth: list[Sim3]) -> float:
    """The largest difference of two lists of transforms, entry by entry."""
    return max(float(np.abs(a.matrix() - b.matrix()).max()) for a, b in zip(found, truth, strict=True))


def world(solution: GraphSolution) -> list[Sim3]:
    """Where the nodes 0, 1, 2, ... lie."""
    return [solution.world_from_node[node] for node in range(len(solution.world_from_node))]
