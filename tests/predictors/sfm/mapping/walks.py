"""A walk through random points: what its cameras see, without noise, and the test of poses against it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry import umeyama
from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.mapping.sparse_model import SparseModel
from da3_stream.predictors.sfm.matching.pairs import sequential_pairs

SIZE = (320, 240)
LENS = Lens(250.0, 250.0, 160.0, 120.0)
COUNT = 14
POINTS = 500

XY = list[NDArray[np.float32]]
Ids = list[NDArray[np.int64]]


def walk() -> NDArray[np.float64]:
    """Cameras on a bend, looking about."""
    poses = np.tile(np.eye(4), (COUNT, 1, 1))
    t = np.arange(COUNT)
    angles = np.column_stack([0.05 * np.sin(t / 3), 0.06 * t, 0.04 * np.cos(t / 2)])
    poses[:, :3, :3] = Rotation.from_rotvec(angles).as_matrix()
    poses[:, :3, 3] = np.column_stack([0.4 * t, 0.15 * np.sin(t / 2), 0.2 * t])
    return poses


def points() -> NDArray[np.float64]:
    """Random points [n,3] around and before the walk."""
    return np.random.default_rng(0).uniform((-8, -5, 4), (14, 5, 22), (POINTS, 3))


def pictures(lens: Lens) -> tuple[XY, Ids]:
    """What every camera sees: positions and which points they are, in an order of its own."""
    xy, ids = [], []
    coefficients = np.array([lens.k1, 0.0, 0.0, 0.0])
    rng = np.random.default_rng(1)
    for pose in walk():
        inside = (points() - pose[:3, 3]) @ pose[:3, :3]
        places = cv2.projectPoints(inside, np.zeros(3), np.zeros(3), lens.matrix(), coefficients)[0][:, 0]
        visible = (inside[:, 2] > 1) & (places > 0).all(axis=1) & (places < SIZE).all(axis=1)
        order = rng.permutation(np.flatnonzero(visible))
        xy.append(places[order].astype(np.float32))
        ids.append(order)
    return xy, ids


def seen_matches(ids: Ids) -> dict[tuple[int, int], NDArray[np.uint32]]:
    """What two pictures of the pairs that are matched have in common."""
    matches = {}
    for a, b in sequential_pairs(COUNT):
        _, i, j = np.intersect1d(ids[a], ids[b], return_indices=True)
        matches[a, b] = np.stack([i, j], axis=1).astype(np.uint32)
    return matches


def check_poses(model: SparseModel, tolerance: float) -> None:
    """Poses after one similarity, against the truth."""
    truth = walk()
    sim = umeyama(truth[:, :3, 3], model.model_from_camera[:, :3, 3])
    centres = sim.apply(model.model_from_camera[:, :3, 3])
    length = np.linalg.norm(np.diff(truth[:, :3, 3], axis=0), axis=1).sum()
    assert np.abs(centres - truth[:, :3, 3]).max() < tolerance * length
    rotations = sim.matrix()[:3, :3] / np.cbrt(np.linalg.det(sim.matrix()[:3, :3])) @ model.model_from_camera[:, :3, :3]
    turn = Rotation.from_matrix(rotations.transpose(0, 2, 1) @ truth[:, :3, :3])
    assert turn.magnitude().max() < tolerance
