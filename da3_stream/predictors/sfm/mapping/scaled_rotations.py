"""Rotations together with a scale about the principal point, from rays of one image to those of another, under several
lenses at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ....geometry import nearest_rotations, unit_rays

TRIALS, SCALE_ROUNDS, ROUNDS = 48, 3, 5
LARGEST_SCALE = 0.7  # that a pair is believed to have, as a logarithm

Array = NDArray[np.float64]


def fit_scaled_rotations(first: Array, second: Array, weights: Array, near: Array) -> tuple[Array, Array]:
    """Rotations [l,3,3] and logarithms of scales [l] about the principal point that take most unit rays [l,n,3], by
    their weights [n], as near as [l] to others.

    The best of many pairs of rays (RANSAC, Fischler and Bolles, CACM 1981), and Gauss-Newton with Geman-McClure's loss.
    """
    ahead = second[..., :2] / second[..., 2:]
    rotations, log_scales = _from_two_rays(first, ahead, weights, near)
    for _ in range(ROUNDS):
        turned, (unscaled, grown) = first @ rotations.mT, _unscaled(ahead, log_scales)
        left = unscaled - turned
        of_rays = weights / np.square(1 + np.square(left).sum(axis=-1) / near[:, None] ** 2)
        normal, right = _normal_equations(turned, grown, left, of_rays[..., None])
        step = np.linalg.solve(normal, right[..., None])[..., 0]
        rotations = Rotation.from_rotvec(step[:, :3]).as_matrix() @ rotations
        log_scales = np.clip(log_scales + step[:, 3], -LARGEST_SCALE, LARGEST_SCALE)
    return rotations, log_scales


def distances_left(first: Array, second: Array, rotations: Array, log_scales: Array) -> Array:
    """Distances [l,n] that rotations [l,3,3] and scales [l] leave between unit rays [l,n,3], with the scales undone."""
    unscaled = unit_rays(_shrunk(second[..., :2] / second[..., 2:], log_scales))
    return np.asarray(np.linalg.norm(unscaled - first @ rotations.mT, axis=-1))


def _shrunk(ahead: Array, log_scales: Array) -> Array:
    """Points [l,n,2] at depth 1 with scales [l] (or [l,n]) undone."""
    return ahead * np.exp(-log_scales).reshape(*log_scales.shape, *(1,) * (ahead.ndim - log_scales.ndim))


def _unscaled(ahead: Array, log_scales: Array) -> tuple[Array, Array]:
    """Unit rays [l,n,3] of points [l,n,2] at depth 1 with scales [l] undone, and how they change with their logarithms
    [l,n,3]."""
    rays = unit_rays(_shrunk(ahead, log_scales))
    across = -rays * [1, 1, 0]
    return rays, across - rays * (rays * across).sum(axis=-1, keepdims=True)


def _normal_equations(turned: Array, grown: Array, left: Array, weights: Array) -> tuple[Array, Array]:
    """Normal matrices [l,4,4] and right sides [l,4] of small rotations of unit rays [l,n,3] and logarithms of scales
    with which their targets change [l,n,3], from what is left between them [l,n,3] and weights [l,n,1].

    A turn by w moves a ray a by w x a: its Jacobian J has J'J = 1 - aa' and J'v = a x v.
    """
    weighted, against = turned * weights, grown * weights
    normal = np.empty((len(turned), 4, 4))
    normal[:, :3, :3] = weights.sum(axis=1, keepdims=True) * np.eye(3) - weighted.mT @ turned
    normal[:, :3, 3] = normal[:, 3, :3] = -_summed_cross(weighted, grown)
    normal[:, 3, 3] = (against * grown).sum(axis=(1, 2))
    along = (against * left).sum(axis=(1, 2))
    return normal + 1e-12 * np.eye(4), np.column_stack([_summed_cross(weighted, left), -along])


def _summed_cross(first: Array, second: Array) -> Array:
    """The sums [l,3] of the cross products of vectors [l,n,3]."""
    products = first.mT @ second
    return np.stack([products[:, i, j] - products[:, j, i] for i, j in ((1, 2), (2, 0), (0, 1))], axis=1)


def _from_two_rays(first: Array, ahead: Array, weights: Array, near: Array) -> tuple[Array, Array]:
    """The rotations [l,3,3] and log-scales [l] by two of the rays that bring the most weight near; `ahead` [l,n,2] are
    the second ones at depth 1."""
    chosen = np.random.default_rng(0).choice(first.shape[1], (TRIALS, 2), p=weights / weights.sum())
    (one, two), ends = ([rays[:, chosen[:, k]] for k in (0, 1)] for rays in (first, ahead))
    angles, log_scales = _angles(one, two), np.zeros(one.shape[:2])
    for _ in range(SCALE_ROUNDS):
        seen = [unit_rays(_shrunk(end, log_scales)) for end in ends]
        log_scales += np.log(np.maximum(_angles(*seen), 1e-9) / np.maximum(angles, 1e-9))
        log_scales = np.clip(log_scales, -LARGEST_SCALE, LARGEST_SCALE)
    seen = [unit_rays(_shrunk(end, log_scales)) for end in ends]
    moments = sum(there[..., :, None] * here[..., None, :] for there, here in zip(seen, (one, two), strict=True))
    rotations = nearest_rotations(np.asarray(moments))
    is_near = _cosines(first, ahead, rotations, log_scales) > 1 - near[:, None, None] ** 2 / 2
    best = np.arange(len(first)), (is_near @ weights).argmax(axis=1)
    return rotations[best], log_scales[best]


def _cosines(first: Array, ahead: Array, rotations: Array, log_scales: Array) -> Array:
    """Cosines [l,t,n] between rays [l,n,3] turned by each of their rotations [l,t,3,3] and those of points [l,n,2] at
    depth 1 with each scale [l,t] undone."""
    turned = rotations.reshape(len(first), -1, 3) @ first.mT
    x, y, z = np.moveaxis(turned.reshape(*rotations.shape[:3], -1), 2, 0)
    shrunk, at = np.exp(-log_scales)[..., None], ahead[:, None]
    along = shrunk * (x * at[..., 0] + y * at[..., 1]) + z
    return np.asarray(along / np.sqrt(1 + np.square(shrunk) * np.square(at).sum(axis=-1)))


def _angles(one: Array, two: Array) -> Array:
    return 2 * np.arcsin(np.clip(np.linalg.norm(one - two, axis=-1) / 2, 0, 1))
