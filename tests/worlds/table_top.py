"""Made-up cameras and points of which up is known: (0, 0, 1) before the whole world is turned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]
LOOK_AHEAD = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])  # camera to world: x right, y down, z ahead (+y)


def held(yaw_deg: Array, pitch_deg: Array | float = 0.0, roll_deg: Array | float = 0.0) -> Array:
    """Rotations [N,3,3], world from camera, of cameras that turn left by yaw, look up by pitch, and are rolled."""
    yaw, pitch, roll = np.broadcast_arrays(np.asarray(yaw_deg, float), pitch_deg, roll_deg)
    turn = Rotation.from_euler("z", yaw[:, None], degrees=True).as_matrix() @ LOOK_AHEAD
    tilt = Rotation.from_euler("x", pitch[:, None], degrees=True).as_matrix()
    return turn @ tilt @ Rotation.from_euler("z", roll[:, None], degrees=True).as_matrix()


def poses(rotations: Array, centres: Array) -> Array:
    """[N,4,4]."""
    out = np.tile(np.eye(4), (len(rotations), 1, 1))
    out[:, :3, :3], out[:, :3, 3] = rotations, centres
    return out


def orbit(
    count: int = 60,
    arc_deg: float = 360.0,
    down_deg: float = 30.0,
    distance: float = 2.0,
    roll_deg: Array | float = 0.0,
) -> Array:
    """Cameras [N,4,4] round the origin, looking at it from above."""
    yaw = np.linspace(0, arc_deg, count, endpoint=arc_deg < 360)
    rotations = held(yaw, -down_deg, 0.0)
    return poses(held(yaw, -down_deg, roll_deg), -distance * rotations[:, :, 2])


def drive(count: int = 60, step: float = 1.0, height: float = 1.6, roll_deg: Array | float = 0.0) -> Array:
    """Cameras [N,4,4] straight ahead over the ground z = 0."""
    centres = np.stack([np.zeros(count), step * np.arange(count), np.full(count, height)], axis=1)
    return poses(held(np.zeros(count), 0.0, roll_deg), centres)


def table(count: int = 3000, size: float = 3.0, z: float = -0.3, seed: int = 0) -> Array:
    """Points [M,3] of a level plane."""
    xy = np.random.default_rng(seed).uniform(-size / 2, size / 2, (count, 2))
    return np.column_stack([xy, np.full(count, z)])


def ball(count: int = 800, radius: float = 0.3, z: float = 0.0, seed: int = 1) -> Array:
    """Points [M,3] of a sphere."""
    direction = np.random.default_rng(seed).normal(size=(count, 3))
    return radius * direction / np.linalg.norm(direction, axis=1, keepdims=True) + [0, 0, z]


def turned(turn: Array, cameras: Array) -> Array:
    """The cameras in a world that is turned by a rotation [3,3]."""
    out = cameras.copy()
    out[:, :3] = turn @ cameras[:, :3]
    return out


def degrees_between(a: Array, b: Array) -> float:
    """The angle of two unit vectors."""
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))
