"""Trajectory files of a run with gaps and two segments, read by numpy alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from da3_stream.errors import ExportError
from da3_stream.evaluation import evaluate, read_trajectory
from da3_stream.export.exporting import export_run
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import write_submap
from tests.worlds.street import FPS, street_part, street_run, street_scene, world_from_camera


def without_places(run, number, frames):
    """The run with a submap in which some of its rows have no pose."""
    part = street_part(number)
    unknown = np.isin(part.frame_indices, frames)
    write_submap(run, number, replace(part, window_from_camera=lost_rows(part.window_from_camera, unknown)))


def lost_rows(poses, unknown):
    return np.where(unknown[:, None, None], np.nan, poses)


@pytest.fixture
def lost(tmp_path):
    """28 frames, of which 18 to 27 have no place."""
    run = street_run(tmp_path / "run")
    without_places(run, 2, range(18, 28))
    scene = street_scene()
    run.write_scene(replace(scene, submaps=(*scene.submaps[:2], replace(scene.submaps[2], segment=1, previous=None))))
    return run


@pytest.fixture
def gaps(tmp_path):
    """28 frames at half the truth's size, swaying: 0 to 17 in segment 0, where 3 to 6 are lost; 20 to 27 in segment 1,
    and 18, 19 at its beginning lost.
    """
    scene = street_scene(scale=0.5)
    run = street_run(tmp_path / "run")
    run.write_scene(replace(scene, submaps=(*scene.submaps[:2], replace(scene.submaps[2], segment=1, previous=None))))
    without_places(run, 0, [3, 4, 5, 6])
    without_places(run, 2, [18, 19])
    return run


def exported(run, form, **options):
    return export_run(run.path, form, None, options, overwrite=True)


def rows_beside(path):
    return [int(line) for line in path.with_name(path.name + ".rows").read_text().splitlines()]


def test_euroc_has_nanoseconds_the_real_part_first_and_only_what_is_known(lost):
    path, summary = export_run(lost.path, "euroc")
    assert path.name == "trajectory.csv" and summary == "18 frames; 10 without a pose left out"
    header, *lines = path.read_text().splitlines()
    names = header.split(",")
    assert names[0] == "#timestamp [ns]" and names[1] == "p_RS_R_x [relative]" and names[4] == "q_RS_w []"
    assert [line.split(",")[0] for line in lines] == [f"{k}00000000" if k else "0" for k in range(18)]
    back, rec = np.loadtxt(path, delimiter=","), Reconstruction(lost.path)
    np.testing.assert_array_equal(back[:, 1:4], rec.world_from_camera[:18, :3, 3])
    turns = Rotation.from_quat(back[:, 4:], scalar_first=True).as_matrix()
    np.testing.assert_allclose(turns, rec.world_from_camera[:18, :3, :3], atol=1e-12)


def test_without_any_pose_tum_and_kitti_say_so_and_euroc_is_refused(lost, tmp_path):
    nowhere = {"frames": "18:"}
    path, said = exported(lost, "tum", **nowhere)
    assert all(line.startswith("#") for line in path.read_text().splitlines())
    assert said == "0 frames; 10 without a pose left out"
    path, said = exported(lost, "kitti", **nowhere)
    assert np.isnan(np.loadtxt(path)).all() and rows_beside(path) == []
    assert said.startswith("10 frames, 10 of them without a pose; ")
    with pytest.raises(ExportError, match="none of the frames asked for has a place"):
        export_run(lost.path, "euroc", tmp_path / "none", nowhere)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("form", ["tum", "kitti", "euroc"])
def test_frames_that_are_not_there_are_refused(lost, form):
    with pytest.raises(ExportError, match="--frames 40: holds no frame of"):
        export_run(lost.path, form, None, {"frames": "40:"})


def test_euroc_says_metres_where_they_are(lost, tmp_path):
    lost.write_scene(replace(lost.read_scene(), units="metres"))
    path, _ = export_run(lost.path, "euroc", tmp_path / "e.csv", {"frames": "17:20"})
    assert "p_RS_R_z [m]" in path.read_text() and len(path.read_text().splitlines()) == 2


def test_by_default_tum_has_what_is_known_and_kitti_a_line_a_frame(lost):
    options = {"frames": "10:27", "every": 4}
    poses = Reconstruction(lost.path).world_from_camera[[10, 14]]
    tum, said = exported(lost, "tum", **options)
    rows = np.loadtxt(tum)
    assert said == "2 frames; 3 without a pose left out"
    np.testing.assert_array_equal(rows[:, :4], np.column_stack([[1.0, 1.4], poses[:, :3, 3]]))
    kitti, said = exported(lost, "kitti", **options)
    rows = np.loadtxt(kitti)
    assert rows.shape == (5, 12) and rows_beside(kitti) == [0, 1]
    assert said == "5 frames, 3 of them without a pose; the file .rows beside it numbers those that are real"
    np.testing.assert_array_equal(np.isnan(rows).any(axis=1), [False, False, True, True, True])
    np.testing.assert_array_equal(rows[:2], poses[:, :3].reshape(-1, 12))


def test_lines_of_nan_and_their_absence_are_there_when_asked_for(lost):
    tum, said = exported(lost, "tum", unknown="nan")
    rows = np.loadtxt(tum)
    assert said == "28 frames, 10 of them without a pose" and np.isnan(rows[18:, 1:]).all()
    np.testing.assert_array_equal(rows[:, 0], np.arange(28) / FPS)
    kitti, said = exported(lost, "kitti", unknown="omit", frames="2:")
    assert said == "16 frames; 10 without a pose left out" and np.loadtxt(kitti).shape == (16, 12)
    assert rows_beside(kitti) == list(range(16))
    with pytest.raises(ExportError, match="euroc has no mark for an unknown pose: give unknown omit or"):
        exported(lost, "euroc", unknown="nan")


def test_segments_are_apart_and_the_longest_one_is_written(gaps):
    with_pose = {0: [0, 1, 2, *range(7, 18)], 1: list(range(20, 28))}
    for segment, options in ((0, {}), (0, {"segment": 0}), (1, {"segment": 1}), (1, {"frames": "14:", "every": 2})):
        expected = [k for k in with_pose[segment] if "every" not in options or k % 2 == 0]
        path, said = exported(gaps, "tum", **options)
        np.testing.assert_allclose(np.loadtxt(path)[:, 0], np.array(expected) / FPS)
        assert "nothing ties them to segment" in said and f"{len(expected)} frames; " in said
    path, said = exported(gaps, "tum", segment="all")
    assert len(np.loadtxt(path)) == 22 and said == "22 frames; 6 without a pose left out"
    kitti, said = exported(gaps, "kitti", segment=1)
    assert rows_beside(kitti) == with_pose[1] and np.isfinite(np.loadtxt(kitti)).all(axis=1).sum() == 8
    assert said.startswith("28 frames, 20 of them without a pose; 14 poses of other segments left out")
    with pytest.raises(ExportError, match="no frame asked for is of segment 7: they are of 0, 1"):
        exported(gaps, "kitti", segment=7)


def test_poses_are_interpolated_inside_a_segment_only_and_said(gaps):
    path, said = exported(gaps, "tum", unknown="interpolate", segment="all")
    assert said.startswith("26 frames, 4 of them interpolated (over gaps of up to 0.5 s); 2 without a pose left out")
    rows = np.loadtxt(path)
    assert "# interpolated, of the rows below from 0: 3-6" in path.read_text().splitlines()
    np.testing.assert_allclose(rows[:, 0], np.array([*range(18), *range(20, 28)]) / FPS)
    first, last = rows[2], rows[7]
    for k in range(3, 7):  # a turn at an even pace
        whole = Rotation.from_quat(first[4:]).inv() * Rotation.from_quat(last[4:])
        share = Rotation.from_quat(first[4:]) * Rotation.from_rotvec(whole.as_rotvec() * (k - 2) / 5)
        np.testing.assert_allclose((share.inv() * Rotation.from_quat(rows[k, 4:])).magnitude(), 0, atol=1e-9)
    between = np.linalg.norm(np.diff(rows[2:8, 1:4], axis=0), axis=1)
    np.testing.assert_allclose(between, between[0])  # and on an arc at an even speed
    np.testing.assert_allclose(rows[4, 1:4], world_from_camera(4)[:3, 3] / 2, atol=0.03)
    kitti, said = exported(gaps, "kitti", unknown="interpolate")
    assert (
        rows_beside(kitti) == [0, 1, 2, *range(7, 18)]
        and "28 frames, 10 of them without a pose, 4 of them inter" in said
    )
    np.testing.assert_allclose(np.loadtxt(kitti)[3:7, 3::4], rows[3:7, 1:4])
    csv, said = exported(gaps, "euroc", unknown="interpolate")
    np.testing.assert_array_equal(np.loadtxt(csv, delimiter=",")[:, 1:4], rows[:18, 1:4])
    assert said.startswith("18 frames, 4 of them interpolated")


def ate(truth, estimate):
    """RMSE of positions [N,3] after the best similarity: Umeyama (TPAMI 1991), equations 38 to 42, by the book."""
    mean_t, mean_e = truth.mean(axis=0), estimate.mean(axis=0)
    covariance = (truth - mean_t).T @ (estimate - mean_e) / len(truth)
    u, d, vt = np.linalg.svd(covariance)
    s = np.diag([1.0, 1.0, np.linalg.det(u) * np.linalg.det(vt)])
    rotation = u @ s @ vt
    scale = np.trace(np.diag(d) @ s) / ((estimate - mean_e) ** 2).sum(axis=1).mean()
    aligned = scale * (estimate - mean_e) @ rotation.T + mean_t
    return np.sqrt(((truth - aligned) ** 2).sum(axis=1).mean())


@pytest.fixture
def swaying(tmp_path):
    """A truth that the run does not follow: poses [28,4,4], and its file in KITTI's form."""
    truth = np.stack([world_from_camera(k) for k in range(28)])
    truth[:, :3, 3] += 0.1 * np.random.default_rng(0).normal(size=(28, 3))
    np.savetxt(tmp_path / "truth.txt", truth[:, :3].reshape(28, 12), fmt="%.17g")
    return truth, tmp_path / "truth.txt"


@pytest.mark.parametrize("unknown", ["nan", "omit", "interpolate"])
def test_others_find_the_error_that_eval_finds(gaps, swaying, unknown):
    truth, file = swaying
    expected = evaluate(gaps.path, file)["ate_rmse_m"]
    assert expected > 0.05
    tum = np.loadtxt(exported(gaps, "tum").path)  # its rows belong to the truth of their times
    assert ate(truth[np.rint(tum[:, 0] * FPS).astype(int), :3, 3], tum[:, 1:4]) == pytest.approx(expected, abs=1e-6)
    kitti, _ = exported(gaps, "kitti", unknown=unknown)
    real, poses = rows_beside(kitti), np.loadtxt(kitti)
    poses = poses if unknown == "omit" else poses[real]
    assert ate(truth[real, :3, 3], poses[:, 3::4]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("unknown", ["nan", "omit", "interpolate"])
def test_a_kitti_file_with_its_rows_is_read_as_it_was_meant(gaps, unknown):
    """As another tool's output, or a truth with gaps."""
    path, _ = exported(gaps, "kitti", unknown=unknown)
    truth = read_trajectory(path)
    assert truth.indices.tolist() == [0, 1, 2, *range(7, 18)]
    assert evaluate(gaps.path, path)["ate_rmse_m"] < 1e-9
    assert (truth.row_count, truth.skipped) == ((18, 4) if unknown == "omit" else (28, 14))


def test_times_since_1970_come_back_to_the_last_bit(lost):
    times = (1_403_636_579.763555584 + np.arange(28) / 30).tolist()
    status = lost.read_status()
    lost.write_status({**status, "timestamps": times})
    path, _ = exported(lost, "tum", unknown="nan")
    np.testing.assert_array_equal(np.loadtxt(path)[:, 0], times)
    assert [float(line.split()[0]) for line in path.read_text().splitlines() if line[0] != "#"] == times
    lost.write_status({**status, "timestamps": times, "has_times": False})
    assert exported(lost, "tum")[1].endswith("; the input has no times: those of an even pace were assumed")
    lost.write_status({**status, "timestamps": [*times[:5], times[4], *times[6:]]})
    assert exported(lost, "tum")[1].endswith("; 1 times are not later than the one before, which readers may refuse")
