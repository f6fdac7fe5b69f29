from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pycolmap
import pytest

from da3_stream.errors import ExportError
from da3_stream.export.colmap import bundle_adjustment
from da3_stream.export.colmap.files import write_model
from da3_stream.export.exporting import export_run
from da3_stream.geometry import resize_intrinsics
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import RunReader
from tests.worlds.town_run import (
    FRAMES,
    SEEN,
    SIZE,
    Truth,
    frame,
    run_town,
    scene_point,
    town,
    with_distortion,
    write_video,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_run(run, "colmap", tmp_path_factory.mktemp("colmap") / "model").path


def opened(folder: Path, name: str = "0") -> pycolmap.Reconstruction:
    return pycolmap.Reconstruction(str(folder / "sparse" / name))


def test_pycolmap_reads_what_was_reconstructed(exported: Path, run: Path) -> None:
    model, rec = opened(exported), Reconstruction(run)
    assert (model.num_images(), model.num_cameras()) == (FRAMES, 1)
    assert model.camera(1).model.name == "PINHOLE" and (model.camera(1).width, model.camera(1).height) == SIZE
    for image in model.images.values():
        pose = image.cam_from_world().inverse().matrix()
        np.testing.assert_allclose(pose, rec.world_from_camera[int(image.name[:3]), :3], atol=1e-9)
    np.testing.assert_allclose(model.camera(1).calibration_matrix(), rec.intrinsics[0], atol=1e-9)


def test_tracks_are_long_many_and_precise(exported: Path) -> None:
    model = opened(exported)
    assert min(point.track.length() for point in model.points3D.values()) >= 3
    assert min(image.num_points3D for image in model.images.values()) >= 20
    assert model.compute_mean_reprojection_error() < 1.0
    apart = [max(np.ptp([e.image_id for e in p.track.elements]) for p in model.points3D.values())]
    assert max(apart) > 8


def test_points_lie_on_the_town(exported: Path, run: Path) -> None:
    model, rec = opened(exported), Reconstruction(run)
    ratios = []
    for image in model.images.values():
        depth = frame(int(image.name[:3])).depth
        inside = [p for p in image.get_observation_points2D() if depth[int(p.xy[1]), int(p.xy[0])] > 0]
        for seen in inside:
            z = image.cam_from_world() * model.point3D(seen.point3D_id).xyz
            ratios.append(z[2] / depth[int(seen.xy[1]), int(seen.xy[0])])
        if len(ratios) > 500:
            break
    assert len(rec) == FRAMES and np.median(np.abs(np.array(ratios) - 1)) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("k1", [0.0, 0.05])
def test_a_scene_point_falls_on_its_pixel(run: Path, tmp_path: Path, k1: float) -> None:
    bent = with_distortion(shutil.copytree(run, tmp_path / "run"), k1)
    model = opened(export_run(bent, "colmap", tmp_path / "model").path)
    rec = Reconstruction(run)
    point, expected = scene_point(rec, 5, 9, k1)
    image = model.find_image_with_name("009.jpg")
    assert model.camera(1).model.name == ("SIMPLE_RADIAL" if k1 else "PINHOLE")
    assert np.linalg.norm(image.project_point(point) - expected) < 0.05


def test_text_and_binary_say_the_same(exported: Path, run: Path, tmp_path: Path) -> None:
    text = export_run(run, "colmap", tmp_path / "text", {"text": True}).path
    assert (text / "sparse" / "0" / "images.txt").is_file() and not (text / "sparse" / "0" / "images.bin").exists()
    a, b = opened(exported), opened(text)
    assert a.num_points3D() == b.num_points3D() and a.compute_num_observations() == b.compute_num_observations()
    for number, image in a.images.items():
        other = b.image(number)
        np.testing.assert_allclose(image.cam_from_world().matrix(), other.cam_from_world().matrix(), atol=1e-9)
        mine = [point.xy for point in image.get_observation_points2D()]
        np.testing.assert_allclose(mine, [point.xy for point in other.get_observation_points2D()], atol=1e-4)
    for number, point in a.points3D.items():
        np.testing.assert_allclose(point.xyz, b.point3D(number).xyz, rtol=1e-6, atol=1e-6)
        assert point.track.length() == b.point3D(number).track.length()


def test_images_of_a_folder_are_its_own_files(exported: Path, run: Path) -> None:
    pictures = run.parent / "pictures"
    for index in range(FRAMES):
        assert (exported / "images" / f"{index:03d}.jpg").samefile(pictures / f"{index:03d}.jpg")


@pytest.mark.slow
def test_bundle_adjustment_brings_spoiled_cameras_back(run: Path, tmp_path: Path) -> None:
    spoiled = run_town(run.parent / "pictures", tmp_path / "run", Truth(noise=0.03))
    folder, summary = export_run(spoiled, "colmap", tmp_path / "model", {"refine": True})
    truth = Reconstruction(run).world_from_camera

    def worst(model: pycolmap.Reconstruction) -> float:
        centres = np.array([model.image(k + 1).projection_center() for k in range(FRAMES)])
        steps = np.linalg.norm(np.diff(centres, axis=0) - np.diff(truth[:, :3, 3], axis=0), axis=1)
        return float(np.median(steps))

    before, after = opened(folder, "original"), opened(folder)
    told = json.loads((folder / "refined.json").read_text())
    assert worst(after) < 0.5 * worst(before)
    assert after.compute_mean_reprojection_error() < 0.7 < 1.5
    assert told["error_after_px"] == pytest.approx(after.compute_mean_reprojection_error(), rel=1e-6)
    assert told["error_before_px"] == pytest.approx(before.compute_mean_reprojection_error(), rel=1e-6)
    moved = [
        np.linalg.norm(after.image(k).projection_center() - before.image(k).projection_center()) for k in before.images
    ]
    assert told["centre_max"] == pytest.approx(max(moved), rel=1e-6) and "refined from" in summary


def test_pycolmaps_own_adjustment_runs_on_it(exported: Path) -> None:
    def squares() -> float:
        seen = [(image, p) for image in model.images.values() for p in image.get_observation_points2D()]
        return sum(np.sum((image.project_point(model.point3D(p.point3D_id).xyz) - p.xy) ** 2) for image, p in seen)

    model = opened(exported)
    before = squares()
    pycolmap.bundle_adjustment(model, pycolmap.BundleAdjustmentOptions(print_summary=False))
    assert squares() < 0.98 * before


def test_refining_is_refused_where_memory_is_short(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_adjustment, "available_memory_bytes", lambda: 1_000_000)
    with pytest.raises(ExportError, match=r"refining 14 images may take 0\.\d GB of memory, and 0\.0 GB are free"):
        export_run(run, "colmap", tmp_path / "model", {"refine": True})
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(("undistort", "model"), [(False, "SIMPLE_RADIAL"), (True, "PINHOLE")])
def test_images_of_the_size_that_the_model_saw(run: Path, tmp_path: Path, undistort: bool, model: str) -> None:
    bent = with_distortion(shutil.copytree(run, tmp_path / "run"), 0.05)
    options = {"resolution": "model", "undistort": undistort}
    folder, _ = export_run(bent, "colmap", tmp_path / "model", options)
    camera = opened(folder).camera(1)
    k = resize_intrinsics(town().intrinsics, SIZE, SEEN)
    left, top = (k - camera.calibration_matrix())[:2, 2]  # straight images are without what was never seen
    assert (left > 1 and top > 1) if undistort else (left, top) == pytest.approx((0, 0), abs=1e-6)
    k[:2, 2] -= left, top
    np.testing.assert_allclose(camera.calibration_matrix(), k, rtol=1e-6)
    size = (SEEN[0] - 2 * left, SEEN[1] - 2 * top)
    assert (camera.width, camera.height) == pytest.approx(size, abs=1e-6) and camera.model.name == model
    assert cv2.imread(str(folder / "images" / "000.jpg")).shape[:2] == (camera.height, camera.width)


@pytest.mark.slow
def test_a_video_gives_encoded_images(run: Path, tmp_path: Path) -> None:
    source = write_video(tmp_path / "town.mp4", [frame(k).image for k in range(FRAMES)])
    folder, _ = export_run(run_town(source, tmp_path / "run", Truth()), "colmap", tmp_path / "m", {"encoding": "png"})
    model = opened(folder)
    assert {path.name for path in (folder / "images").iterdir()} == {f"{k:06d}.png" for k in range(FRAMES)}
    assert model.compute_mean_reprojection_error() < 1.0 and model.num_points3D() > 100


def test_an_input_that_is_gone_is_refused(run: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(run, tmp_path / "run")
    status = json.loads((moved / "run.json").read_text())
    status["input"]["paths"] = [str(tmp_path / "nowhere")]
    (moved / "run.json").write_text(json.dumps(status))
    with pytest.raises(ExportError, match="cannot be read again.*--resolution model"):
        export_run(moved, "colmap", tmp_path / "model")


def test_frames_points_and_cameras_can_be_chosen(run: Path, tmp_path: Path) -> None:
    options = {"frames": "2:14", "every": 2, "max_points": 50, "shared_camera": False}
    model = opened(export_run(run, "colmap", tmp_path / "model", options).path)
    assert model.num_images() == model.num_cameras() == 6 and model.num_points3D() == 50
    assert sorted(image.name for image in model.images.values())[0] == "002.jpg"


def test_one_segment_only_and_the_others_are_told(run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    apart = shutil.copytree(run, tmp_path / "run")
    scene = json.loads((apart / "scene.json").read_text())
    scene["nodes"][-1].update(segment=1, previous=None)
    (apart / "scene.json").write_text(json.dumps(scene))
    with caplog.at_level(logging.WARNING):
        model = opened(export_run(apart, "colmap", tmp_path / "model").path)
    left = FRAMES - model.num_images()
    assert 0 < left < FRAMES and f"{left} frames of other segments" in caplog.text
    assert len(RunReader.open(apart).geometry.scene.segments()) == 2


@pytest.mark.parametrize("name", ["rigs", "cameras", "frames", "images", "points3D"])
@pytest.mark.parametrize("text", [False, True])
def test_a_file_that_a_full_disk_cut_short_is_one_sentence(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: bool
) -> None:
    writer, file = "write_text" if text else "write_binary", f"{name}.{'txt' if text else 'bin'}"
    write, model = getattr(pycolmap.Reconstruction, writer), opened(exported)
    write_model(model, tmp_path / "whole", text=text)
    for left_over in (-1, 0.5, 0):

        def cut(model: pycolmap.Reconstruction, folder: str, left: float = left_over) -> None:
            write(model, folder)
            size = (Path(folder) / file).stat().st_size
            os.truncate(Path(folder) / file, size - 1 if left < 0 else int(left * size))

        monkeypatch.setattr(pycolmap.Reconstruction, writer, cut)
        with pytest.raises(ExportError, match=f"cannot write {file}: it was cut short, as by a full disk"):
            write_model(model, tmp_path / f"cut{left_over}", text=text)


def test_what_was_cut_short_is_no_export(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = pycolmap.Reconstruction.write_binary

    def cut(model: pycolmap.Reconstruction, folder: str) -> None:
        write(model, folder)
        os.truncate(Path(folder) / "points3D.bin", 4096)

    monkeypatch.setattr(pycolmap.Reconstruction, "write_binary", cut)
    with pytest.raises(ExportError, match="points3D.bin: it was cut short"):
        export_run(run, "colmap", tmp_path / "model", {"every": 4})
    assert list(tmp_path.iterdir()) == []
