"""Dense depth of the synthetic street with exact cameras: right, honest about itself, the same however it is cut."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from da3_stream.geometry import pixel_centres, project, unproject
from da3_stream.predictors.sfm.depth import (
    FLOW_NOISE_PX,
    FLOW_SUPPORT_PX,
    DepthTask,
    _closed_form,
    dense_depth,
    depth_tasks,
    flow_noise,
)
from da3_stream.synthetic.town import TownFrame

pytestmark = pytest.mark.slow

OFFSETS = (-2, -1, 1, 2)
ROWS = range(2, 6)

Found = tuple[NDArray[np.float32], NDArray[np.float32]]


@pytest.fixture(scope="module")
def task(street: list[TownFrame], street_grays: list[NDArray[np.uint8]]) -> DepthTask:
    """Eight frames with their exact cameras; four of them are asked for."""
    poses = np.stack([frame.world_from_camera for frame in street[:8]])
    return DepthTask(street_grays[:8], poses, street[0].intrinsics, ROWS, OFFSETS)


@pytest.fixture(scope="module")
def truth(street: list[TownFrame]) -> NDArray[np.float32]:
    return np.stack([street[row].depth for row in ROWS])


@pytest.fixture(scope="module")
def found(task: DepthTask) -> Found:
    return dense_depth(task)


def errors(found: Found, truth: NDArray[np.float32]) -> NDArray[np.float64]:
    """Relative errors of the kept depth on things that have one."""
    kept = (found[0] > 0) & (truth > 0)
    return np.asarray(np.abs(found[0][kept] / truth[kept] - 1), np.float64)


@pytest.mark.slow
def test_depth_is_right_and_dense(found: Found, truth: NDArray[np.float32]) -> None:
    wrong = errors(found, truth)
    assert np.median(wrong) < 0.04
    assert len(wrong) > 0.5 * (truth > 0).sum()


def test_depth_has_no_bias(found: Found, truth: NDArray[np.float32]) -> None:
    kept = (found[0] > 0) & (truth > 0)
    assert abs(np.median(np.log(found[0][kept] / truth[kept]))) < 0.015


def test_the_sky_stays_mostly_empty(found: Found, truth: NDArray[np.float32]) -> None:
    assert (truth == 0).mean() > 0.1
    assert (found[0][truth == 0] > 0).mean() < 0.2


def test_depth_and_confidence_are_there_together(found: Found) -> None:
    depth, confidence = found
    assert depth.dtype == confidence.dtype == np.float32
    assert depth.shape == confidence.shape
    assert np.isfinite(depth).all()
    assert np.isfinite(confidence).all()
    np.testing.assert_array_equal(depth > 0, confidence > 0)
    assert (depth >= 0).all()


def test_near_things_are_surer_than_far_ones(found: Found, truth: NDArray[np.float32]) -> None:
    depth, confidence = found
    kept = (depth > 0) & (truth > 0)
    near, far = np.quantile(truth[kept], [0.3, 0.7])
    assert np.median(confidence[kept & (truth < near)]) > 1.5 * np.median(confidence[kept & (truth > far)])


def test_a_wider_baseline_is_surer(task: DepthTask) -> None:
    one = dense_depth(replace(task, rows=range(3, 4), offsets=(-1, 1)))
    two = dense_depth(replace(task, rows=range(3, 4), offsets=(-2, 2)))
    both = (one[0] > 0) & (two[0] > 0)
    assert np.median(two[1][both] / one[1][both]) > 1.5


def test_flow_is_uncertain_where_there_is_no_texture() -> None:
    gray = np.full((40, 80), 128, np.uint8)
    gray[:, :40] = np.random.default_rng(0).integers(0, 255, (40, 40))
    noise = flow_noise(gray)
    assert np.all(noise[:, :36] < 1.1 * FLOW_NOISE_PX)
    assert np.all(noise[:, 46:] > 100 * FLOW_NOISE_PX) and np.isfinite(noise).all()


def test_the_surer_half_is_the_better_half(found: Found, truth: NDArray[np.float32]) -> None:
    kept = (found[0] > 0) & (truth > 0)
    sure = found[1][kept] > np.median(found[1][kept])
    wrong = errors(found, truth)
    assert np.median(wrong[sure]) < 0.7 * np.median(wrong[~sure])


@pytest.mark.parametrize("scale", [0.01, 50.0])
def test_depth_is_in_the_units_of_the_cameras(task: DepthTask, scale: float) -> None:
    poses = task.world_from_camera.copy()
    poses[:, :3, 3] *= scale
    plain, scaled = (dense_depth(replace(task, rows=range(3, 4), world_from_camera=p))
                     for p in (task.world_from_camera, poses))  # fmt: skip
    both = (plain[0] > 0) & (scaled[0] > 0)
    assert both.sum() > 0.99 * (plain[0] > 0).sum()
    ratio = scaled[0][both] / plain[0][both] / scale
    assert np.quantile(np.abs(ratio - 1), 0.99) < 1e-3
    np.testing.assert_allclose(np.median(scaled[1][both] / plain[1][both]), 1.0, atol=1e-3)


def test_frames_with_unknown_poses_have_no_depth_and_lend_none(task: DepthTask) -> None:
    poses = task.world_from_camera.copy()
    poses[3] = np.nan
    depth, confidence = dense_depth(replace(task, world_from_camera=poses))
    assert not depth[1].any()
    assert not confidence[1].any()
    assert (depth[[0, 2, 3]] > 0).mean() > 0.3


def test_cameras_in_one_place_tell_no_depth(task: DepthTask) -> None:
    still = np.tile(task.world_from_camera[0], (8, 1, 1))
    depth, confidence = dense_depth(replace(task, rows=range(3, 4), world_from_camera=still))
    assert not depth.any()
    assert not confidence.any()


def test_a_frame_alone_has_no_depth(task: DepthTask) -> None:
    alone = DepthTask(task.grays[:1], task.world_from_camera[:1], task.k, range(1), OFFSETS)
    assert not dense_depth(alone)[0].any()


def test_the_closed_form_is_exact_where_the_flow_is(task: DepthTask, street: list[TownFrame]) -> None:
    true, pixels = street[2].depth, pixel_centres(240, 320)
    pose = np.linalg.inv(task.world_from_camera[4]) @ task.world_from_camera[2]
    inside = unproject(pixels, np.where(true > 0, true, 50.0), task.k) @ pose[:3, :3].T + pose[:3, 3]
    place = project(inside, task.k)
    x, y, u, v = (
        np.asarray(a, np.float32) - np.float32(0.5) for a in (*np.moveaxis(pixels, 2, 0), *np.moveaxis(place, 2, 0))
    )
    log_depth, parallax, residual = _closed_form(task, 2, 4, (x, y), (u, v))
    seen = (true > 0) & (inside[..., 2] > 0.5) & (parallax > 1)
    assert seen.mean() > 0.3
    assert np.abs(residual[seen]).max() < 0.01
    assert np.abs(np.exp(log_depth[seen]) / true[seen] - 1).max() < 1e-3


@given(st.integers(1, 60), st.sets(st.integers(1, 59)), st.sampled_from([1, 2, 4, 8]))
def test_pieces_cover_every_row_once_and_never_look_across_a_break(count: int, cuts: set[int], stride: int) -> None:
    breaks = sorted(cut for cut in cuts if cut < count)
    grays = [np.full((1, 1), row, np.uint8) for row in range(count)]
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, 0, 3] = np.arange(count)
    part = np.searchsorted(breaks, np.arange(count), side="right")
    answered: list[int] = []
    for rows, piece in depth_tasks(grays, poses, np.eye(3), breaks, tuple(stride * o for o in OFFSETS)):
        inside = [int(gray[0, 0]) for gray in piece.grays]
        assert [inside[row] for row in piece.rows] == list(rows)
        assert piece.world_from_camera[:, 0, 3].tolist() == inside
        assert len({int(part[row]) for row in inside}) == 1
        wanted = {row + stride * o for row in rows for o in OFFSETS}
        assert {row for row in wanted if 0 <= row < count and part[row] == part[rows[0]]} <= set(inside)
        answered += rows
    assert answered == list(range(count))


def test_pieces_together_are_one_large_task(street: list[TownFrame], street_grays: list[NDArray[np.uint8]]) -> None:
    count = 20
    grays = [np.asarray(cv2.resize(gray, (160, 120), interpolation=cv2.INTER_AREA)) for gray in street_grays[:count]]
    k = np.diag([0.5, 0.5, 1.0]) @ street[0].intrinsics
    poses = np.stack([frame.world_from_camera for frame in street[:count]])
    whole = dense_depth(DepthTask(grays, poses, k, range(count), OFFSETS))
    pieces = list(depth_tasks(grays, poses, k, (), OFFSETS))
    assert len(pieces) > 1
    for rows, piece in pieces:
        depth, confidence = dense_depth(piece)
        np.testing.assert_array_equal(depth, whole[0][rows.start : rows.stop])
        np.testing.assert_array_equal(confidence, whole[1][rows.start : rows.stop])


def test_masked_pixels_and_what_they_drag_have_no_depth(task: DepthTask, found: Found) -> None:
    mask = np.ones(task.grays[0].shape, np.bool_)
    mask[180:] = False
    depth, confidence = dense_depth(replace(task, masks=(None,) * 3 + (mask,) * 5))
    np.testing.assert_array_equal(depth[0], found[0][0])
    far = 180 - FLOW_SUPPORT_PX
    assert not depth[1:, far:].any() and not confidence[1:, far:].any()
    np.testing.assert_array_equal(depth[1:, : far - 1], found[0][1:, : far - 1])
