"""Depth maps and clouds against true depth: values worked by hand, an exact run, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from da3_stream.errors import EvaluationError
from da3_stream.evaluation import evaluate, summary
from da3_stream.evaluation.cloud import compare_clouds, read_cloud, read_truth_intrinsics, thin, true_points
from da3_stream.evaluation.compare import SegmentComparison, align_positions, align_roll, straightness
from da3_stream.evaluation.depth import compare_depth
from da3_stream.geometry import Sim3, intrinsics_matrix
from tests.worlds.street import intrinsics, street_depth, street_run, street_scene, world_from_camera

HEADER = b"""ply
format binary_little_endian 1.0
comment made up
element vertex %d
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
end_header
"""


def write_cloud(path: Path, points: np.ndarray) -> Path:
    rows = np.zeros(len(points), [("xyz", "<f4", 3), ("rgb", "u1", 3)])
    rows["xyz"] = points
    path.write_bytes(HEADER % len(points) + rows.tobytes())
    return path


def write_depths(directory: Path, depths: dict[int, np.ndarray]) -> Path:
    directory.mkdir(exist_ok=True)
    for index, depth in depths.items():
        np.save(directory / f"{index:06d}.npy", depth.astype(np.float32))
    return directory


def reader(depths: dict[int, np.ndarray]):
    """What the store's `read_depth` does, from memory; KeyError for other frames."""
    return lambda index: (depths[index].astype(np.float32), np.ones(depths[index].shape, np.float32), np.eye(3))


def test_one_scale_for_all_frames_and_the_rest_is_error(tmp_path) -> None:
    """Estimates 1, 1, 1, 2 of a truth of 2 everywhere: scale 2, so one in four is off by 100 %."""
    directory = write_depths(tmp_path / "d", {0: np.full((1, 2), 2.0), 5: np.full((1, 2), 2.0)})
    error = compare_depth(reader({0: np.array([[1.0, 1.0]]), 5: np.array([[1.0, 2.0]])}), directory, np.arange(10))
    assert (error.frames, error.pixels, error.scale) == (2, 4, 2.0)
    assert (error.abs_rel, error.median_rel, error.delta_1_25, error.kept_share) == pytest.approx((0.25, 0, 0.75, 1))


def test_pixels_without_truth_do_not_count_and_frames_without_depth_count_as_not_kept(tmp_path) -> None:
    truth = np.array([[0.0, 3.0], [3.0, np.nan]])
    directory = write_depths(tmp_path / "d", {0: truth, 1: truth})
    error = compare_depth(reader({0: np.array([[9.0, 3.0], [0.0, 9.0]])}), directory, np.arange(2))
    assert (error.pixels, error.abs_rel, error.kept_share) == pytest.approx((1, 0.0, 0.25))


def test_truth_of_another_resolution_is_sampled_at_the_pixel_centres(tmp_path) -> None:
    directory = write_depths(tmp_path / "d", {0: np.arange(1.0, 10.0).reshape(3, 3).repeat(3, 0).repeat(3, 1)})
    error = compare_depth(reader({0: np.arange(1.0, 10.0).reshape(3, 3)}), directory, np.array([0]))
    assert (error.scale, error.abs_rel) == pytest.approx((1.0, 0.0))


def test_a_plane_half_a_threshold_away_is_accurate_and_one_far_away_is_not() -> None:
    x, y = np.meshgrid(np.arange(0, 5, 0.02), np.arange(0, 5, 0.02))
    plane = np.stack([x.ravel(), y.ravel(), np.full(x.size, 10.0)], axis=1)
    error = compare_clouds(plane + (0, 0, 0.15), plane, 10.0)  # thresholds 0.1, 0.2, 0.5 m
    assert error.accuracy_m == pytest.approx(0.15, abs=0.01)
    assert [score.f_score for score in error.thresholds] == pytest.approx([0.0, 1.0, 1.0])
    half = compare_clouds(plane[plane[:, 0] < 2.5], plane, 10.0).thresholds[0]
    assert half.precision == 1.0 and half.recall == pytest.approx(0.52, abs=0.02)
    assert half.f_score == pytest.approx(2 * half.recall / (1 + half.recall))


def test_thinning_leaves_one_point_per_cube() -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (5000, 3))
    kept = thin(points, 0.5)
    assert len(kept) == len({tuple(cube) for cube in np.floor(points / 0.5).astype(int)})
    np.testing.assert_array_equal(thin(kept, 0.5), kept)


def test_a_runs_cloud_reads_back_and_other_files_are_refused(tmp_path) -> None:
    points = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    np.testing.assert_array_equal(read_cloud(write_cloud(tmp_path / "a.ply", points)), points)
    for content, sentence in {
        b"": "no PLY header",
        HEADER % 0: "holds no points",
        HEADER % 7: "cannot read the cloud",
        b"ply\nformat ascii 1.0\nelement vertex 1\nend_header\n0 0 0\n": "expected a binary little-endian PLY",
    }.items():
        (tmp_path / "b.ply").write_bytes(content)
        with pytest.raises(EvaluationError, match=sentence):
            read_cloud(tmp_path / "b.ply")
    with pytest.raises(EvaluationError, match="cannot read the cloud"):
        read_cloud(tmp_path / "absent.ply")


def test_true_points_lie_where_the_depth_maps_say(tmp_path) -> None:
    directory = write_depths(tmp_path / "d", {4: np.full((2, 2), 8.0)})
    pose = np.eye(4)
    pose[:3, 3] = [100, 0, 0]
    points, median = true_points(directory, {4: pose, 5: pose}, intrinsics_matrix(4, 4, 1, 1))
    assert median == 8.0
    np.testing.assert_allclose(points, [[99, -1, 8], [101, -1, 8], [99, 1, 8], [101, 1, 8]])


def test_true_intrinsics_gain_half_a_pixel(tmp_path) -> None:
    directory = write_depths(tmp_path / "d", {})
    assert read_truth_intrinsics(directory) is None
    (tmp_path / "intrinsics.txt").write_text("# fx fy cx cy, first centre at 0\n40 41 24 14.5\n")
    np.testing.assert_allclose(read_truth_intrinsics(directory), intrinsics_matrix(40, 41, 24.5, 15))


@pytest.mark.slow
@pytest.mark.parametrize("with_intrinsics", [True, False])
def test_an_exact_run_has_exact_depth_and_cloud(tmp_path, write_kitti, with_intrinsics) -> None:
    poses = np.stack([world_from_camera(k) for k in range(28)])
    run = street_run(tmp_path / "run", street_scene(scale=0.5)).path
    directory = write_depths(tmp_path / "depth", {k: street_depth(pose) for k, pose in enumerate(poses)})
    points, _ = true_points(directory, dict(enumerate(poses)), intrinsics())
    write_cloud(run / "cloud.ply", points / 2)
    if with_intrinsics:
        (tmp_path / "intrinsics.txt").write_text("40 41 24 14.5\n")
    result = evaluate(run, write_kitti(tmp_path / "t.txt", poses), depth_groundtruth=directory)
    assert result["depth"]["scale"] == pytest.approx(2.0, rel=1e-3)
    assert result["depth"]["abs_rel"] < 1e-3 and result["depth"]["delta_1_25"] == 1.0
    assert result["depth"]["kept_share"] > 0.99
    assert result["cloud"]["accuracy_m"] < 1e-3 and result["cloud"]["completeness_m"] < 1e-3
    assert result["cloud"]["thresholds"][0]["f_score"] == pytest.approx(1.0, abs=0.01)
    assert any("no intrinsics.txt" in note for note in result["notes"]) != with_intrinsics
    assert "F-score" in summary(result)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("absent", None, "is not a directory"),
        ("empty", {}, "holds no depth map of an evaluated frame"),
        ("damaged", b"not numpy", "cannot read the true depth"),
        ("colour", np.zeros((4, 4, 3)), "is no depth map"),
        ("whole", np.zeros((4, 4), int), "is no depth map"),
        ("sky", np.zeros((4, 4)), "nothing can be compared"),
    ],
)
def test_what_is_no_true_depth_is_refused_in_one_sentence(tmp_path, name, content, sentence) -> None:
    directory = tmp_path / name
    if content is not None:
        directory.mkdir()
    if isinstance(content, bytes):
        (directory / "000000.npy").write_bytes(content)
    if isinstance(content, np.ndarray):
        np.save(directory / "000000.npy", content)
    with pytest.raises(EvaluationError, match=sentence):
        compare_depth(reader({0: np.ones((4, 4))}), directory, np.arange(3))


def test_on_a_straight_path_the_cameras_give_the_roll() -> None:
    truth = np.tile(np.eye(4), (20, 1, 1))
    truth[:, 2, 3] = np.arange(20)
    truth_from_world = Sim3(3.0, Rotation.from_euler("zyx", [1.0, 0.4, -0.7]).as_matrix(), [4, 5, 6])
    world = [truth_from_world.inverse() @ Sim3.from_matrix(pose) for pose in truth]
    estimate = np.stack([pose.rigid() for pose in world])
    alignment = align_positions(truth[:, :3, 3], estimate[:, :3, 3], "sim3")
    part = SegmentComparison(0, np.arange(20), truth, estimate, alignment)
    assert straightness(part.truth_positions) < 1e-9
    np.testing.assert_allclose(align_roll(part).matrix(), truth_from_world.matrix(), atol=1e-9)


def test_a_cloud_with_normals_is_read_as_one_without(tmp_path) -> None:
    from da3_stream.cloud.files.ply import create_ply

    points = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    for name, normals in (("a", False), ("b", True)):
        with create_ply(tmp_path / name, ["any"], normals=normals) as ply:
            ply.write(points, np.zeros((50, 3), np.uint8), points if normals else None)
    np.testing.assert_array_equal(read_cloud(tmp_path / "b"), points)
    np.testing.assert_array_equal(read_cloud(tmp_path / "a"), points)
