"""Graphs with known truth for the back-end's benchmarks: rings of windows, noisy edges, true and false loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry import Sim3, umeyama
from da3_stream.posegraph import GraphSolution, PoseGraph

Array = NDArray[np.float64]
Pair = tuple[int, int]

RADIUS = 150.0  # m
WINDOWS = 75
NOISE = np.array([0.3] * 3 + [0.004] * 4)  # m, rad, log-scale
FAR = 100.0  # m between places that a false loop takes for one


@dataclass(frozen=True, eq=False)
class SceneEdge:
    """One measurement: `a_from_b`, what generated its noise, and whether it is a loop, and a false one."""

    a: int
    b: int
    a_from_b: Sim3
    sigmas: Array  # [7]
    loop: bool = False
    false: bool = False


@dataclass(frozen=True, eq=False)
class Scene:
    """Windows of known place, and edges between them."""

    truth: list[Sim3]
    edges: list[SceneEdge]

    def true_only(self) -> Scene:
        """The same without the false loops."""
        return replace(self, edges=[edge for edge in self.edges if not edge.false])

    def false_pairs(self) -> list[Pair]:
        """The windows that false loops join, sorted."""
        return sorted((edge.a, edge.b) for edge in self.edges if edge.false)

    def in_unit(self, unit: float) -> Scene:
        """The same with one metre written as `unit`."""
        edges = [
            replace(e, a_from_b=_stretched(e.a_from_b, unit), sigmas=e.sigmas * ([unit] * 3 + [1] * 4))
            for e in self.edges
        ]
        return Scene([_stretched(t, unit) for t in self.truth], edges)

    def graph(self, informed: bool) -> PoseGraph:
        """The scene as a pose graph, with the information that generated it or the default's."""
        graph = PoseGraph(0)
        for e in self.edges:
            graph.add_edge(e.a, e.b, e.a_from_b, np.diag(e.sigmas**-2.0) if informed else None, loop=e.loop)
        return graph

    def world(self, solution: GraphSolution) -> list[Sim3]:
        """Where a solution has the windows 0, 1, 2, ..."""
        return [solution.world_from_node[window] for window in range(len(self.truth))]

    def ate(self, found: Sequence[Sim3]) -> float:
        """Root mean square error of the windows' origins after the best similarity, in the scene's unit."""
        x, y = (np.array([each.translation for each in side]) for side in (found, self.truth))
        return float(np.sqrt(np.mean(np.sum((umeyama(y, x).apply(x) - y) ** 2, axis=1))))

    def scale_error(self, found: Sequence[Sim3]) -> float:
        """The largest relative error of a window's scale after the similarity that aligns the origins."""
        x, y = (np.array([each.translation for each in side]) for side in (found, self.truth))
        truth_from_found = umeyama(y, x).scale
        ratios = [truth_from_found * f.scale / t.scale for f, t in zip(found, self.truth, strict=True)]
        return float(np.abs(np.array(ratios) - 1).max())

    def judged_right(self, solution: GraphSolution) -> bool:
        """Whether the loops refused are the false ones and no other."""
        return sorted(solution.rejected) == self.false_pairs()


def two_laps(seed: int) -> Scene:
    """75 windows on two laps, three true loops between the laps, everything with the same noise."""
    rng, truth = np.random.default_rng(seed), ring(WINDOWS, 2)
    edges = [seen(truth, k, k + 1, NOISE, rng) for k in range(WINDOWS - 1)]
    edges += [seen(truth, *_lap_apart(start, rng), NOISE, rng, loop=True) for start in (0, 12, 25)]
    return Scene(truth, edges)


def one_lap(seed: int, bias: float, noise: Array) -> Scene:
    """75 windows on one lap, every scale too large by `bias`, closed by one true loop."""
    rng, truth = np.random.default_rng(seed), ring(WINDOWS, 1)
    edges = [seen(truth, k, k + 1, noise, rng) for k in range(WINDOWS - 1)]
    drifting = [replace(e, a_from_b=replace(e.a_from_b, scale=e.a_from_b.scale * (1 + bias))) for e in edges]
    return Scene(truth, [*drifting, seen(truth, 0, WINDOWS - 1, noise, rng, loop=True)])


def with_random(scene: Scene, count: int, seed: int) -> Scene:
    """With loops that take places far apart for one, each on its own."""
    rng, false = np.random.default_rng([seed, 1]), list[SceneEdge]()
    while len(false) < count:
        a, b = sorted(int(k) for k in rng.choice(len(scene.truth), 2, replace=False))
        if _distance(scene.truth, a, b) >= FAR and all((a, b) != (e.a, e.b) for e in false):
            false.append(SceneEdge(a, b, Sim3.identity(), NOISE, True, True))
    return replace(scene, edges=[*scene.edges, *false])


def with_consistent(scene: Scene, count: int, seed: int) -> Scene:
    """With loops that all mistake one stretch of road for another."""
    rng, last = np.random.default_rng([seed, 2]), len(scene.truth) - count
    while True:
        a, b = sorted(int(k) for k in rng.integers(0, last + 1, 2))
        pairs = [(a + k, b + k) for k in range(count)]
        if b - a > count and all(_distance(scene.truth, *pair) >= FAR for pair in pairs):
            false = [SceneEdge(*pair, Sim3.identity(), NOISE, True, True) for pair in pairs]
            return replace(scene, edges=[*scene.edges, *false])


def with_wrong_scale(scene: Scene, count: int, seed: int, factor: float) -> Scene:
    """With loops between places that are one indeed, their scale wrong by a factor."""
    rng = np.random.default_rng([seed, 3])
    taken = {edge.a for edge in scene.edges if edge.loop}
    starts = rng.choice([k for k in range(36) if k not in taken], count, replace=False)
    false = [seen(scene.truth, *_lap_apart(int(k), rng, 1), NOISE, rng, loop=True) for k in starts]
    wrong = [replace(e, a_from_b=replace(e.a_from_b, scale=factor * e.a_from_b.scale), false=True) for e in false]
    return replace(scene, edges=[*scene.edges, *wrong])


def ring(windows: int, laps: float) -> list[Sim3]:
    """`world_from_window` along a level circle, window 0 at the origin."""
    angles = 2 * np.pi * laps * np.arange(windows) / windows
    world = [
        Sim3(1.0, Rotation.from_euler("y", -t).as_matrix(), RADIUS * np.array([np.cos(t), 0.0, np.sin(t)]))
        for t in angles
    ]
    return [world[0].inverse() @ transform for transform in world]


def _lap_apart(start: int, rng: np.random.Generator, width: int = 12) -> Pair:
    """A window of the first lap and one of the second at its place (half a window off)."""
    a = start + int(rng.integers(width))
    return a, a + int(rng.integers(37, 39))


def seen(
    truth: Sequence[Sim3], a: int, b: int, sigmas: Array, rng: np.random.Generator, loop: bool = False
) -> SceneEdge:
    """What is measured between two windows, with noise on its right."""
    noise = Sim3.exp(sigmas * rng.normal(size=7))
    return SceneEdge(a, b, truth[a].inverse() @ truth[b] @ noise, sigmas, loop)


def _distance(truth: Sequence[Sim3], a: int, b: int) -> float:
    return float(np.linalg.norm(truth[a].translation - truth[b].translation))


def _stretched(transform: Sim3, unit: float) -> Sim3:
    return replace(transform, translation=unit * transform.translation)
