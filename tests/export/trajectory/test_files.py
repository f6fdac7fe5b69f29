from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from da3_stream.export import write_camera_poses, write_intrinsics, write_kitti, write_tum
from da3_stream.export.trajectory.files import write_euroc
from da3_stream.store import PoseTable


def table(n=4, seed=0):
    rng = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (n, 1, 1))
    poses[:, :3, :3] = Rotation.random(n, rng=rng).as_matrix()
    poses[:, :3, 3] = rng.normal(size=(n, 3)) * 1e4
    k = np.tile(np.eye(3), (n, 1, 1))
    k[:, [0, 1, 0, 1], [0, 1, 2, 2]] = rng.uniform(1, 2000, (n, 4))
    times = np.sort(rng.uniform(0, 1e9, n))
    return PoseTable(np.arange(n), times, True, np.zeros(n, int), poses, np.ones(n), k, ("OK",) * n, np.ones(n))


def without_pose(poses, row):
    matrices = poses.world_from_camera.copy()
    matrices[row] = np.nan
    return replace(poses, world_from_camera=matrices)


def test_tum_comes_back_as_the_same_poses(tmp_path):
    poses = table()
    write_tum(poses, tmp_path / "t")
    back = np.loadtxt(tmp_path / "t")
    np.testing.assert_array_equal(back[:, 0], poses.timestamp)
    np.testing.assert_array_equal(back[:, 1:4], poses.world_from_camera[:, :3, 3])
    np.testing.assert_allclose(
        Rotation.from_quat(back[:, 4:]).as_matrix(), poses.world_from_camera[:, :3, :3], atol=1e-12
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays(np.float64, (3, 4, 4), elements=st.floats(width=64, allow_infinity=False)))
def test_matrices_come_back_to_the_last_bit(tmp_path, matrices):
    poses = replace(table(3), world_from_camera=matrices)
    write_kitti(poses, tmp_path / "k")
    write_camera_poses(poses, tmp_path / "c")
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "k", ndmin=2), matrices[:, :3].reshape(3, 12))
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "c", ndmin=2), matrices.reshape(3, 16))


def test_intrinsics_come_back_and_the_header_says_where_the_first_pixel_is(tmp_path):
    poses = table()
    write_intrinsics(poses, tmp_path / "i")
    first, *rest = (tmp_path / "i").read_text().splitlines()
    assert first.startswith("#") and "0.5" in first and len(rest) == 4
    k = poses.intrinsics
    expected = np.stack([k[:, 0, 0], k[:, 1, 1], k[:, 0, 2], k[:, 1, 2]], axis=1)
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "i"), expected)


@pytest.mark.parametrize(
    ("write", "columns"), [(write_tum, 8), (write_kitti, 12), (write_camera_poses, 16), (write_intrinsics, 4)]
)
def test_every_selected_frame_has_its_line_and_an_unknown_pose_is_nan(tmp_path, write, columns):
    poses = without_pose(table(), 2)
    write(poses, tmp_path / "f")
    rows = np.loadtxt(tmp_path / "f")
    assert rows.shape == (4, columns)
    np.testing.assert_array_equal(np.isnan(rows).any(axis=1), [False, False, write is not write_intrinsics, False])
    assert write is not write_tum or rows[2, 0] == poses.timestamp[2]


@pytest.mark.parametrize("write", [write_tum, write_kitti, write_camera_poses, write_intrinsics])
def test_no_frames_give_an_empty_table(tmp_path, write):
    write(table(0), tmp_path / "f")
    lines = (tmp_path / "f").read_text().splitlines()
    assert all(line.startswith("#") for line in lines)


def test_exact_times_are_the_same_integers_in_euroc(tmp_path):
    exact = 1_403_636_579_763_555_584 + 50_000_000 * np.arange(4) + np.array([0, 7, 13, 101])
    poses = replace(table(), timestamp=exact / 1e9, nanoseconds=exact)
    write_euroc(poses.take([0, 1, 3]), "metres", tmp_path / "e")
    rows = (tmp_path / "e").read_text().splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == exact[[0, 1, 3]].tolist()
    assert replace(poses, nanoseconds=None, timestamp=np.array([0.1, 0.25, 1, 2])).times_ns().tolist() == [
        *(100_000_000, 250_000_000),
        *(10**9, 2 * 10**9),
    ]
