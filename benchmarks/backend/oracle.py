"""What the most likely answer is: descent from the truth, and gtsam where it is installed (extra `dev`)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.backend.scenes import Scene
from da3_stream.geometry import Sim3, Sim3Array
from da3_stream.posegraph.build import build
from da3_stream.posegraph.levenberg_marquardt import levenberg_marquardt
from da3_stream.posegraph.problem import Problem

GTSAM_ORDER = [3, 4, 5, 0, 1, 2, 6]  # of its logarithm: rotation, translation, log-scale


@dataclass(frozen=True, eq=False)
class Optimum:
    """Transforms, their cost as the package counts it, and the seconds of this process that it took to find them."""

    world_from_window: list[Sim3]
    cost: float
    seconds: float


def problem_of(scene: Scene, informed: bool) -> Problem:
    """The scene as the package's solver sees it."""
    return build(scene.graph(informed)._measurements, False)


def from_the_truth(scene: Scene, informed: bool) -> Optimum:
    """Gauss-Newton (all but undamped Levenberg-Marquardt) from the truth, every edge kept."""
    problem, start = problem_of(scene, informed), time.process_time()
    weights = np.ones(len(scene.edges))
    found = levenberg_marquardt(problem, Sim3Array.stack(scene.truth), weights, 1e-13, 100)
    return Optimum(found.state.transforms(), found.cost, time.process_time() - start)


def has_gtsam() -> bool:
    """Whether gtsam is installed."""
    return find_spec("gtsam") is not None


def by_gtsam(scene: Scene, informed: bool, world_from_window: Sequence[Sim3]) -> Optimum:
    """gtsam's Levenberg-Marquardt over Similarity3, every edge kept, from a start."""
    import gtsam

    problem = problem_of(scene, informed)
    graph, values = gtsam.NonlinearFactorGraph(), gtsam.Values()
    for edge, information in zip(scene.edges, problem.edges.information, strict=True):
        noise = gtsam.noiseModel.Gaussian.Information(information[np.ix_(GTSAM_ORDER, GTSAM_ORDER)])
        graph.add(gtsam.BetweenFactorSimilarity3(edge.a, edge.b, _to_gtsam(edge.a_from_b), noise))
    graph.add(gtsam.NonlinearEqualitySimilarity3(0, gtsam.Similarity3.Identity()))
    for window, transform in enumerate(world_from_window):
        values.insert(window, _to_gtsam(transform))
    parameters = gtsam.LevenbergMarquardtParams()
    parameters.setRelativeErrorTol(1e-12)
    parameters.setAbsoluteErrorTol(1e-12)
    start = time.process_time()
    result = gtsam.LevenbergMarquardtOptimizer(graph, values, parameters).optimize()
    seconds = time.process_time() - start
    found = [_from_gtsam(result.atSimilarity3(window)) for window in range(len(scene.truth))]
    return Optimum(found, problem.cost(Sim3Array.stack(found), np.ones(len(scene.edges))), seconds)


def _to_gtsam(transform: Sim3) -> Any:
    """gtsam's acts as s (R p + t)."""
    import gtsam

    return gtsam.Similarity3(gtsam.Rot3(transform.rotation), transform.translation / transform.scale, transform.scale)


def _from_gtsam(found: Any) -> Sim3:
    scale = found.scale()
    return Sim3(scale, found.rotation().matrix(), scale * np.asarray(found.translation()))
