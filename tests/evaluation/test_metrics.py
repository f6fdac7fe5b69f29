"""Errors of trajectories: values worked by hand, second methods, and what must not change them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from da3_stream.evaluation.compare import Align, SegmentComparison, align_positions
from da3_stream.evaluation.metrics import (
    absolute_trajectory_error,
    fit_scale,
    relative_pose_error,
    scale_drift,
    straight_line_percent,
    subsequence_lengths,
)
from da3_stream.geometry import Sim3

SQUARE = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
SIMILARITIES = st.builds(
    lambda log_scale, rotvec, t: Sim3(np.exp(log_scale), Rotation.from_rotvec(rotvec).as_matrix(), t),
    st.floats(-3, 3),
    st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    st.lists(st.floats(-50, 50), min_size=3, max_size=3),
)


def straight(n: int, step: float = 1.0) -> np.ndarray:
    poses = np.tile(np.eye(4), (n, 1, 1))
    poses[:, 2, 3] = step * np.arange(n)
    return poses


def moved(a_from_b: Sim3, poses: np.ndarray) -> np.ndarray:
    """Cameras [N,4,4] after a similarity of the world (their own scale stays 1)."""
    out = poses.copy()
    out[:, :3, :3] = a_from_b.rotation @ poses[:, :3, :3]
    out[:, :3, 3] = a_from_b.apply(poses[:, :3, 3])
    return out


def ate(truth: np.ndarray, estimate: np.ndarray, align: Align) -> float:
    return absolute_trajectory_error(truth, align_positions(truth, estimate, align).apply(estimate)).rmse_m


def numbers(truth: np.ndarray, estimate: np.ndarray, align: Align = "sim3") -> dict[str, Any]:
    alignment = align_positions(truth[:, :3, 3], estimate[:, :3, 3], align)
    return SegmentComparison(0, np.arange(len(truth)), truth, estimate, alignment).metrics()


def test_an_offset_square_is_off_by_the_offset_only_unaligned() -> None:
    shifted = SQUARE + (3.0, 4.0, 0.0)
    assert ate(SQUARE, shifted, "none") == pytest.approx(5.0)
    assert ate(SQUARE, shifted, "se3") == pytest.approx(0.0, abs=1e-12)


def test_a_square_of_half_size_is_off_by_half_its_radius_when_rigid() -> None:
    assert ate(SQUARE, SQUARE / 2, "se3") == pytest.approx(np.sqrt(2) / 4)
    assert ate(SQUARE, SQUARE / 2, "sim3") == pytest.approx(0.0, abs=1e-12)
    assert fit_scale(SQUARE, SQUARE / 2) == pytest.approx(2.0)


def test_one_outlier_of_two_metres_among_four_frames() -> None:
    errors = absolute_trajectory_error(SQUARE, SQUARE + np.array([[0.0, 0, 0], [0, 0, 0], [0, 0, 2], [0, 0, 0]]))
    assert (errors.rmse_m, errors.median_m, errors.max_m) == pytest.approx((1.0, 0.0, 2.0))


def test_straight_line_of_positions_0_1_3() -> None:
    """The regression line through (0,0), (1,1), (2,3) leaves 1/6, -1/3, 1/6; the path is 3 m long."""
    truth = np.array([[0.0, 0, 0], [0, 1, 0], [0, 3, 0]])
    assert straight_line_percent(truth) == pytest.approx(100 * np.sqrt(6 / 108) / 3)
    assert straight_line_percent(straight(9)[:, :3, 3]) == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(straight_line_percent(np.zeros((5, 3))))


def test_straight_line_scores_of_real_clips(shared) -> None:
    for clip, expected in {"kitti06_0-50": 0.10, "kitti07_0-159": 5.97, "hololens_000": 5.83}.items():
        poses = np.loadtxt(shared / "data" / clip / "poses_c2w.txt").reshape(-1, 3, 4)
        assert straight_line_percent(poses[:, :, 3]) == pytest.approx(expected, abs=0.005)


def test_steps_one_percent_too_long_are_one_percent_of_relative_error() -> None:
    error = relative_pose_error(straight(1001), straight(1001, 1.01))
    assert error.lengths_m == tuple(range(100, 801, 100))
    assert error.trans_percent == pytest.approx(1.0)
    assert error.rot_deg_per_m == pytest.approx(0.0, abs=1e-9)
    assert error.pairs == 91 + 81 + 71 + 61 + 51 + 41 + 31 + 21


def test_a_hundredth_of_a_degree_per_metre_of_yaw_is_found() -> None:
    truth = straight(401)
    turning = truth.copy()
    turning[:, :3, :3] = Rotation.from_euler("y", 0.01 * np.arange(401)[:, None], degrees=True).as_matrix()
    assert relative_pose_error(truth, turning).rot_deg_per_m == pytest.approx(0.01)


def test_short_paths_use_a_tenth_of_their_length_and_every_frame() -> None:
    assert subsequence_lengths(90.0) == (9.0,)
    assert subsequence_lengths(100.0) == (100.0,)
    error = relative_pose_error(straight(51), straight(51, 1.02))
    assert error.lengths_m == (5.0,) and error.pairs == 46
    assert error.trans_percent == pytest.approx(2.0)


def test_relative_error_of_a_standing_camera_has_no_meaning() -> None:
    error = relative_pose_error(straight(10, 0.0), straight(10))
    assert np.isnan(error.trans_percent) and np.isnan(error.rot_deg_per_m) and error.pairs == 0


def test_relative_error_agrees_with_the_benchmark_written_out_in_loops(curve) -> None:
    truth, noise = curve(700), np.random.default_rng(0)
    estimate = truth.copy()
    estimate[:, :3, 3] += np.cumsum(noise.normal(0, 0.01, (700, 3)), axis=0)
    estimate[:, :3, :3] = estimate[:, :3, :3] @ Rotation.from_rotvec(noise.normal(0, 0.01, (700, 3))).as_matrix()
    along = [0.0]
    for a, b in zip(truth, truth[1:], strict=False):
        along.append(along[-1] + float(np.linalg.norm(b[:3, 3] - a[:3, 3])))
    trans, rot = [], []
    for first in range(0, 700, 10):
        for length in subsequence_lengths(along[-1]):
            last = next((k for k in range(first, 700) if along[k] >= along[first] + length), None)
            if last is None:
                continue
            true_step = np.linalg.inv(truth[first]) @ truth[last]
            error = np.linalg.inv(np.linalg.inv(estimate[first]) @ estimate[last]) @ true_step
            trans.append(np.linalg.norm(error[:3, 3]) / length)
            rot.append(np.arccos(min(1.0, (np.trace(error[:3, :3]) - 1) / 2)) / length)
    ours = relative_pose_error(truth, estimate)
    assert ours.pairs == len(trans)
    assert ours.trans_percent == pytest.approx(100 * np.mean(trans))
    assert ours.rot_deg_per_m == pytest.approx(np.degrees(np.mean(rot)), rel=1e-5)


def test_alignment_agrees_with_nonlinear_least_squares(curve) -> None:
    truth = curve(60)[:, :3, 3]
    source = Sim3.exp([1, 2, 3, 0.3, -0.5, 0.2, 0.7]).apply(truth) + np.random.default_rng(1).normal(
        0, 0.3, truth.shape
    )
    start = np.zeros(7)
    second = least_squares(lambda xi: (Sim3.exp(xi).apply(source) - truth).ravel(), start, xtol=1e-14, ftol=1e-14)
    rmse = np.sqrt(2 * second.cost / len(truth))
    assert ate(truth, source, "sim3") == pytest.approx(rmse, rel=1e-8)
    assert fit_scale(truth, source) == pytest.approx(np.exp(second.x[6]), rel=1e-6)


def test_alignment_agrees_with_horns_quaternions(curve) -> None:
    """Horn, "Closed-form solution of absolute orientation using unit quaternions" (JOSA A 1987), section 4."""
    truth = curve(60)[:, :3, 3]
    source = Sim3.exp([1, 2, 3, 0.3, -0.5, 0.2, 0]).apply(truth) + np.random.default_rng(2).normal(0, 0.3, truth.shape)
    m = (source - source.mean(0)).T @ (truth - truth.mean(0))
    delta = np.array([m[1, 2] - m[2, 1], m[2, 0] - m[0, 2], m[0, 1] - m[1, 0]])
    n = np.block([[np.trace(m), delta[None]], [delta[:, None], m + m.T - np.trace(m) * np.eye(3)]])
    q = np.linalg.eigh(n)[1][:, -1]  # w first
    rotation = Rotation.from_quat([q[1], q[2], q[3], q[0]]).as_matrix()
    np.testing.assert_allclose(align_positions(truth, source, "se3").rotation, rotation, atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(SIMILARITIES, st.integers(0, 2**31))
def test_errors_do_not_depend_on_the_frame_and_unit_of_the_estimate(similarity: Sim3, seed: int) -> None:
    noise = np.random.default_rng(seed)
    truth = straight(30)
    truth[:, :3, 3] = np.cumsum(noise.normal(0, 1, (30, 3)), axis=0)
    estimate = truth.copy()
    estimate[:, :3, 3] += noise.normal(0, 0.1, (30, 3))
    before, after = numbers(truth, estimate), numbers(truth, moved(similarity, estimate))
    for key in ("ate_rmse_m", "ate_median_m", "ate_max_m", "ate_percent", "rpe_trans_percent", "scale_drift"):
        assert after[key] == pytest.approx(before[key], rel=1e-6), key
    assert after["scale"] * similarity.scale == pytest.approx(before["scale"], rel=1e-9)


@settings(deadline=None, max_examples=20)
@given(SIMILARITIES)
def test_an_exact_estimate_has_no_error_in_any_frame(similarity: Sim3) -> None:
    truth = straight(30)
    truth[:, 0, 3] = np.sin(np.arange(30.0))
    result = numbers(truth, moved(similarity, truth))
    for key in ("ate_rmse_m", "ate_max_m", "rpe_trans_percent", "rpe_rot_deg_per_m", "scale_drift_percent_per_100m"):
        assert result[key] == pytest.approx(0.0, abs=1e-5), key
    assert result["scale"] * similarity.scale == pytest.approx(1.0)
    assert result["scale_drift"] == pytest.approx(1.0)


def test_rigid_and_no_alignment_leave_the_scale_in_the_relative_error(curve) -> None:
    truth, estimate = curve(100), curve(100)
    estimate[:, :3, 3] /= 1.25
    assert numbers(truth, estimate, "sim3")["rpe_trans_percent"] == pytest.approx(0.0, abs=1e-9)
    for align in ("se3", "none"):
        result = numbers(truth, estimate, align)
        assert 15 < result["rpe_trans_percent"] < 25
        assert result["scale"] == pytest.approx(1.25)


def test_a_scale_that_grows_ten_percent_per_hundred_metres_is_found() -> None:
    along = np.arange(0, 500.5, 0.5)
    truth, estimate = np.zeros((len(along), 3)), np.zeros((len(along), 3))
    truth[:, 0] = along
    estimate[:, 0] = np.concatenate([[0], np.cumsum(np.diff(along) * 1.1 ** (-along[:-1] / 100))])
    drift = scale_drift(truth, estimate)
    assert drift.percent_per_100m == pytest.approx(10.0, rel=1e-3)
    assert drift.max_over_min == pytest.approx(1.1**4.5, rel=1e-3)
    assert len(drift.relative_scale) == 10


def test_scale_has_no_meaning_without_extent() -> None:
    assert np.isnan(fit_scale(SQUARE, np.ones((4, 3))))
    assert np.isnan(fit_scale(np.ones((4, 3)), SQUARE))
    assert np.isnan(scale_drift(np.ones((4, 3)), SQUARE).max_over_min)
