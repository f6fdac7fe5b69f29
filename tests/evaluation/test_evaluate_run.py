"""`evaluate` on whole run directories and pose tables: what the result says, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from da3_stream.errors import EvaluationError, StoreError
from da3_stream.evaluation import evaluate, plot_trajectories, summary, trajectory_result
from da3_stream.evaluation.associate import associate
from da3_stream.evaluation.compare import compare_segments
from da3_stream.evaluation.trajectories import Trajectory
from da3_stream.store.files import plain
from tests.worlds.street import FPS, street_run, street_scene, world_from_camera

PROMISED = {"frames", "path_length_m", "ate_rmse_m", "ate_median_m", "ate_max_m", "ate_percent", "scale", "scale_drift"}
PROMISED |= {"rpe_trans_percent", "rpe_rot_deg_per_m", "rpe_lengths_m", "segments", "per_segment", "coverage"}
PROMISED |= {"association", "align", "notes", "format"}
TRUTH = np.stack([world_from_camera(k) for k in range(28)])


def result_of(poses, truth: np.ndarray, align="sim3") -> dict:
    """The trajectory's numbers against a KITTI truth in which rows with NaN have no pose."""
    indices = np.flatnonzero(np.isfinite(truth).all(axis=(1, 2)))
    trajectory = Trajectory("kitti", None, indices, truth[indices], len(truth))
    pairs = associate(poses, trajectory)
    return plain(trajectory_result(poses, trajectory, pairs, compare_segments(poses, trajectory, pairs, align), align))


@pytest.fixture
def half_size_run(tmp_path):
    """A run whose world is the truth at half its size."""
    return street_run(tmp_path / "run", street_scene(scale=0.5)).path


def test_an_exact_run_of_half_size_has_no_error_and_scale_two(half_size_run, tmp_path, write_kitti) -> None:
    result = evaluate(half_size_run, write_kitti(tmp_path / "t.txt", TRUTH))
    assert set(result) >= PROMISED
    assert result["scale"] == pytest.approx(2.0, rel=1e-6)
    assert result["ate_rmse_m"] == pytest.approx(0.0, abs=1e-5)
    assert result["path_length_m"] == pytest.approx(np.linalg.norm(np.diff(TRUTH[:, :3, 3], axis=0), axis=1).sum())
    assert (result["frames"], result["segments"], result["coverage"]) == (28, 1, 1.0)
    assert (result["association"], result["format"], result["align"]) == ("index", "kitti", "sim3")
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_tum_and_kitti_files_of_one_truth_give_the_same_numbers(
    half_size_run, tmp_path, write_kitti, write_tum
) -> None:
    swaying = TRUTH.copy()
    swaying[:, 0, 3] += 0.2 * np.sin(np.arange(28))
    by_index = evaluate(half_size_run, write_kitti(tmp_path / "t.txt", swaying))
    by_time = evaluate(half_size_run, write_tum(tmp_path / "t.tum", swaying, np.arange(28) / FPS))
    assert by_time["association"] == "time" and by_time["ate_rmse_m"] > 0.01
    for key, value in by_index.items():
        if isinstance(value, float):
            assert by_time[key] == pytest.approx(value, rel=1e-9), key


def test_nan_lines_of_the_truth_are_skipped_and_said(half_size_run, tmp_path, write_kitti) -> None:
    holes = TRUTH.copy()
    holes[[3, 9]] = np.nan
    result = evaluate(half_size_run, write_kitti(tmp_path / "t.txt", holes), format="kitti")
    assert (result["frames"], result["frames_with_truth"], result["coverage"]) == (26, 26, 1.0)
    assert any("2 of 28 rows" in note for note in result["notes"])


def test_coverage_is_the_largest_segments_share_of_selected_frames_with_truth(table, curve) -> None:
    truth, estimate = curve(20), curve(20)
    truth[0] = np.nan  # no truth: not counted
    estimate[1:3] = np.nan  # truth without a pose
    result = result_of(table(estimate, segment=[0, -1, -1] + [0] * 12 + [3] * 5), truth)
    assert (result["frames"], result["frames_with_truth"], result["frames_selected"]) == (12, 19, 20)
    assert result["coverage"] == pytest.approx(12 / 19)
    assert (result["segments"], result["segment"]) == (2, 0)
    assert [(part["segment"], part["frames"]) for part in result["per_segment"]] == [(3, 5)]


def test_every_segment_is_aligned_for_itself(table, curve) -> None:
    estimate = curve(20)
    estimate[12:, :3, 3] = estimate[12:, :3, 3] * 7 + (1, 2, 3)
    result = result_of(table(estimate, segment=[0] * 12 + [1] * 8), curve(20))
    assert result["ate_rmse_m"] == pytest.approx(0.0, abs=1e-9)
    assert result["per_segment"][0]["ate_rmse_m"] == pytest.approx(0.0, abs=1e-9)
    assert result["per_segment"][0]["scale"] == pytest.approx(1 / 7)


def test_segments_too_short_to_align_are_counted_and_said(table, curve) -> None:
    result = result_of(table(curve(20), segment=[0] * 18 + [1] * 2), curve(20))
    assert result["segments"] == 2 and result["per_segment"] == []
    assert any("1 of the run's segments" in note for note in result["notes"])


def test_fewer_than_three_poses_with_truth_are_refused(table, curve) -> None:
    estimate = curve(20)
    estimate[2:] = np.nan
    with pytest.raises(EvaluationError, match=r"3 frames with both a pose and truth \(the most is 2"):
        result_of(table(estimate), curve(20))
    estimate[:] = np.nan
    with pytest.raises(EvaluationError, match="the most is 0"):
        result_of(table(estimate), curve(20))


def test_a_standing_truth_gives_null_where_a_number_has_no_meaning(table, curve) -> None:
    result = result_of(table(curve(10)), np.tile(np.eye(4), (10, 1, 1)))
    json.dumps(result, allow_nan=False)
    for key in (
        "ate_percent",
        "rpe_trans_percent",
        "rpe_rot_deg_per_m",
        "scale",
        "scale_drift",
        "straight_line_percent",
    ):
        assert result[key] is None, key
    assert result["path_length_m"] == 0.0 and result["ate_rmse_m"] > 0


def test_a_standing_estimate_is_off_by_the_extent_of_the_truth(table, curve) -> None:
    truth = curve(10)
    result = result_of(table(np.tile(np.eye(4), (10, 1, 1))), truth)
    assert result["scale"] is None
    assert result["ate_rmse_m"] == pytest.approx(np.sqrt(truth[:, :3, 3].var(axis=0).sum()))


def test_no_alignment_compares_in_place_and_says_so(half_size_run, tmp_path, write_kitti) -> None:
    result = evaluate(half_size_run, write_kitti(tmp_path / "t.txt", TRUTH), align="none")
    assert result["ate_max_m"] == pytest.approx(np.linalg.norm(TRUTH[:, :3, 3], axis=1).max() / 2, rel=1e-5)
    assert any("nothing was aligned" in note for note in result["notes"])


def test_an_unknown_alignment_and_a_directory_without_a_run_are_refused(half_size_run, tmp_path, write_kitti) -> None:
    truth = write_kitti(tmp_path / "t.txt", TRUTH)
    with pytest.raises(EvaluationError, match="expected one of sim3, se3, none"):
        evaluate(half_size_run, truth, align="affine")  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="not a run directory"):
        evaluate(tmp_path, truth)


@pytest.mark.slow
def test_the_plot_is_a_png_and_the_same_every_time(half_size_run, tmp_path, write_kitti) -> None:
    truth = write_kitti(tmp_path / "t.txt", TRUTH)
    for name in ("a.png", "b.png"):
        evaluate(half_size_run, truth, plot=tmp_path / name)
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    plot_trajectories(tmp_path / "still.png", np.zeros((5, 3)), np.zeros((5, 3)))
    with pytest.raises(EvaluationError, match="cannot write the plot"):
        plot_trajectories(tmp_path / "absent" / "c.png", np.eye(3), np.eye(3))


def test_the_summary_says_the_main_numbers_in_aligned_lines(half_size_run, tmp_path, write_kitti, table) -> None:
    text = summary(evaluate(half_size_run, write_kitti(tmp_path / "t.txt", TRUTH)))
    assert "28 of 28 with truth (coverage 1)" in text and "2 truth per estimate" in text
    assert len({len(line) - len(line[10:].lstrip()) for line in text.splitlines()}) == 1
    standing = summary(result_of(table(TRUTH), np.tile(np.eye(4), (28, 1, 1))))
    assert "nan" not in standing and "None" not in standing


def test_poses_that_are_believed_stand_beside_those_that_are_right(table) -> None:
    truth = np.stack([world_from_camera(k) for k in range(50)])
    poses = truth.copy()
    poses[25, :3, 3] += [3.0, 0.0, 0.0]  # one step is half a metre
    trust = result_of(table(poses), truth)["trust"]
    assert trust == {"believed_share": 1.0, "scored": 50, "right_share": pytest.approx(0.98)}
    few = table(poses[:6])
    assert result_of(few, truth[:6])["trust"] == {"believed_share": 1.0, "scored": 0, "right_share": None}
