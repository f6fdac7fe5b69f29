"""Which selected frame belongs to which truth."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.errors import EvaluationError
from da3_stream.evaluation.associate import associate
from da3_stream.evaluation.trajectories import Trajectory

EYES = np.tile(np.eye(4), (100, 1, 1))


def tum(times) -> Trajectory:
    return Trajectory("tum", np.asarray(times, float), None, EYES[: len(times)], len(times))


def kitti(indices, rows: int) -> Trajectory:
    return Trajectory("kitti", None, np.asarray(indices), EYES[: len(indices)], rows)


def test_kitti_rows_belong_to_source_indices_not_to_selected_ones(table) -> None:
    pairs = associate(table(EYES[:4], source_index=[0, 5, 10, 15]), kitti([0, 1, 2, 3, 4, 5, 10], 20))
    assert pairs.by == "index"
    assert pairs.rows.tolist() == [0, 1, 2] and pairs.truth_rows.tolist() == [0, 5, 6]


def test_a_kitti_truth_of_the_selected_frames_only_is_refused(table) -> None:
    with pytest.raises(EvaluationError, match="one row per frame of the source"):
        associate(table(EYES[:4], source_index=[0, 5, 10, 15]), kitti([0, 1, 2, 3], 4))


def test_frames_beyond_a_short_kitti_truth_have_none_and_that_is_said(table) -> None:
    pairs = associate(table(EYES[:10]), kitti([0, 1, 2, 3], 4))
    assert pairs.rows.tolist() == [0, 1, 2, 3]
    assert any("4 rows" in note for note in pairs.notes)


def test_a_kitti_truth_of_other_frames_is_refused_with_both_ranges(table) -> None:
    with pytest.raises(EvaluationError, match="source frames 0 to 9 were selected, .* rows 20 to 22"):
        associate(table(EYES[:10]), kitti([20, 21, 22], 30))


def test_times_match_to_the_nearest_within_half_a_source_frame(table) -> None:
    selected = table(EYES[:4], source_index=[0, 10, 20, 30], timestamp=[0, 1, 2, 3])  # ten frames a second
    pairs = associate(selected, tum([0.04, 0.94, 0.96, 2.06, 3.0]))
    assert pairs.by == "time" and "3 of 4 selected frames have truth within 0.05 s" in pairs.notes[0]
    assert pairs.rows.tolist() == [0, 1, 3] and pairs.truth_rows.tolist() == [0, 2, 4]


def test_a_truth_pose_serves_its_nearest_frame_only(table) -> None:
    pairs = associate(table(EYES[:5], timestamp=[0.0, 1.0, 1.1, 2.0, 3.0]), tum([0.0, 1.08, 2.0]))
    assert pairs.rows.tolist() == [0, 2, 3]


def test_images_without_times_get_index_over_fps_and_that_is_said(table) -> None:
    pairs = associate(table(EYES[:4], source_index=[0, 30, 60, 90]), tum([0.0, 1.0, 2.0, 3.0]))
    assert pairs.rows.tolist() == [0, 1, 2, 3]
    assert any("source index / 30 fps" in note for note in pairs.notes)
    slower = associate(table(EYES[:4], source_index=[0, 30, 60, 90]), tum([0.0, 3.0]), fps=10)
    assert slower.rows.tolist() == [0, 1]
    assert any("10 fps" in note for note in slower.notes)


def test_clocks_without_overlap_are_refused_with_both_ranges(table) -> None:
    selected = table(EYES[:4], timestamp=[0.0, 0.1, 0.2, 0.3])
    with pytest.raises(EvaluationError, match=r"within 0.05 s .* 0 to 0.3 s, the truth's 1305031102 to 1305031103 s"):
        associate(selected, tum([1305031102.0, 1305031103.0]))


def test_a_single_truth_pose_can_be_matched(table) -> None:
    assert associate(table(EYES[:3], timestamp=[0.0, 1.0, 2.0]), tum([1.1])).rows.tolist() == [1]


def test_a_rate_that_is_not_positive_is_refused(table) -> None:
    with pytest.raises(EvaluationError, match="must be positive, not -1 fps"):
        associate(table(EYES[:3]), tum([0.0]), fps=-1)


def test_a_run_without_frames_is_refused_in_a_sentence(table) -> None:
    for truth in (kitti([0, 1], 2), tum([0.0, 1.0])):
        with pytest.raises(EvaluationError, match="the run has no frames"):
            associate(table(EYES[:0]), truth)
