"""How poses hang on the lens, and how far one set of poses is from another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry import Sim3
from da3_stream.predictors.sfm.mapping.lens_response import LensResponse, eliminate_poses, pose_shifts

Array = NDArray[np.float64]
COUNT = 30
ROWS = np.arange(COUNT)


def straight_drive() -> Array:
    """Cameras [n,4,4], a unit apart."""
    poses = np.tile(np.eye(4), (COUNT, 1, 1))
    poses[:, 2, 3] = ROWS
    return poses


def moved(poses: Array, by: Sim3) -> Array:
    """The same cameras in another frame of reference and scale."""
    out = poses.copy()
    out[:, :3, :3], out[:, :3, 3] = by.rotation @ poses[:, :3, :3], by.apply(poses[:, :3, 3])
    return out


def test_a_similarity_is_no_shift() -> None:
    similarity = Sim3(3.0, Rotation.from_rotvec([0.3, -0.2, 1.0]).as_matrix(), np.array([5.0, 1.0, -2.0]))
    assert pose_shifts(straight_drive(), moved(straight_drive(), similarity), ROWS, 1.0).max() < 1e-6


def test_one_pose_that_is_turned_or_moved_is_off_by_what_a_right_one_may_be_off_by() -> None:
    turned, displaced = straight_drive(), straight_drive()
    turned[15, :3, :3] = Rotation.from_euler("y", 2, degrees=True).as_matrix()
    displaced[15, 0, 3] = 2.0  # of the 20 units of path around it
    for poses in (turned, displaced):
        shifts = pose_shifts(straight_drive(), poses, ROWS, 1.0)
        assert 1.8 < shifts[15] < 2.1
        assert np.delete(shifts, 15).max() < 0.2


def test_a_pose_with_no_others_around_it_has_no_shift() -> None:
    poses = straight_drive()[:3]
    assert np.isnan(pose_shifts(poses, poses, np.array([0, 50, 51]), 1.0)).all()


def test_poses_follow_the_lens_to_where_the_normal_equations_are_least() -> None:
    random = np.random.default_rng(1)
    root = random.normal(size=(40, 14))  # two cameras, two parameters of the lens
    is_lens = np.arange(14) >= 12
    information, by_lens = eliminate_poses(root.T @ root, is_lens)
    change = np.array([0.2, -0.1])
    best = np.linalg.lstsq(root[:, :12], -root[:, 12:] @ change, rcond=None)[0]
    np.testing.assert_allclose(by_lens @ change, best, atol=1e-6)
    left = root[:, :12] @ best + root[:, 12:] @ change
    np.testing.assert_allclose(change @ information @ change, left @ left, rtol=1e-6)


def test_cameras_after_a_change_of_the_lens() -> None:
    by_lens = np.zeros((12, 1))
    by_lens[1], by_lens[11] = 0.1, 2.0  # the first camera turns about y, the second has its z moved
    after = LensResponse(np.tile(np.eye(4), (2, 1, 1)), by_lens).cameras_after(np.ones(1))
    np.testing.assert_allclose(after[0, :3, :3], Rotation.from_euler("y", -0.1).as_matrix(), atol=1e-12)
    np.testing.assert_allclose(after[1, :3, 3], [0, 0, -2], atol=1e-12)
