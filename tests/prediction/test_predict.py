"""Pictures in one pass of the network: every kind of model, and a run directory that others read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from da3_stream import Reconstruction, predict
from da3_stream.da3 import DepthAnything3
from da3_stream.da3.capacity import SURE, capacity
from da3_stream.errors import ExportError, ModelError, PredictorError
from da3_stream.export.exporting import export_run
from da3_stream.prediction import plan as planning
from da3_stream.prediction import plan_prediction
from da3_stream.settings import Settings
from tests.prediction.conftest import photo, write_photos

Make = Callable[..., Settings]


@pytest.mark.slow
def test_all_pictures_go_in_one_pass(settings: Make, tmp_path: Path) -> None:
    found = predict(write_photos(tmp_path / "in", 40), str(tmp_path / "out"), settings=settings())
    assert (found.status["windows"], found.status["window_size"]) == (1, 40)
    assert len(found) == 40 and np.isfinite(found.world_from_camera).all() and found.depth(39).max() > 0


@pytest.mark.slow
def test_depth_and_cameras_are_those_that_the_network_gives(
    settings: Make, models: dict[str, Path], tmp_path: Path
) -> None:
    folder = write_photos(tmp_path / "in", 3)
    found = predict(folder, str(tmp_path / "out"), settings=settings())
    images = [cv2.imread(str(path))[..., ::-1] for path in sorted(folder.iterdir())]
    small = [cv2.resize(image, (64, 48), interpolation=cv2.INTER_AREA) for image in images]
    direct = DepthAnything3.from_pretrained(models["any-view"], "cpu").infer(small, resolution=64)
    camera_from_world = np.linalg.inv(found.world_from_camera)
    first = np.vstack([direct.camera_from_world[0], [0, 0, 0, 1]])  # type: ignore[index]
    np.testing.assert_allclose(camera_from_world[:, :3], direct.camera_from_world @ np.linalg.inv(first), atol=1e-5)
    np.testing.assert_allclose(found.depth(1), direct.depth[1], rtol=2e-3)


@pytest.mark.slow
def test_a_nested_model_gives_metres_of_arrays_too(settings: Make, tmp_path: Path) -> None:
    found = predict((photo(seed) for seed in range(2)), str(tmp_path / "out"), settings=settings("nested"))
    assert isinstance(found, Reconstruction) and len(found) == 2
    sky = found.sky(0)
    assert found.units == "metres" and sky is not None
    with np.load(found.export("mini_npz")) as arrays:
        np.testing.assert_array_equal(arrays["sky"][0], sky)
        assert "metre" in str(arrays["frame_of_reference"])


@pytest.mark.slow
def test_exports_leave_the_prediction_as_it_is(settings: Make, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = predict(write_photos(tmp_path / "in", 2), str(out), settings=settings())
    assert found.status["windows"] == 1 and np.isfinite(found.world_from_camera).all()
    before = export_run(out, "npz").path.read_bytes()
    for format in ("glb", "colmap"):
        export_run(out, format)
    assert export_run(out, "npz", overwrite=True).path.read_bytes() == before


@pytest.mark.slow
def test_a_model_of_single_pictures_gives_depth_alone(settings: Make, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = predict(write_photos(tmp_path / "in", 20), str(out), settings=settings("mono"))
    assert found.frame_status == ("DEPTH",) * 20 and np.isnan(found.world_from_camera).all()
    assert found.units == "relative" and all(found.depth(row).max() > 0 for row in range(20))
    assert "gives depth alone" in found.status["advice"][0]["text"]
    with np.load(export_run(out, "mini_npz").path) as arrays:
        assert set(arrays.files) == {"depth", "conf", "sky", "file", "file_from_world", "frame_of_reference"}
        np.testing.assert_allclose(arrays["depth"][3], found.depth(3), atol=1e-6)
    assert len(list((export_run(out, "depth_vis").path).glob("*.jpg"))) == 20
    for format in ("ply", "glb", "tum", "mesh", "page"):
        with pytest.raises(ExportError, match="gives no poses, so that there is no cloud, mesh or path; depth, npz"):
            export_run(out, format)


@pytest.mark.slow
def test_a_metric_model_gives_metres_where_the_focal_length_is_known(
    settings: Make, models: dict[str, Path], tmp_path: Path
) -> None:
    folder = write_photos(tmp_path / "in", 1)
    near, far = (
        predict(folder, str(tmp_path / str(fov)), settings=settings("metric", **{"camera.hfov_deg": fov}))
        for fov in (90.0, 40.0)
    )
    assert near.units == far.units == "metres"
    ratio = np.tan(np.radians(45)) / np.tan(np.radians(20))  # metres go with the focal length
    np.testing.assert_allclose(np.median(far.depth(0) / near.depth(0)), ratio, rtol=5e-3)
    assert near.frame_status == ("OK",) and len(near.points()[0]) > 0
    np.testing.assert_allclose(near.world_from_camera[0], np.eye(4), atol=1e-9)  # a picture alone is its own world


@pytest.mark.slow
def test_what_memory_does_not_hold_goes_by_windows(
    settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = write_photos(tmp_path / "in", 9), tmp_path / "out"
    there = plan_prediction(str(folder), settings(), out)
    assert str(there) == "9 pictures in one pass" and there.settings.windows.size == 9
    need = capacity(Path(settings().model.name), (64, 48), device="cpu")
    monkeypatch.setattr(
        planning, "spare_memory_bytes", lambda: int((need.weights + need.fixed + 5.5 * need.frame) / SURE)
    )
    plan = plan_prediction(str(folder), settings(), out)
    assert str(plan).startswith("9 pictures by windows of 5, not in one pass: more do not fit into memory (the weights")
    found = predict(folder, str(out), settings=settings())
    assert found.status["windows"] > 1 and len(found) == 9
    monkeypatch.undo()  # what was begun goes on in its own windows
    assert plan_prediction(str(folder), settings(), out).settings.windows.size == 5
    monkeypatch.setattr(planning, "spare_memory_bytes", lambda: need.weights)
    with pytest.raises(ModelError, match="not even one picture of 64x48 fits into memory"):
        predict(folder, str(tmp_path / "other"), settings=settings())
    monkeypatch.setattr(
        planning, "spare_memory_bytes", lambda: int((need.weights + need.fixed + 1.5 * need.frame) / SURE)
    )
    assert str(plan_prediction(str(folder / "photo00.png"), settings(), out)) == "1 picture in one pass"
    with pytest.raises(ModelError, match="one picture fits into memory, and no second beside it"):
        predict(folder, str(tmp_path / "other"), settings=settings())
    assert not (tmp_path / "other").exists()


def test_small_pictures_are_counted_as_large_as_the_network_sees_them(settings: Make, tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "in", 1)  # 112x84
    with pytest.raises(ModelError, match="not even one picture of 100000x75000 fits into memory"):
        predict(folder, str(tmp_path / "out"), settings=settings(**{"model.resolution": 100_000}))
    assert not (tmp_path / "out").exists()


def test_sfm_is_no_model_for_pictures(tmp_path: Path) -> None:
    with pytest.raises(PredictorError, match="sfm needs a film"):
        predict(
            write_photos(tmp_path / "in", 1), str(tmp_path / "out"), settings=Settings.build({"model": {"name": "sfm"}})
        )


def test_a_directory_of_something_else_is_left_as_it_is(settings: Make, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(Exception, match="out"):
        predict(write_photos(tmp_path / "in", 1), str(tmp_path / "out"), settings=settings())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]
