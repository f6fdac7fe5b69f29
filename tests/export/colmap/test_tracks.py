"""Made-up points before made-up cameras: what is matched again, what is dropped, what comes of it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.export.colmap.keypoints import DepthMap, KeypointsWithDepth
from da3_stream.export.colmap.tracks import RECENT_IMAGES, Tracks
from da3_stream.export.colmap.triangulation import Structure, triangulate
from da3_stream.geometry import unproject

FOCAL, SIZE = 400.0, (640, 480)
RNG = np.random.default_rng(0)
POINTS = RNG.uniform([-8, -4, 6], [8, 4, 14], (300, 3))
DESCRIPTORS = RNG.integers(0, 80, (300, 128), dtype=np.uint8)


def camera(x: float, turn_deg: float = 0.0) -> NDArray[np.float64]:
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("y", turn_deg, degrees=True).as_matrix()
    pose[0, 3] = x
    return pose


def keypoints_of(
    pose: NDArray[np.float64], *, depth: bool = True, noise_px: float = 0.0, seed: int = 0
) -> KeypointsWithDepth:
    """The points inside the image, in an order of their own."""
    rng = np.random.default_rng(seed)
    local = (POINTS - pose[:3, 3]) @ pose[:3, :3]
    rays = local[:, :2] / local[:, 2:] + rng.normal(scale=noise_px / FOCAL, size=(len(POINTS), 2))
    xy = rays * FOCAL + np.array(SIZE) / 2
    seen = rng.permutation(np.flatnonzero((local[:, 2] > 0) & (xy >= 0).all(axis=1) & (xy < SIZE).all(axis=1)))
    z = local[seen, 2].astype(np.float32) if depth else np.full(len(seen), np.nan, np.float32)
    rgb = (seen[:, None] % [7, 11, 13]).astype(np.uint8)
    return KeypointsWithDepth(
        xy[seen].astype(np.float32), rays[seen], np.arange(len(seen)), DESCRIPTORS[seen], rgb, z, FOCAL, SIZE
    )


def structure(tracks: Tracks, poses: list[NDArray[np.float64]]) -> Structure:
    return triangulate(tracks, np.stack(poses), np.full(len(poses), FOCAL))


def nearest(points: Structure) -> NDArray[np.float64]:
    return np.linalg.norm(points.position[:, None] - POINTS, axis=2).min(axis=1)


def test_every_point_has_one_track_through_all_images_and_lies_where_it_is() -> None:
    poses, tracks = [camera(0.2 * k) for k in range(12)], Tracks()
    for pose in poses:
        assert tracks.add(keypoints_of(pose), pose)
    points = structure(tracks, poses)
    always = [k for k, p in enumerate(POINTS) if all(_inside(p, pose) for pose in poses)]
    assert len(points.position) >= len(always) and nearest(points).max() < 1e-3
    lengths = np.bincount(points.point)
    assert (lengths == 12).sum() >= len(always) and lengths.min() >= 3
    which = np.linalg.norm(points.position[:, None] - POINTS, axis=2).argmin(axis=1)
    assert len(np.unique(which)) == len(which)
    np.testing.assert_array_equal(points.rgb, which[:, None] % [7, 11, 13])


def _inside(point: NDArray[np.float64], pose: NDArray[np.float64]) -> bool:
    local = (point - pose[:3, 3]) @ pose[:3, :3]
    xy = local[:2] / local[2] * FOCAL + np.array(SIZE) / 2
    return bool((xy >= 0).all() and (xy < SIZE).all())


def test_positions_follow_the_observations_not_the_depth() -> None:
    poses, tracks = [camera(0.3 * k) for k in range(10)], Tracks()
    for k, pose in enumerate(poses):
        seen = keypoints_of(pose, noise_px=0.2, seed=k)
        tracks.add(KeypointsWithDepth(**{**seen.__dict__, "depth": seen.depth * np.float32(1.05)}), pose)
    points = structure(tracks, poses)
    assert len(points.position) > 150 and np.median(nearest(points)) < 0.05  # 5 % of depth would be 0.5


def test_an_observation_that_does_not_fit_is_dropped() -> None:
    poses, tracks = [camera(0.2 * k) for k in range(8)], Tracks()
    wrong = {}
    for k, pose in enumerate(poses):
        seen = keypoints_of(pose, noise_px=0.1, seed=k)
        if k == 5:
            off = seen.rays + [4.5 / FOCAL, 0.0]
            seen = KeypointsWithDepth(**{**seen.__dict__, "rays": off})
            wrong = {k: len(off)}
        tracks.add(seen, pose)
    points = structure(tracks, poses)
    assert wrong and (points.image == 5).sum() < 0.1 * (points.image == 4).sum()
    assert np.median(nearest(points)) < 0.05


def test_an_image_of_something_else_is_refused_and_leaves_no_trace() -> None:
    poses, tracks = [camera(0.2 * k) for k in range(6)], Tracks()
    for pose in poses[:3]:
        tracks.add(keypoints_of(pose), pose)
    other = keypoints_of(poses[3], depth=False)
    shuffled = KeypointsWithDepth(
        **{**other.__dict__, "descriptors": RNG.integers(0, 80, other.descriptors.shape, dtype=np.uint8)}
    )
    assert not tracks.add(shuffled, poses[3], min_matches=20)
    assert tracks.add(other, poses[3], min_matches=20)
    for pose in poses[4:]:
        tracks.add(keypoints_of(pose), pose)
    points = structure(tracks, poses)
    assert points.image.max() == 5 and (points.image == 3).sum() > 100


def test_a_place_seen_again_is_seen_by_the_same_tracks() -> None:
    away = [camera(0.1 * k, 180.0) for k in range(RECENT_IMAGES + 4)]
    poses, tracks = [*(camera(0.2 * k) for k in range(6)), *away, camera(0.5), camera(0.7)], Tracks()
    for pose in poses:
        tracks.add(keypoints_of(pose), pose)
    points = structure(tracks, poses)
    last = len(poses) - 1
    both = np.intersect1d(points.point[points.image < 6], points.point[points.image == last])
    assert len(both) > 100


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_images_give_no_points(count: int) -> None:
    poses, tracks = [camera(0.2 * k) for k in range(count)], Tracks()
    for pose in poses:
        tracks.add(keypoints_of(pose), pose)
    assert len(structure(tracks, poses).position) == 0


def test_depth_under_keypoints_is_kept_off_edges_and_out_of_doubt() -> None:
    depth = np.full((20, 30), 5.0, np.float32)
    depth[:, 15:], depth[5, 5] = 9.0, 0.0
    confidence = np.ones_like(depth)
    confidence[10:] = 0.1
    k = np.array([[10.0, 0, 15], [0, 10.0, 10], [0, 0, 1]])
    sure = DepthMap.confident(depth, confidence, k, 0.55)
    pixels = np.array([[8.5, 3.5], [14.5, 3.5], [5.5, 5.5], [8.5, 15.5], [20.5, 4.5], [-3.0, 4.0], [0.5, 0.5]])
    rays = unproject(pixels, np.ones(len(pixels)), k)[:, :2]
    np.testing.assert_array_equal(
        sure.at_rays(rays), np.array([5, np.nan, np.nan, np.nan, 9, np.nan, np.nan], np.float32)
    )
