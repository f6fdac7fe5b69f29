"""Gauge alignment: one transform of the whole graph to its known positions, poses or directions, as a start."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ..geometry import Sim3, Sim3Array, umeyama
from .factors import Array, GravityFactors, PoseFactors, PositionFactors
from .problem import Problem


def align_gauge(problem: Problem, state: Sim3Array) -> Sim3Array:
    """The state, transformed by the similarity that fits all positions and poses known in the world best.

    Without any it is rotated to fit the known directions; without those it is returned unchanged.
    """
    absolute = [factors for factors in problem.others if isinstance(factors, (PositionFactors, PoseFactors))]
    pairs = [_point_pairs(factors, state) for factors in absolute]
    if pairs:
        current, target = (np.concatenate(side) for side in zip(*pairs, strict=True))
        return _transform(umeyama(target, current, with_scale=bool(problem.free[0, 6])), state)
    directions = [factors for factors in problem.others if isinstance(factors, GravityFactors)]
    if directions:
        current = np.concatenate([d.residuals(state) + d.in_world for d in directions])
        target = np.concatenate([d.in_world for d in directions])
        return _transform(Sim3(1.0, _smallest_rotation(target, current), np.zeros(3)), state)
    return state


def _smallest_rotation(target: Array, current: Array) -> Array:
    """The rotation of directions [D,3] onto `target` [D,3]; the smallest one if several fit equally well."""
    weights = np.concatenate([np.ones(len(target)), np.full(3, 1e-6)])
    rotation, _ = Rotation.align_vectors(np.vstack([target, np.eye(3)]), np.vstack([current, np.eye(3)]), weights)
    return rotation.as_matrix()


def _point_pairs(factors: PositionFactors | PoseFactors, state: Sim3Array) -> tuple[Array, Array]:
    """Points [P,3] by the state, and the same points as known in the world."""
    if isinstance(factors, PositionFactors):
        return factors.residuals(state) + factors.in_world, factors.in_world
    return _frame_points(state[factors.nodes[:, 0]]), _frame_points(factors.node_from_world.inverse())


def _frame_points(transforms: Sim3Array) -> Array:
    """The origin and the ends of the axes of F nodes [4 F,3]: four points that determine a similarity."""
    points = np.vstack([np.zeros(3), np.eye(3)])
    return np.concatenate([transform.apply(points) for transform in transforms.transforms()])


def _transform(world_from_old: Sim3, state: Sim3Array) -> Sim3Array:
    return Sim3Array.stack([world_from_old]) @ state
