"""Truth files: what is read is what was written, NaN lines are skipped, anything else is refused by its line."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.errors import EvaluationError
from da3_stream.evaluation import read_kitti, read_trajectory, read_tum

IDENTITY = "1 0 0 0 0 1 0 0 0 0 1 0"


def test_kitti_round_trip_keeps_poses_and_row_numbers(tmp_path, curve, write_kitti) -> None:
    truth = read_trajectory(write_kitti(tmp_path / "t.txt", curve(20)))
    assert truth.format == "kitti" and truth.timestamps is None
    np.testing.assert_array_equal(truth.indices, np.arange(20))
    np.testing.assert_allclose(truth.world_from_camera, curve(20), atol=1e-12)


def test_tum_round_trip_keeps_poses_and_times(tmp_path, curve, write_tum) -> None:
    times = 1305031102.175304 + np.arange(20) / 30
    truth = read_trajectory(write_tum(tmp_path / "t.tum", curve(20), times))
    assert truth.format == "tum" and truth.indices is None
    np.testing.assert_array_equal(truth.timestamps, times)
    np.testing.assert_allclose(truth.world_from_camera, curve(20), atol=1e-12)


def test_rows_of_sixteen_numbers_read_as_those_of_twelve(tmp_path, curve, write_kitti) -> None:
    short = read_kitti(write_kitti(tmp_path / "12.txt", curve(5)))
    (tmp_path / "16.txt").write_text(
        "".join(f"{line} 0 0 0 1\n" for line in (tmp_path / "12.txt").read_text().splitlines())
    )
    np.testing.assert_array_equal(read_trajectory(tmp_path / "16.txt").world_from_camera, short.world_from_camera)


def test_nan_lines_are_skipped_and_leave_the_row_numbers_as_they_are(tmp_path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("\n".join([" ".join(["nan"] * 12), IDENTITY, "1 0 0 NaN 0 1 0 0 0 0 1 0", IDENTITY, ""]))
    truth = read_trajectory(path)
    assert truth.indices is not None and truth.indices.tolist() == [1, 3]
    assert (truth.row_count, truth.skipped) == (4, 2)


def test_a_file_beside_tells_which_rows_are_real(tmp_path, curve, write_kitti) -> None:
    """Whether the others are left out, or made up."""
    poses, made_up = curve(12), curve(12)
    made_up[[0, 5, 6]] = np.eye(4)
    real = [1, 2, 3, 4, 7, 8, 9, 10, 11]
    for name, rows in (("all", made_up), ("some", poses[real])):
        path = write_kitti(tmp_path / name, rows)
        (tmp_path / f"{name}.rows").write_text("".join(f"{k}\n" for k in real))
        truth = read_trajectory(path)
        assert truth.indices is not None and truth.indices.tolist() == real
        assert (truth.row_count, truth.skipped) == (12, 3)
        np.testing.assert_allclose(truth.world_from_camera, poses[real], atol=1e-12)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("0\n1\n5\n", r"t.txt.rows has 3 rows up to 5, but .*t.txt has 5 lines: they do not belong together"),
        ("0\n1\n2\n3\n4\n5\n", "has 6 rows up to 5, but"),
        ("0\n2\n1\n", "the rows of .*t.txt.rows do not ascend"),
        ("0\n-2\n", "t.txt.rows is no list of rows: expected a whole number a line"),
        ("0 1.5\n", "is no list of rows"),
        ("", "t.txt.rows is empty: it says that .* holds no real pose"),
    ],
)
def test_rows_of_another_file_are_refused(tmp_path, curve, write_kitti, rows, sentence) -> None:
    path = write_kitti(tmp_path / "t.txt", curve(5))
    (tmp_path / "t.txt.rows").write_text(rows)
    with pytest.raises(EvaluationError, match=sentence):
        read_trajectory(path)


def test_tum_rows_are_sorted_by_time_and_quaternions_normalised(tmp_path) -> None:
    path = tmp_path / "t.tum"
    path.write_text("# a comment\n\n2.0,1,2,3,0,0,0,2\n1.0 0 0 0 0 0 3 3\n1.5 0 0 0 nan 0 0 1\n")
    truth = read_tum(path)
    assert truth.timestamps is not None and truth.timestamps.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(truth.world_from_camera[0, :3, :3], [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-15)
    np.testing.assert_allclose(truth.world_from_camera[1, :3, 3], [1, 2, 3])
    assert truth.skipped == 1


def test_printed_matrices_are_taken_to_the_nearest_rotation(tmp_path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("0.304636 -0.368487 0.878304 0 -0.020218 -0.924427 -0.380824 0 0.952256 0.098253 -0.289063 0\n")
    rotation = read_trajectory(path).world_from_camera[0, :3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-14)


@pytest.mark.parametrize(
    ("content", "format", "sentence"),
    [
        (b"", None, "holds no poses"),
        (b"# only a comment\n\n", None, "holds no poses"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xfe", None, "not a text file"),
        (b"1 2 3\n", None, "line 1 of .* has 3 words: expected 8"),
        (b"1 2 3 4 5 6 7\n", "tum", "line 1 of .* has 7 words: expected 8"),
        (IDENTITY.encode(), "tum", "line 1 of .* has 12 words: expected 8"),
        (b"0 0 0 0 0 0 0 1\n", "kitti", "line 1 of .* has 8 words: expected 12 or 16"),
        (f"{IDENTITY}\n1 2\n".encode(), None, "line 2 of .* has 2 words"),
        (f"{IDENTITY}\n\n{IDENTITY}\n".encode(), None, "line 2 of .* is blank"),
        (b"0 0 0 0 0 0 0 1\n0 0 0 zero 0 0 0 1\n", None, "line 2 of .* is not all numbers: '0 0 0 zero"),
        (b"0 0 0 0 0 0 0 1\n1 0 0 0 0 0 0 0\n", None, "line 2 of .* quaternion of length zero"),
        (b"1 2 3 4 5 6 7 8 9 10 11 12\n", None, "line 1 of .* no rotation"),
        (b"2 0 0 0 0 2 0 0 0 0 2 0\n", None, "line 1 of .* no rotation"),
        (b"-1 0 0 0 0 1 0 0 0 0 1 0\n", None, "line 1 of .* no rotation"),
        (b"1 0 0 0 0 1 0 0 0 0 1 0 5 6 7 1\n", None, "line 1 of .* last four numbers"),
        (b"nan nan nan nan nan nan nan nan\n", None, "all 1 lines are NaN"),
    ],
)
def test_what_is_no_trajectory_is_refused_in_one_sentence(tmp_path, content, format, sentence) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(content)
    with pytest.raises(EvaluationError, match=sentence):
        read_trajectory(path, format)


def test_an_unknown_format_is_refused(tmp_path) -> None:
    with pytest.raises(EvaluationError, match="unknown trajectory format 'euroc': expected tum or kitti"):
        read_trajectory(tmp_path / "t.txt", "euroc")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["absent.txt", "."])
def test_a_missing_file_or_a_directory_is_refused(tmp_path, name) -> None:
    with pytest.raises(EvaluationError, match="cannot read the ground truth"):
        read_trajectory(tmp_path / name)


def test_a_real_clip_reads_back_with_the_published_length(shared) -> None:
    truth = read_trajectory(shared / "data" / "kitti07_0-159" / "poses_c2w.txt")
    steps = np.diff(truth.world_from_camera[:, :3, 3], axis=0)
    assert len(truth.world_from_camera) == 160
    assert np.linalg.norm(steps, axis=1).sum() == pytest.approx(90.62, abs=0.01)
