"""align_windows: what it recovers, what it withstands, what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.errors import StitchingError
from da3_stream.geometry import Sim3
from da3_stream.stitching import align_windows
from da3_stream.types import Alignment, Status, WindowGeometry
from tests.worlds.overlaps import Errors, Pair, disturbed, in_units, log_error, make_pair

NOISE = {"depth_noise": 0.05, "pose_noise": 2e-4}
SEEDS = range(2)


def align(pair: Pair) -> Alignment:
    found = align_windows(pair.previous, pair.current)
    assert np.array_equal(found.information, found.information.T)
    np.linalg.cholesky(found.information)  # positive definite, whatever the input
    return found


def with_depth(window: WindowGeometry, depth: np.ndarray) -> WindowGeometry:
    return replace(window, depth=depth)


def without_depth(window: WindowGeometry, status: Status = Status.OK) -> WindowGeometry:
    return replace(window, confidence=np.zeros_like(window.confidence), status=status)


def check(found: Alignment, truth: Sim3, scale: float, status: Status = Status.OK) -> None:
    wrong = log_error(found.previous_from_current, truth)
    assert found.status is status
    assert abs(wrong[6]) < scale
    assert np.linalg.norm(wrong[3:6]) < 1e-3


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("frames", "status"), [(12, Status.OK), (2, Status.OK), (1, Status.WEAK)])
def test_without_noise_the_answer_is_exact(seed: int, frames: int, status: Status) -> None:
    pair = make_pair(seed, frames)
    found = align(pair)
    assert np.abs(log_error(found.previous_from_current, pair.truth)).max() < 1e-9
    assert found.status is status
    assert found.inlier_ratio == 1.0
    assert found.shared.tolist() == list(range(4, 4 + frames))


@pytest.mark.slow
@pytest.mark.parametrize("speed", [0.0, 1.0])
@pytest.mark.parametrize("depth_noise", [0.05, 0.2])
def test_depth_noise_averages_out(depth_noise: float, speed: float) -> None:
    for seed in SEEDS:
        pair = make_pair(seed, depth_noise=depth_noise, pose_noise=2e-4, speed=speed)
        check(align(pair), pair.truth, 0.003)


@pytest.mark.slow
@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_a_compressed_far_field_does_not_pull_the_scale(speed: float) -> None:
    for seed in SEEDS:
        pair, rng = make_pair(seed, speed=speed), np.random.default_rng(seed)
        errors = Errors(pixel=0.05, turn=2e-4, centre=2e-3)
        depth = pair.current.depth
        far = depth > np.quantile(depth, 0.85)
        current = with_depth(pair.current, np.where(far, 0.92 * depth, depth))
        check(
            align_windows(disturbed(pair.previous, rng, 1.0, errors), disturbed(current, rng, 1 / 0.7, errors)),
            pair.truth,
            0.005,
        )


@pytest.mark.slow
@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_gross_outliers_do_not_pull_the_scale(speed: float) -> None:
    for seed in SEEDS:
        pair, rng = make_pair(seed, speed=speed, **NOISE), np.random.default_rng(seed)
        depth = pair.current.depth
        factor = np.where(rng.random(depth.shape) < 0.3, 10 ** rng.uniform(-1, 1, depth.shape), 1.0)
        found = align_windows(pair.previous, with_depth(pair.current, depth * factor))
        check(found, pair.truth, 0.005)
        assert 0.65 < found.inlier_ratio < 0.85


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1.3, 0.33])
@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_a_moving_car_over_a_third_of_the_image_does_not_pull_the_scale(speed: float, factor: float) -> None:
    for seed in SEEDS:
        pair = make_pair(seed, speed=speed, **NOISE)
        depth = pair.current.depth.copy()
        for row in range(len(depth)):
            depth[row, :, 2 * row : 2 * row + 32] *= factor
        check(align_windows(pair.previous, with_depth(pair.current, depth)), pair.truth, 0.005)


def test_a_few_wrong_cameras_do_not_pull_the_rotation() -> None:
    pair = make_pair(5, **NOISE)
    poses = pair.current.window_from_camera.copy()
    poses[2:4, :3, :3] = poses[2:4, :3, :3] @ Sim3.exp([0, 0, 0, 0.3, 0, 0, 0]).rotation
    poses[2:4, :3, 3] += 5.0
    check(align(replace(pair, current=replace(pair.current, window_from_camera=poses))), pair.truth, 0.005)


def test_nan_and_zero_confidence_are_left_out() -> None:
    pair, rng = make_pair(1, **NOISE), np.random.default_rng(1)
    depth, confidence = pair.current.depth.copy(), pair.current.confidence.copy()
    depth[rng.random(depth.shape) < 0.2] = np.nan
    depth[rng.random(depth.shape) < 0.2] = 0.0
    wrong = rng.random(depth.shape) < 0.3
    depth[wrong] *= 7.0
    confidence[wrong] = 0.0
    poses = pair.current.window_from_camera.copy()
    poses[3] = np.nan
    current = replace(pair.current, depth=depth, confidence=confidence, window_from_camera=poses)
    found = align(replace(pair, current=current))
    check(found, pair.truth, 0.005)
    assert 7 not in found.shared


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.01, 100.0])
def test_the_unit_of_either_window_does_not_matter(factor: float) -> None:
    pair = make_pair(2, **NOISE)
    plain = align(pair)
    for side in ("previous", "current"):
        scaled = align(replace(pair, **{side: in_units(getattr(pair, side), factor)}))
        unit = Sim3(factor, np.eye(3), np.zeros(3))
        expected = (
            unit @ plain.previous_from_current if side == "previous" else plain.previous_from_current @ unit.inverse()
        )
        assert np.abs(log_error(scaled.previous_from_current, expected)[3:]).max() < 1e-9
        assert scaled.previous_from_current.translation == pytest.approx(expected.translation, rel=1e-9)
        change = unit.adjoint() if side == "current" else np.eye(7)
        size = np.sqrt(np.diag(plain.information))
        difference = (change.T @ scaled.information @ change - plain.information) / np.outer(size, size)
        assert np.abs(difference).max() < 1e-6
        assert (scaled.status, scaled.inlier_ratio) == (plain.status, plain.inlier_ratio)


@pytest.mark.slow
def test_exchanging_the_windows_gives_the_inverse() -> None:
    for seed in SEEDS:
        pair = make_pair(seed, depth_noise=0.05, pose_noise=2e-3)
        there, back = align(pair), align(Pair(pair.current, pair.previous, pair.truth.inverse()))
        sigmas = np.sqrt(np.diag(np.linalg.inv(there.information)))
        assert np.all(np.abs((back.previous_from_current @ there.previous_from_current).log()) < 0.2 * sigmas)


@pytest.mark.slow
@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_the_information_is_honest(speed: float) -> None:
    energies = []
    for seed in range(10):
        pair = make_pair(seed, depth_noise=0.05, pose_noise=2e-3, speed=speed, size=(24, 48))
        found = align(pair)
        wrong = log_error(found.previous_from_current, pair.truth)
        energies.append(wrong @ found.information @ wrong / 7)
    assert 0.2 < np.mean(energies) < 3


@pytest.mark.slow
def test_good_depth_does_not_make_poor_cameras_sure_of_their_turn() -> None:
    energies = []
    for seed in range(10):
        pair = make_pair(seed, depth_noise=0.005, pose_noise=1e-2, size=(24, 48))
        found = align(pair)
        wrong = log_error(found.previous_from_current, pair.truth)
        energies.append(wrong @ found.information @ wrong / 7)
    assert 0.2 < np.mean(energies) < 3


@pytest.mark.slow
def test_depth_that_disagrees_leaves_the_cameras_answer_and_is_weak() -> None:
    pair = make_pair(4, pose_noise=1e-4)
    noise = np.random.default_rng(4).normal(0, 1, pair.current.depth.shape)
    frames = np.random.default_rng(5).normal(0, 0.5, (len(noise), 1, 1))
    current = with_depth(pair.current, 3 * pair.current.depth * np.exp(noise + frames))
    check(align(replace(pair, current=current)), pair.truth, 0.02, Status.WEAK)


def test_windows_of_which_neither_depth_nor_cameras_agree_are_not_glued() -> None:
    pair, rng = make_pair(4), np.random.default_rng(4)
    poses = pair.current.window_from_camera.copy()
    poses[:, :3, :3] = np.stack([Sim3.exp(np.r_[0, 0, 0, t, 0]).rotation for t in rng.normal(0, 1, (len(poses), 3))])
    poses[:, :3, 3] = rng.normal(0, 10, (len(poses), 3))
    depth = 10 * np.exp(rng.normal(0, 1, pair.current.depth.shape))
    current = replace(pair.current, depth=depth, window_from_camera=poses)
    assert align(replace(pair, current=current)).status is Status.FAILED


def test_no_shared_frames_fail() -> None:
    pair = make_pair(3, 2)
    current = replace(pair.current, frame_indices=pair.current.frame_indices + 100)
    found = align(replace(pair, current=current))
    assert found.status is Status.FAILED
    assert len(found.shared) == 0


def test_nan_everywhere_fails() -> None:
    pair = make_pair(3, 2)
    current = replace(pair.current, window_from_camera=np.full_like(pair.current.window_from_camera, np.nan))
    assert align(replace(pair, current=current)).status is Status.FAILED


def test_without_depth_the_cameras_give_a_weak_answer() -> None:
    pair = make_pair(4, pose_noise=1e-4)
    found = align(replace(pair, current=without_depth(pair.current)))
    check(found, pair.truth, 0.02, Status.WEAK)


@pytest.mark.parametrize(("frames", "speed"), [(1, 1.0), (12, 0.0)])
def test_neither_depth_nor_motion_fails(frames: int, speed: float) -> None:
    pair = make_pair(4, frames, speed=speed)
    assert align(replace(pair, previous=without_depth(pair.previous))).status is Status.FAILED


def test_a_held_window_is_placed_by_its_cameras_with_scale_one() -> None:
    pair = make_pair(6, scale=1.0, speed=0.0)
    found = align(replace(pair, current=without_depth(pair.current, Status.HELD)))
    assert found.status is Status.WEAK
    assert found.previous_from_current.scale == pytest.approx(1.0)
    assert np.abs(log_error(found.previous_from_current, pair.truth)).max() < 1e-9


def test_frames_that_disagree_on_the_scale_are_weak() -> None:
    pair = make_pair(7)
    factors = np.exp(np.random.default_rng(7).normal(0, 0.3, len(pair.current.depth)))
    assert (
        align(replace(pair, current=with_depth(pair.current, pair.current.depth * factors[:, None, None]))).status
        is Status.WEAK
    )


@pytest.mark.slow
@pytest.mark.parametrize(("truth", "expected"), [(1.002, 1.0), (1.03, 1.03), (1.3, 1.3)])
def test_metric_windows_keep_scale_one_unless_the_evidence_is_strong(truth: float, expected: float) -> None:
    pair = make_pair(8, scale=truth, **NOISE)
    previous, current = (replace(w, is_metric=True) for w in (pair.previous, pair.current))
    found = align_windows(previous, current)
    assert found.previous_from_current.scale == pytest.approx(expected, rel=0.005 if expected != 1.0 else 1e-12)


def test_all_shared_frames_and_no_others_are_used() -> None:
    pair = make_pair(9)
    rows = np.flatnonzero(np.isin(pair.current.frame_indices, [5, 6, 9, 17]))
    found = align_windows(pair.previous, pair.current.rows(rows))
    assert found.shared.tolist() == [5, 6, 9]
    assert np.abs(log_error(found.previous_from_current, pair.truth)).max() < 1e-9


def test_depth_maps_of_different_sizes_are_refused() -> None:
    with pytest.raises(StitchingError, match="of one size to be stitched, not 96x48 and 64x32"):
        align_windows(make_pair(9).previous, make_pair(9, size=(32, 64)).current)


@pytest.mark.slow
def test_single_precision_is_enough() -> None:
    pair = make_pair(10, **NOISE)
    exact = align(pair)
    narrow = [replace(w, depth=w.depth.astype(np.float32)) for w in (pair.previous, pair.current)]
    found = align_windows(*narrow)
    assert np.abs(log_error(found.previous_from_current, exact.previous_from_current)).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_nonsense_is_weak_or_failed_and_finite(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pair = make_pair(seed, frames=1 + 2 * seed)
    depth = 10 ** rng.uniform(-6, 6, pair.current.depth.shape)
    poses = pair.current.window_from_camera.copy()
    poses[:, :3, 3] = rng.normal(size=(len(poses), 3)) * 10.0 ** rng.integers(-5, 5, (len(poses), 1))
    poses[:, :3, :3] = np.linalg.qr(rng.normal(size=(len(poses), 3, 3)))[0]
    found = align(replace(pair, current=replace(pair.current, depth=depth, window_from_camera=poses)))
    assert found.status in (Status.WEAK, Status.FAILED)
    assert np.isfinite(found.previous_from_current.matrix()).all()
    assert np.isfinite(found.residual)
