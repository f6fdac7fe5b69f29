from __future__ import annotations

import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
import trimesh

from da3_stream.cloud import Points, write_page
from da3_stream.errors import ExportError, StoreError
from da3_stream.export.exporting import export_run
from da3_stream.store import write_submap
from tests.export.recordings import chunks_of, column
from tests.worlds.exported_run import whole_run
from tests.worlds.gated_run import WITH_DEPTH, gated_run, input_picture
from tests.worlds.street import FPS, intrinsics, street_part, world_from_camera
from tests.worlds.street_predictor import pictures


@pytest.fixture
def run(tmp_path):
    pytest.importorskip("rerun", reason="rerun-sdk is not installed")
    return whole_run(tmp_path / "run")


@pytest.mark.slow
def test_the_points_are_those_of_the_cloud(run):
    path, summary = export_run(run.path, "rrd")
    cloud = trimesh.load(export_run(run.path, "ply").path)
    found = chunks_of(path)
    pieces = [batches for entity, batches in sorted(found.items()) if entity.startswith("/world/points/")]
    xyz = np.concatenate([np.array(row) for piece in pieces for row in column(piece, "Points3D:positions")])
    colours = np.concatenate([np.array(row) for piece in pieces for row in column(piece, "Points3D:colors")])
    np.testing.assert_array_equal(xyz.astype(np.float32), np.asarray(cloud.vertices, np.float32))
    red, green, blue = (colours >> 24) & 255, (colours >> 16) & 255, (colours >> 8) & 255
    np.testing.assert_array_equal(np.stack([red, green, blue], -1), np.asarray(cloud.colors)[:, :3])
    assert summary == f"{len(xyz):,} points in relative units, 28 cameras"


@pytest.mark.slow
def test_the_cameras_move_in_time(run):
    found = chunks_of(export_run(run.path, "rrd", None, {"frames": "4:12", "every": 2}).path)
    camera = found["/world/camera"]
    assert sorted(set(column(camera, "frame"))) == [4, 6, 8, 10]
    assert column(found["/world/camera/file"], "TextLog:text") == [[f"{frame:06d}"] for frame in (4, 6, 8, 10)]
    moved = [batch for batch in camera if "Transform3D:translation" in batch.schema.names]
    for frame, place, turn, time in zip(
        *(column(moved, name) for name in ("frame", "Transform3D:translation", "Transform3D:mat3x3", "time")),
        strict=True,
    ):
        pose = world_from_camera(frame)
        np.testing.assert_allclose(np.array(place).ravel(), pose[:3, 3], atol=1e-5)
        np.testing.assert_allclose(np.array(turn).reshape(3, 3).T, pose[:3, :3], atol=1e-6)  # column by column
        assert time.total_seconds() == pytest.approx(frame / FPS)
    size = np.array(column(camera, "Pinhole:resolution")[0]).ravel()
    k = np.array(column(camera, "Pinhole:image_from_camera")[0]).reshape(3, 3).T
    np.testing.assert_allclose(size, (96, 64))
    np.testing.assert_allclose(k, np.diag([2.0, 2.0, 1.0]) @ intrinsics(), atol=1e-4)
    strips = np.array(column(found["/world/path"], "LineStrips3D:strips")[0][0])
    np.testing.assert_allclose(strips, [world_from_camera(f)[:3, 3] for f in (4, 6, 8, 10)], atol=1e-5)


def test_the_camera_is_gone_where_its_pose_is_unknown(run):
    part = street_part(1)
    unknown = np.isin(part.frame_indices, [12, 13])[:, None, None]
    write_submap(run, 1, replace(part, window_from_camera=np.where(unknown, np.nan, part.window_from_camera)))
    path, said = export_run(run.path, "rrd", None, {"frames": "10:16"})
    camera = chunks_of(path)["/world/camera"]
    cleared = [batch for batch in camera if "Clear:is_recursive" in batch.schema.names]
    assert sorted(column(cleared, "frame")) == [12, 13]
    assert [time.total_seconds() for time in column(cleared, "time")] == pytest.approx([1.2, 1.3])
    moved = [batch for batch in camera if "Transform3D:translation" in batch.schema.names]
    assert sorted(column(moved, "frame")) == [10, 11, 14, 15]
    assert said.endswith(" points in relative units, 4 cameras; 2 frames without a pose")


def test_images_come_along_when_asked_for(run, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    shown = [cv2.resize(picture, (96, 64), interpolation=cv2.INTER_CUBIC) for picture in pictures(28)]
    for number, picture in enumerate(shown):
        cv2.imwrite(str(folder / f"{number:03d}.png"), cv2.GaussianBlur(picture, (0, 0), 4)[..., ::-1])
    facts = {"name": str(folder), "size": (96, 64), "paths": [str(folder)]}
    run.write_status({**run.read_status(), "input": facts})
    options = {"pictures": True, "picture_width": 48, "frames": "0:3"}
    found = chunks_of(export_run(run.path, "rrd", None, options).path)
    blobs = column(found["/world/camera/picture"], "EncodedImage:blob")
    assert len(blobs) == 3
    for number, blob in enumerate(blobs):
        picture = cv2.imdecode(np.array(blob, np.uint8).ravel(), cv2.IMREAD_COLOR)
        assert picture.shape == (32, 48, 3)
        there = cv2.resize(cv2.imread(str(folder / f"{number:03d}.png")), (48, 32), interpolation=cv2.INTER_AREA)
        assert abs(picture.astype(int) - there).mean() < 8
    np.testing.assert_allclose(np.array(column(found["/world/camera"], "Pinhole:resolution")[0]).ravel(), (48, 32))


def test_images_are_those_that_the_run_keeps_where_the_input_is_gone(tmp_path, caplog):
    pytest.importorskip("rerun", reason="rerun-sdk is not installed")
    run = gated_run(tmp_path)
    write_page(run, 0, Points.empty(0.1))
    (tmp_path / "input").rename(tmp_path / "elsewhere")
    found = chunks_of(export_run(run.path, "rrd", None, {"pictures": True}).path)["/world/camera/picture"]
    shown = [batch for batch in found if "EncodedImage:blob" in batch.schema.names]
    cleared = [batch for batch in found if "Clear:is_recursive" in batch.schema.names]
    assert column(shown, "frame") == WITH_DEPTH and sorted(column(cleared, "frame")) == list(range(1, 22, 2))
    for index, blob in zip(WITH_DEPTH, column(shown, "EncodedImage:blob"), strict=True):
        picture = cv2.imdecode(np.array(blob, np.uint8).ravel(), cv2.IMREAD_COLOR)[..., ::-1]
        assert picture.shape == (64, 96, 3) and np.abs(picture.astype(int) - input_picture(index)).max() <= 8
    assert "cannot be read again: the pictures that it keeps are shown" in caplog.text


def test_without_rerun_one_sentence_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(ExportError, match=r"pip install 'da3_stream\[rerun\]'"):
        export_run(whole_run(tmp_path / "run").path, "rrd")
    assert not list((tmp_path / "run" / "export").iterdir())


def test_a_failure_leaves_the_old_one(run):
    path, _ = export_run(run.path, "rrd")
    before = path.read_bytes()
    run.page_path(1).unlink()
    with pytest.raises(StoreError, match=r"000001\.laz is missing"):
        export_run(run.path, "rrd", overwrite=True)
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == ["run.rrd"]
