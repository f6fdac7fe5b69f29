"""Frames between key frames are placed by what is tracked through them, and said not to be measured where that is too
little."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.mapping.keyframe_cameras import Keyframes
from da3_stream.predictors.sfm.mapping.resection import LEAST_POINTS, resect_between
from da3_stream.predictors.sfm.matching.tracks import TrackedPoints

LENS = Lens(300.0, 310.0, 160.0, 120.0, 0.03)
COUNT, POINTS = 13, 300
ROWS = np.arange(0, COUNT, 3)


def drive() -> NDArray[np.float64]:
    """Poses [N,4,4] of a camera that goes ahead and shakes."""
    rng = np.random.default_rng(0)
    poses = np.tile(np.eye(4), (COUNT, 1, 1))
    poses[:, :3, :3] = Rotation.from_rotvec(rng.normal(0.0, 0.01, (COUNT, 3))).as_matrix()
    poses[:, :3, 3] = np.column_stack([0.1 * rng.normal(size=COUNT), 0.05 * rng.normal(size=COUNT), np.arange(COUNT)])
    return poses


def seen(poses: NDArray[np.float64], noise_px: float = 0.0) -> list[TrackedPoints]:
    """What the lens sees of points ahead, all tracked throughout."""
    rng = np.random.default_rng(1)
    points = rng.uniform((-8.0, -5.0, 18.0), (8.0, 5.0, 40.0), (POINTS, 3))
    out = []
    for pose in poses:
        local = (points - pose[:3, 3]) @ pose[:3, :3]
        x = local[:, :2] / local[:, 2:]
        x = x * (1.0 + LENS.k1 * np.square(x).sum(axis=1, keepdims=True))
        xy = x * (LENS.fx, LENS.fy) + (LENS.cx, LENS.cy) + rng.normal(0.0, noise_px or 1e-9, x.shape)
        out.append(TrackedPoints(xy.astype(np.float32), np.arange(POINTS)))
    return out


def test_frames_between_are_where_they_were() -> None:
    poses = drive()
    found, measured = resect_between(poses[ROWS], ROWS, seen(poses), LENS)
    assert measured.all()
    assert np.abs(found - poses).max() < 2e-3
    assert np.array_equal(found[ROWS], poses[ROWS]) or np.abs(found[ROWS] - poses[ROWS]).max() < 1e-12


def test_a_third_of_wrong_tracks_moves_none_of_them() -> None:
    poses, rng = drive(), np.random.default_rng(2)
    tracked = seen(poses, noise_px=0.1)
    for points in tracked:
        points.xy[: POINTS // 3] += rng.normal(0.0, 20.0, (POINTS // 3, 2)).astype(np.float32)
    found, measured = resect_between(poses[ROWS], ROWS, tracked, LENS)
    assert measured.all()
    assert np.linalg.norm(found[:, :3, 3] - poses[:, :3, 3], axis=1).max() < 0.03


def test_a_frame_that_sees_too_little_lies_between_its_neighbours() -> None:
    poses = drive()
    tracked = seen(poses)
    tracked[4] = TrackedPoints(tracked[4].xy[: LEAST_POINTS - 1], tracked[4].track[: LEAST_POINTS - 1])
    found, measured = resect_between(poses[ROWS], ROWS, tracked, LENS)
    assert measured.tolist() == [row != 4 for row in range(COUNT)]
    assert found[4, 2, 3] == pytest.approx((found[3, 2, 3] + found[5, 2, 3]) / 2, abs=1e-9)


def test_nothing_tracked_leaves_all_between() -> None:
    poses = drive()
    nothing = [TrackedPoints(np.zeros((0, 2), np.float32), np.zeros(0, np.int64))] * COUNT
    found, measured = resect_between(poses[ROWS], ROWS, nothing, LENS)
    assert np.flatnonzero(measured).tolist() == ROWS.tolist()
    assert np.isfinite(found).all()


def test_what_key_frames_know_changes_evenly_between_them() -> None:
    keyframes = Keyframes(np.array([0, 2, 4]), [TrackedPoints(np.zeros((0, 2), np.float32), np.zeros(0, np.int64))] * 5)
    assert keyframes.spread(np.array([1.0, 3.0, 2.0])).tolist() == [1.0, 2.0, 3.0, 2.5, 2.0]
    spread = keyframes.spread(np.array([1.0, np.nan, np.inf]))
    assert spread[1] == 1.0  # what one does not know is that of the other
    assert np.isnan(spread[2])
    assert spread[3] == spread[4] == np.inf
    assert keyframes.of_all_frames().rows.tolist() == [0, 1, 2, 3, 4]
