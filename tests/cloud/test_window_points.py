from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from da3_stream.cloud import window_points
from da3_stream.cloud.points import depth_edges
from da3_stream.cloud.voxels import best_per_key, shuffle_keys, voxel_keys
from da3_stream.geometry import project
from da3_stream.settings import CloudSettings
from tests.worlds.street import SUBMAPS, UNITS, intrinsics, street_window

EVERY_PIXEL = CloudSettings(voxel=1e-5, per_pixel=None, min_confidence=0.0, max_depth_step=1e9)
ALL = np.ones(12, bool)


def street(number=0):
    return street_window(*SUBMAPS[number][:2], UNITS[number])


def test_every_usable_pixel_of_the_owned_frames_gives_its_point_and_colour():
    geometry = street()
    owned = np.arange(12) < 3
    points = window_points(geometry, owned, EVERY_PIXEL)
    valid = geometry.depth[:3] > 0
    assert len(points) == valid.sum()
    np.testing.assert_array_equal(points.rgb, geometry.images[:3][valid])
    np.testing.assert_array_equal(points.frame, np.repeat([0, 1, 2], valid.sum(axis=(1, 2))))
    np.testing.assert_array_equal(points.confidence, geometry.confidence[:3][valid])


def test_points_reproject_onto_their_pixels():
    geometry = street(1)
    points = window_points(geometry, ALL, EVERY_PIXEL)
    for row, frame in enumerate(geometry.frame_indices):
        mine = points.frame == frame
        in_camera = (points.xyz[mine] - geometry.window_from_camera[row, :3, 3]) @ geometry.window_from_camera[
            row, :3, :3
        ]
        pixels = project(in_camera, intrinsics())
        assert mine.sum() > 100
        assert abs(pixels - (np.floor(pixels) + 0.5)).max() < 0.01


def test_the_least_confident_share_is_left_out():
    geometry = street()
    valid = (geometry.depth > 0).sum()
    points = window_points(geometry, ALL, EVERY_PIXEL.model_copy(update={"min_confidence": 0.25}))
    assert len(points) == pytest.approx(0.75 * valid, rel=1e-3)
    assert points.confidence.min() >= np.quantile(geometry.confidence[geometry.depth > 0], 0.25) * 0.999


def test_equal_confidence_leaves_nothing_out():
    geometry = street()
    even = replace(geometry, confidence=np.ones_like(geometry.confidence))
    points = window_points(even, ALL, EVERY_PIXEL.model_copy(update={"min_confidence": 0.5}))
    assert len(points) == (geometry.depth > 0).sum()


@pytest.mark.parametrize(
    "hidden",
    [
        lambda g: replace(g, depth=np.zeros_like(g.depth)),
        lambda g: replace(g, depth=np.full_like(g.depth, np.nan)),
        lambda g: replace(g, confidence=np.zeros_like(g.confidence)),
        lambda g: replace(g, confidence=np.full_like(g.confidence, np.nan)),
        lambda g: replace(g, sky=np.ones(g.depth.shape, bool)),
        lambda g: replace(g, window_from_camera=np.full_like(g.window_from_camera, np.nan)),
    ],
)
def test_unusable_pixels_give_no_points(hidden):
    points = window_points(hidden(street()), ALL, CloudSettings(per_pixel=None))
    assert len(points) == 0 and points.voxel > 0


def test_a_frame_without_pose_is_left_out_and_the_others_stay():
    geometry = street()
    poses = geometry.window_from_camera.copy()
    poses[4] = np.nan
    points = window_points(replace(geometry, window_from_camera=poses), ALL, EVERY_PIXEL)
    assert set(points.frame.tolist()) == set(range(12)) - {4}


def test_flying_pixels_at_a_depth_step_are_edges_and_slopes_are_not():
    depth = np.full((5, 6), 2.0, np.float32)
    depth[:, 3:] = 4.0
    depth[2, 0] = 0.0
    edges = depth_edges(depth, 0.08)
    np.testing.assert_array_equal(edges, np.tile([0, 0, 1, 1, 0, 0], (5, 1)).astype(bool))
    slope = np.tile(np.float32(1.05) ** np.arange(6, dtype=np.float32), (5, 1))
    assert not depth_edges(slope, 0.08).any() and depth_edges(slope, 0.04).all()
    assert not depth_edges(slope.T, 0.08).any() and depth_edges(slope.T, 0.04).all()


def test_one_point_stays_in_each_voxel_and_it_is_the_best_seen():
    geometry = street()
    settings = EVERY_PIXEL.model_copy(update={"voxel": 0.1})
    everything, thinned = window_points(geometry, ALL, EVERY_PIXEL), window_points(geometry, ALL, settings)
    depth = geometry.depth[geometry.depth > 0]
    keys = voxel_keys(everything.xyz, thinned.voxel)
    best = {}
    for key, score, confidence in zip(
        keys.tolist(), everything.confidence / depth, everything.confidence.tolist(), strict=True
    ):
        best[key] = max(best.get(key, (0.0, 0.0)), (score, confidence))
    kept = dict(zip(voxel_keys(thinned.xyz, thinned.voxel).tolist(), thinned.confidence.tolist(), strict=True))
    assert kept == {key: confidence for key, (_, confidence) in best.items()}
    assert len(kept) == len(thinned) < len(everything) / 3


def test_the_voxel_is_a_share_of_the_median_depth_or_in_metres():
    geometry = street()
    median = np.median(geometry.depth[geometry.depth > 0])
    assert window_points(geometry, ALL, CloudSettings(voxel=0.02, per_pixel=None)).voxel == pytest.approx(0.02 * median)
    in_metres = CloudSettings(voxel_m=0.3)
    assert window_points(geometry, ALL, in_metres, metres_per_unit=2.0).voxel == pytest.approx(0.15)
    relative = CloudSettings(voxel_m=0.3, per_pixel=None)
    assert window_points(geometry, ALL, relative).voxel == pytest.approx(0.01 * median)
    assert window_points(geometry, ALL, in_metres).voxel > 0.01 * median  # too many points for a page else


@pytest.mark.parametrize("density", [0.5, 0.03, 1e-9])
def test_a_page_has_at_most_so_many_points_for_each_pixel(density):
    geometry = street()
    points = window_points(geometry, ALL, EVERY_PIXEL.model_copy(update={"per_pixel": density}))
    most = density * geometry.depth.size
    assert most / 2 < len(points) <= max(1, most)
    assert len(np.unique(voxel_keys(points.xyz, points.voxel))) == len(points)


def test_points_are_the_same_every_time():
    a, b = (window_points(street(2), ALL, CloudSettings()) for _ in range(2))
    for name in ("xyz", "rgb", "frame", "confidence"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


cells = arrays(np.int64, (20, 3), elements=st.integers(-5, 5) | st.integers(-(2**20), 2**20 - 1))


@given(cells)
def test_points_share_a_key_exactly_if_they_share_a_voxel(cell):
    keys = voxel_keys((cell + 0.5) * 0.25, 0.25)
    assert len(np.unique(keys)) == len(np.unique(cell, axis=0))
    assert len(np.unique(shuffle_keys(keys))) == len(np.unique(keys))


@given(arrays(np.uint64, 30, elements=st.integers(0, 5)), arrays(np.float32, 30, elements=st.integers(0, 3)))
def test_the_best_of_each_key_is_the_first_of_the_most_confident(keys, confidence):
    expected = [
        min(np.flatnonzero(keys == key), key=lambda index: (-confidence[index], index)) for key in np.unique(keys)
    ]
    assert best_per_key(keys, confidence).tolist() == [int(index) for index in expected]
