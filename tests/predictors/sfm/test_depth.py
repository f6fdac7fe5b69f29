"""Dense depth of the synthetic street with exact cameras: right, honest about itself, the same however it is cut."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from da3_stream.geometry import pixel_centres, project, resize_intrinsics, unproject
from da3_stream.predictors.sfm.depth import (
    FLOW_NOISE_PX,
    FLOW_SUPPORT_PX,
    LINKS,
    DepthTask,
    counts_for_depth,
    dense_depth,
    depth_task,
    depth_tasks,
    enlarge_depth,
    flow_noise,
)
from da3_stream.predictors.sfm.flow_links import FlowLinks
from da3_stream.predictors.sfm.triangulation import closed_form, weighted_median
from da3_stream.synthetic.town import TownFrame
from tests.worlds.towns import street_frame

pytestmark = pytest.mark.slow

ROWS = range(2, 6)
STREET_SIZE = (320, 240)

Found = tuple[NDArray[np.float32], NDArray[np.float32]]


@pytest.fixture(scope="module")
def street() -> list[TownFrame]:
    """Frames of a drive along a street, with their truth."""
    return [street_frame(i, STREET_SIZE) for i in range(14)]


@pytest.fixture(scope="module")
def task(street: list[TownFrame], street_grays: list[NDArray[np.uint8]]) -> DepthTask:
    """Eight frames with their exact cameras; four of them are asked for."""
    poses = np.stack([frame.world_from_camera for frame in street[:8]])
    return replace(depth_task(street_grays[:8], poses, street[0].intrinsics, flow_scale=1), rows=ROWS)


@pytest.fixture(scope="module")
def truth(street: list[TownFrame]) -> NDArray[np.float32]:
    return np.stack([street[row].depth for row in ROWS])


@pytest.fixture(scope="module")
def found(task: DepthTask) -> Found:
    return enlarged(task)


def enlarged(task: DepthTask, size: tuple[int, int] = STREET_SIZE) -> Found:
    """Depth and confidence at the size of the frames."""
    depth, confidence = zip(*(enlarge_depth(*maps, size) for maps in zip(*dense_depth(task), strict=True)), strict=True)
    return np.stack(depth), np.stack(confidence)


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
    apart = replace(task, grays=task.grays[1::2], world_from_camera=task.world_from_camera[1::2], rows=range(1, 2))
    one = dense_depth(
        replace(task, grays=task.grays[2:5], world_from_camera=task.world_from_camera[2:5], rows=range(1, 2))
    )
    two = dense_depth(replace(apart, grays=apart.grays[:3], world_from_camera=apart.world_from_camera[:3]))
    both = (one[0] > 0) & (two[0] > 0)
    assert np.median(two[1][both] / one[1][both]) > 1.5


def test_more_neighbours_are_surer(task: DepthTask, found: Found) -> None:
    two = slice(ROWS[1] - 1, ROWS[1] + 2)
    few = enlarged(
        replace(task, grays=task.grays[two], world_from_camera=task.world_from_camera[two], rows=range(1, 2))
    )
    both = (few[0][0] > 0) & (found[0][1] > 0)
    assert (found[0][1] > 0).mean() > (few[0][0] > 0).mean()
    assert np.median(found[1][1][both] / few[1][0][both]) > 1.5


def test_full_size_flow_is_the_better_one(
    task: DepthTask,
    street_grays: list[NDArray[np.uint8]],
    street: list[TownFrame],
    found: Found,
    truth: NDArray[np.float32],
) -> None:
    whole = depth_task(street_grays[:8], task.world_from_camera, street[0].intrinsics, flow_scale=0)
    full = dense_depth(replace(whole, rows=ROWS))
    assert np.median(errors(full, truth)) < 0.6 * np.median(errors(found, truth))
    assert (full[0][truth > 0] > 0).mean() > (found[0][truth > 0] > 0).mean()


@pytest.mark.parametrize("size", [(319, 239), (301, 225)])
def test_images_need_not_be_even(
    street: list[TownFrame], street_grays: list[NDArray[np.uint8]], truth: NDArray[np.float32], size: tuple[int, int]
) -> None:
    depth, _ = enlarged(small_street(street, street_grays, size, 1), size)
    true = cv2.resize(truth[1], size, interpolation=cv2.INTER_NEAREST)
    both = (depth[0] > 0) & (true > 0)
    assert both.sum() > 0.5 * (true > 0).sum()
    assert np.median(np.abs(depth[0][both] / true[both] - 1)) < 0.05


@pytest.mark.parametrize("size", [(96, 72), (28, 21)])
@pytest.mark.parametrize("flow_scale", [0, 1, 3])
def test_small_images_have_depth(
    street: list[TownFrame], street_grays: list[NDArray[np.uint8]], size: tuple[int, int], flow_scale: int
) -> None:
    assert enlarged(small_street(street, street_grays, size, flow_scale), size)[0].any()


def small_street(
    street: list[TownFrame], grays: list[NDArray[np.uint8]], size: tuple[int, int], flow_scale: int
) -> DepthTask:
    """One row of the street in smaller images."""
    small = [np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8) for gray in grays[:8]]
    poses = np.stack([frame.world_from_camera for frame in street[:8]])
    k = resize_intrinsics(street[0].intrinsics, STREET_SIZE, size)
    return replace(depth_task(small, poses, k, flow_scale), rows=range(3, 4))


def test_what_is_enlarged_stays_on_its_plane() -> None:
    inverse = (0.1 + 0.002 * np.arange(40) * np.ones((30, 1))).astype(np.float32)
    depth, confidence = 1 / inverse, np.full((30, 40), 7, np.float32)
    depth[:, 20:30] = confidence[:, 20:30] = 0
    enlarged_depth, sure = enlarge_depth(depth, confidence, (80, 60))
    plane = 1 / (0.1 + 0.002 * ((np.arange(80) + 0.5) / 2 - 0.5))
    known = enlarged_depth > 0
    np.testing.assert_array_equal(known, sure > 0)
    assert known[:, 1:40].all() and not known[:, 41:59].any() and known[:, 60:79].all()
    np.testing.assert_allclose(enlarged_depth[:, 1:39], np.tile(plane[1:39], (60, 1)), rtol=1e-5)
    np.testing.assert_allclose(sure[known], 7, rtol=1e-5)


def test_links_put_together_are_the_flow_of_a_moving_picture() -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (120, 200)).astype(np.uint8), (0, 0), 2)
    shown = [np.ascontiguousarray(picture[:, 3 * k : 3 * k + 160]) for k in range(4)]
    shown[2][40:80, 40:80] = np.random.default_rng(1).integers(0, 255, (40, 40))  # what hides a part
    there = dict(FlowLinks(shown, 1.0).follow(0, (1, 2, 3)))
    x = np.broadcast_to(np.arange(160, dtype=np.float32), (120, 160))
    for row, places in there.items():
        seen = ~np.isnan(places[..., 0])
        assert np.median(np.abs(places[..., 0] - x + 3 * row)[seen]) < 0.1
        assert seen[:, 24:].mean() > 0.75 and not seen[:, : 3 * row - 1].any()
    assert np.isnan(there[2][50:70, 56:76]).mean() > 0.8 and np.isnan(there[3][50:70, 56:76]).mean() > 0.8
    assert not np.isnan(there[1][50:70, 56:76]).any()


@given(st.integers(1, 8), st.integers(0, 1000))
def test_the_weighted_median_is_that_of_sorted_values(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, 3, 4)).astype(np.float32)
    weights = rng.integers(0, 4, (count, 3, 4)).astype(np.float32)
    order = np.argsort(values, axis=0)
    below = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0)
    middle = (below < 0.5 * below[-1]).sum(axis=0)
    expected = np.take_along_axis(np.take_along_axis(values, order, axis=0), middle[None], axis=0)[0]
    np.testing.assert_array_equal(weighted_median(values, weights), expected)


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
    alone = DepthTask(task.grays[:1], task.world_from_camera[:1], task.k, range(1))
    assert not dense_depth(alone)[0].any()


def test_the_closed_form_is_exact_where_the_flow_is(task: DepthTask, street: list[TownFrame]) -> None:
    true, pixels = street[2].depth, pixel_centres(240, 320)
    pose = np.linalg.inv(task.world_from_camera[4]) @ task.world_from_camera[2]
    inside = unproject(pixels, np.where(true > 0, true, 50.0), task.k) @ pose[:3, :3].T + pose[:3, 3]
    places = np.asarray(project(inside, task.k) - 0.5, np.float32)
    log_depth, parallax, left = closed_form(task.k, pose, places)
    seen = (true > 0) & (inside[..., 2] > 0.5) & (parallax > 1)
    assert seen.mean() > 0.3
    assert np.sqrt(left[seen].max()) < 0.01
    assert np.abs(np.exp(log_depth[seen]) / true[seen] - 1).max() < 1e-3


@given(st.integers(1, 150), st.sets(st.integers(1, 149)), st.sampled_from([1, 2, 4, 8]))
def test_pieces_cover_every_row_once_and_never_look_across_a_break(count: int, cuts: set[int], stride: int) -> None:
    breaks = sorted(cut for cut in cuts if cut < count)
    grays = [np.full((1, 1), row, np.uint8) for row in range(count)]
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, 0, 3] = np.arange(count)
    part = np.searchsorted(breaks, np.arange(count), side="right")
    answered: list[int] = []
    for rows, piece in depth_tasks(DepthTask(grays, poses, np.eye(3), range(count)), breaks, stride):
        inside = [int(gray[0, 0]) for gray in piece.grays]
        assert [inside[row] for row in piece.rows] == list(rows)
        assert piece.world_from_camera[:, 0, 3].tolist() == inside
        assert set(np.diff(inside)) <= {stride}
        assert len({int(part[row]) for row in inside}) == 1
        wanted = {row + stride * o for row in rows for o in range(-LINKS, LINKS + 1)}
        assert {row for row in wanted if 0 <= row < count and part[row] == part[rows[0]]} <= set(inside)
        answered += rows
    assert sorted(answered) == list(range(count))


@pytest.mark.parametrize("stride", [1, 2])
def test_pieces_together_are_one_large_task(
    street: list[TownFrame], street_grays: list[NDArray[np.uint8]], stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("da3_stream.predictors.sfm.depth.CHUNK", 6)
    count = 14
    grays = [np.asarray(cv2.resize(gray, (160, 120), interpolation=cv2.INTER_AREA)) for gray in street_grays[:count]]
    poses = np.stack([frame.world_from_camera for frame in street[:count]])
    window = DepthTask(grays, poses, np.diag([0.5, 0.5, 1.0]) @ street[0].intrinsics, range(count))
    linked = range(0, count, stride)
    whole = dense_depth(
        replace(window, grays=grays[::stride], world_from_camera=poses[::stride], rows=range(len(linked)))
    )
    pieces = [(rows, piece) for rows, piece in depth_tasks(window, (), stride) if rows[0] in linked]
    assert len(pieces) > 1
    for rows, piece in pieces:
        depth, confidence = dense_depth(piece)
        place = slice(rows.start // stride, rows.stop // stride + (rows.stop % stride > 0))
        np.testing.assert_array_equal(depth, whole[0][place])
        np.testing.assert_array_equal(confidence, whole[1][place])


def test_what_masked_pixels_drag_does_not_count() -> None:
    mask = np.ones((240, 320), np.bool_)
    mask[180:] = False
    counts = counts_for_depth(mask)
    assert not counts[180 - FLOW_SUPPORT_PX :].any() and counts[: 179 - FLOW_SUPPORT_PX].all()
