"""Alignment of a whole graph with the world: the start for positions, known poses and gravity."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ..geometry import Sim3, umeyama
from . import group
from .factors import GravityFactors, PoseFactors, PositionFactors
from .group import Array, Batch
from .problem import Problem


def align_gauge(problem: Problem, state: Batch) -> Batch:
    """The state moved by the one similarity that fits all positions and poses known in the world best.

    Without any, it is rotated by what fits the known directions; without those, it is returned as it is.
    """
    placed = [factors for factors in problem.others if isinstance(factors, (PositionFactors, PoseFactors))]
    pairs = [_points(factors, state) for factors in placed]
    if pairs:
        found, target = (np.concatenate(side) for side in zip(*pairs, strict=True))
        return _moved(umeyama(target, found, with_scale=bool(problem.free[0, 6])), state)
    directions = [factors for factors in problem.others if isinstance(factors, GravityFactors)]
    if directions:
        found = np.concatenate([d.residuals(state) + d.in_world for d in directions])
        target = np.concatenate([d.in_world for d in directions])
        return _moved(Sim3(1.0, _smallest_turn(target, found), np.zeros(3)), state)
    return state


def _smallest_turn(target: Array, found: Array) -> Array:
    """The rotation of directions [D,3] onto others; of those that fit as well, the one that turns least."""
    weights = np.concatenate([np.ones(len(target)), np.full(3, 1e-6)])
    turned, _ = Rotation.align_vectors(np.vstack([target, np.eye(3)]), np.vstack([found, np.eye(3)]), weights)
    return turned.as_matrix()


def _points(factors: PositionFactors | PoseFactors, state: Batch) -> tuple[Array, Array]:
    """Points where the state has them and where they should be [P,3]."""
    if isinstance(factors, PositionFactors):
        return factors.residuals(state) + factors.in_world, factors.in_world
    return _corners(state[factors.nodes[:, 0]]), _corners(factors.node_from_world.Inv())


def _corners(transforms: Batch) -> Array:
    """Origin and axes [4 F,3] of nodes: four points that hold all seven numbers."""
    points = np.vstack([np.zeros(3), np.eye(3)])
    return np.concatenate([transform.apply(points) for transform in group.unstack(transforms)])


def _moved(world_from_old: Sim3, state: Batch) -> Batch:
    return group.stack([world_from_old]) @ state
