"""The similarity between predicted cameras and given ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3, umeyama

ROBUST_FROM = 10  # from this many cameras on some may be wrong
TRIALS = 10
SEED = 42

Float64 = NDArray[np.float64]


def predicted_from_given(predicted: Float64, given: Float64) -> Sim3:
    """The similarity between camera centres of two sets of camera_from_world [N,3 or 4,4] (Umeyama 1991), from the
    agreeing ones among many. One camera, or all in one place: scale 1."""
    target, source = _centres(predicted), _centres(given)
    return umeyama(target, source) if len(target) < ROBUST_FROM else _robust_fit(target, source)


def _robust_fit(target: Float64, source: Float64) -> Sim3:
    """Of ten fits to half the cameras the one that most agree with, fitted again to those."""
    rng = np.random.default_rng(SEED)
    limit = _typical_gap(target, umeyama(target, source).apply(source))
    best, best_rank = np.ones(len(target), bool), (-1, 0.0)
    for _ in range(TRIALS):
        chosen = rng.choice(len(target), max(3, (len(target) + 1) // 2), replace=False)
        error = np.linalg.norm(umeyama(target[chosen], source[chosen]).apply(source) - target, axis=1)
        agree = error <= limit
        rank = (int(agree.sum()), -float(error[agree].mean()) if agree.any() else -np.inf)
        if rank > best_rank:
            best, best_rank = agree, rank
    return umeyama(target[best], source[best]) if best.sum() >= 3 else umeyama(target, source)


def _typical_gap(target: Float64, moved: Float64) -> float:
    """Median distance from a camera to the nearest of the other set."""
    return float(np.median(np.linalg.norm(moved[:, None] - target, axis=-1).min(axis=1)))


def _centres(camera_from_world: Float64) -> Float64:
    return -np.einsum("nji,nj->ni", camera_from_world[:, :3, :3], camera_from_world[:, :3, 3])
