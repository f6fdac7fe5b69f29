"""By how much two frames' matched points want another rotation between them than a map's poses say.

An essential matrix by itself is no judge of a pose: where points lie far off, or nearly in a plane, a turn and a step
sideways look alike, and its rotation is off by degrees with hardly a change of its residuals. So the poses' relative
rotation and heading are adjusted to the points, and a turn that these do not tell stays near 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ....geometry import homogeneous

Array = NDArray[np.float64]

SIGMA_PX = 1.0  # of a matched point's epipolar distance, with what neighbouring ones have in common
PRIOR = np.radians(1.0)  # of the turn: less is taken for nothing where the points do not tell it
MOST_POINTS = 100
STEPS = 3


def missing_turn_deg(b_from_a: Array, a: Array, b: Array, focal: float) -> float:
    """The turn in degrees by which matched points of two frames, [m,2] in units of the focal length, contradict their
    relative pose [4,4]: rotation and heading after Gauss-Newton steps on Sampson distances, with a prior on the turn.
    """
    every = -(-len(a) // MOST_POINTS)
    rays_a, rays_b = homogeneous(a[::every]), homogeneous(b[::every])
    rotation, heading = b_from_a[:3, :3], b_from_a[:3, 3] / np.linalg.norm(b_from_a[:3, 3])
    precision = np.array([PRIOR**-2] * 3 + [1e-3] * 2)
    weight, turned = (focal / SIGMA_PX) ** 2, np.zeros(3)
    for _ in range(STEPS):
        sideways = np.linalg.svd(heading[None])[2][1:]
        residuals, slopes = _linearised(rotation, heading, sideways, rays_a, rays_b)
        normal = weight * slopes.T @ slopes + np.diag(precision)
        step = -np.linalg.solve(normal, weight * slopes.T @ residuals + precision * np.append(turned, (0.0, 0.0)))
        rotation, heading = Rotation.from_rotvec(step[:3]).as_matrix() @ rotation, heading + step[3:] @ sideways
        heading, turned = heading / np.linalg.norm(heading), turned + step[:3]
    return float(np.degrees(np.linalg.norm(turned)))


def sampson(rotation: Array, translation: Array, a: Array, b: Array) -> Array:
    """Signed Sampson distances [m] of matched rays [m,3] (z = 1), in units of the focal length, from the epipolar
    geometry of a relative pose (Hartley and Zisserman, equation 11.9)."""
    turned = a @ rotation.T
    return (b * np.cross(translation, turned)).sum(axis=1) / _gradient(rotation, translation, turned, b)


def _gradient(rotation: Array, translation: Array, turned: Array, b: Array) -> Array:
    """Length [m] of the derivative of b' [t]x R a by the points of both images."""
    line_b = np.cross(translation, turned)
    line_a = np.cross(b, translation) @ rotation
    return np.sqrt(np.maximum(np.square(line_b[:, :2]).sum(axis=1) + np.square(line_a[:, :2]).sum(axis=1), 1e-24))


def _linearised(rotation: Array, heading: Array, sideways: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Sampson distances [m] and their derivatives [m,5] by a turn [3] and a change of the heading along `sideways`
    [2,3]; that of their denominator is left out."""
    turned = a @ rotation.T
    scale = 1.0 / _gradient(rotation, heading, turned, b)[:, None]
    by_turn = np.cross(turned, np.cross(b, heading))
    by_heading = np.cross(turned, b) @ sideways.T
    return (b * np.cross(heading, turned)).sum(axis=1) * scale[:, 0], np.hstack([by_turn, by_heading]) * scale
