"""What is written reads back: video, truth in two formats, intrinsics, depth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from da3_stream.errors import SyntheticError
from da3_stream.synthetic import CameraPath, Town, write_town

FRAMES = 12


@pytest.fixture(scope="module")
def walk(room: Town) -> Town:
    times = np.array([*np.arange(FRAMES - 1) / 30.0, 0.5])  # the last frame comes late
    return replace(room, path=CameraPath(room.path.world_from_camera[:FRAMES], times))


@pytest.fixture(scope="module")
def folder(walk: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_town(walk, tmp_path_factory.mktemp("town") / "deep" / "down", depth=True)


def test_the_video_has_the_frames_their_size_and_their_times(walk: Town, folder: Path) -> None:
    with av.open(str(folder / "town.mp4")) as video:
        assert video.streams.video[0].codec_context.name == "h264"
        frames = list(video.decode(video=0))
    assert len(frames) == FRAMES
    np.testing.assert_allclose([frame.time for frame in frames], walk.path.timestamps, atol=1e-4)
    for i in (0, FRAMES - 1):
        image = frames[i].to_ndarray(format="rgb24")
        assert image.shape == (64, 96, 3)
        assert np.abs(image.astype(float) - walk.frame(i).image).mean() < 8


def test_both_truth_files_hold_the_poses_relative_to_the_first_camera(walk: Town, folder: Path) -> None:
    kitti = np.loadtxt(folder / "groundtruth_kitti.txt").reshape(-1, 3, 4)
    tum = np.loadtxt(folder / "groundtruth.tum")
    expected = np.linalg.inv(walk.path.world_from_camera[0]) @ walk.path.world_from_camera
    np.testing.assert_allclose(kitti, expected[:, :3], atol=1e-9)
    np.testing.assert_allclose(kitti[0], np.eye(4)[:3], atol=1e-12)
    np.testing.assert_allclose(tum[:, 0], walk.path.timestamps, atol=1e-6)
    np.testing.assert_allclose(tum[:, 1:4], kitti[:, :, 3], atol=1e-6)
    np.testing.assert_allclose(Rotation.from_quat(tum[:, 4:]).as_matrix(), kitti[:, :, :3], atol=1e-6)


def test_intrinsics_have_the_first_pixel_centre_at_zero(walk: Town, folder: Path) -> None:
    fx, fy, cx, cy = np.loadtxt(folder / "intrinsics.txt")
    np.testing.assert_allclose((fx, fy), np.diag(walk.intrinsics)[:2], rtol=1e-6)
    assert (cx, cy) == (47.5, 31.5)
    assert (folder / "intrinsics.txt").read_text().startswith("#")


def test_depth_is_written_as_rendered(walk: Town, folder: Path) -> None:
    assert len(list((folder / "depth").iterdir())) == FRAMES
    stored = np.load(folder / "depth" / "000007.npy")
    assert stored.dtype == np.float32
    np.testing.assert_array_equal(stored, walk.frame(7).depth)


def test_depth_is_left_out_unless_asked_for_and_progress_is_told(walk: Town, tmp_path: Path) -> None:
    few = replace(walk, path=CameraPath(walk.path.world_from_camera[:1], walk.path.timestamps[:1]))
    told: list[tuple[int, int]] = []
    write_town(few, tmp_path, progress=lambda done, total: told.append((done, total)))
    names = ["groundtruth.tum", "groundtruth_kitti.txt", "intrinsics.txt", "town.mp4"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert told == [(1, 1)]


def test_an_odd_size_is_refused_before_anything_is_written(walk: Town, tmp_path: Path) -> None:
    with pytest.raises(SyntheticError, match="even width and height, not 97x64"):
        write_town(replace(walk, size=(97, 64)), tmp_path / "odd")
    assert not (tmp_path / "odd").exists()


def test_a_folder_that_is_a_file_is_refused(walk: Town, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(SyntheticError, match="choose another folder"):
        write_town(walk, tmp_path / "taken")
