"""Depth Anything 3 behind the predictors' door: with a small network of seeded weights a run goes from end to end."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from da3_stream import Reconstruction, Settings, pipeline, reconstruct
from da3_stream.da3 import DepthAnything3, Network, Prediction
from da3_stream.da3.network.clip import Clip, ClipOutput, Request
from da3_stream.errors import Da3StreamError, ModelError, NoScaleError, PredictorError, RunError
from da3_stream.models.manifest import find_model
from da3_stream.predictors.da3 import Da3Predictor
from da3_stream.predictors.factory import make_predictor
from da3_stream.predictors.model_choice import ResolvedModel
from da3_stream.splats import count_splats
from da3_stream.store import open_run
from da3_stream.types import Frame, InputCamera, Status
from tests.worlds.seeded_models import ANY_VIEW, METRIC, NESTED, SPLATS, write_checkpoint
from tests.worlds.street_predictor import NO_ROAD


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return write_checkpoint(tmp_path_factory.mktemp("model"), ANY_VIEW)


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 255, (42, 56 + count, 3), np.uint8)
    return [wide[:, i : i + 56].copy() for i in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "size", "overlap"),
    [(1, 60, 12), (2, 2, 1), (9, 2, 1), (17, 17, 4), (18, 17, 4), (61, 60, 12)],  # a window, and a frame more
)
def test_a_run_goes_from_end_to_end_and_twice_alike(
    count: int, size: int, overlap: int, folder: Path, tmp_path: Path
) -> None:
    chosen = {"model": {"name": str(folder), "device": "cpu", "resolution": 64}}
    settings = Settings.build(chosen | {"windows": {"size": size, "overlap": overlap}, "scale": NO_ROAD})
    runs = [reconstruct(pictures(count), out=str(tmp_path / name), settings=settings) for name in ("a", "b")]
    assert [len(run) for run in runs] == [count, count]
    np.testing.assert_array_equal(runs[0].world_from_camera, runs[1].world_from_camera)
    for name in ("cloud.ply", "trajectory.tum", "scene.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    assert np.isfinite(runs[0].world_from_camera).all()
    assert Reconstruction(tmp_path / "a").depth(0).shape[1] == 70


@pytest.mark.slow
def test_a_run_tells_the_hash_of_its_weights(folder: Path, tmp_path: Path) -> None:
    settings = Settings.build({"model": {"name": str(folder), "device": "cpu", "resolution": 64}})
    reconstruct(pictures(2), out=str(tmp_path / "run"), settings=settings)
    told = json.loads((tmp_path / "run" / "run.json").read_text())["model"]
    told_hash = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert {key: told[key] for key in ("name", "hash")} == {"name": "seeded", "hash": told_hash}


def test_a_run_says_once_that_a_licence_is_not_free(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = ResolvedModel("da3-large", folder, find_model("da3-large").licence_note)
    make_predictor(model, Settings.build({"model": {"device": "cpu"}}), (56, 42), InputCamera())
    assert caplog.text.count("da3-large is licensed CC-BY-NC-4.0: no commercial use") == 1


@pytest.mark.slow
def test_a_nested_model_makes_a_run_in_metres_with_sky(tmp_path: Path) -> None:
    place = write_checkpoint(tmp_path / "model", NESTED)
    chosen = {"model": {"name": str(place), "device": "cpu", "resolution": 64}, "windows": {"size": 6, "overlap": 2}}
    run = reconstruct(pictures(9), out=str(tmp_path / "run"), settings=Settings.build(chosen))
    assert run.units == "metres" and np.isfinite(run.world_from_camera).all()
    predictor = Da3Predictor(DepthAnything3.from_pretrained(place, "cpu"), resolution=56)
    found = predictor.predict(frames(3))
    assert predictor.is_metric and found.is_metric and found.sky is not None


def test_a_known_focal_length_tells_a_metric_branch_its_scale(tmp_path: Path) -> None:
    model = DepthAnything3.from_pretrained(write_checkpoint(tmp_path, NESTED), "cpu")
    near, far = (np.tile([[f, 0, 28], [0, f, 21], [0, 0, 1]], (3, 1, 1)) for f in (50.0, 100.0))
    depths = [model.infer(pictures(3), resolution=56, intrinsics=k).depth for k in (near, far)]
    np.testing.assert_allclose(np.median(depths[1] / depths[0]), 2.0, rtol=1e-4)


def frames(count: int) -> list[Frame]:
    return [Frame(3 + i, i / 10, image, str(i)) for i, image in enumerate(pictures(count))]


def test_geometry_keeps_the_contract(folder: Path) -> None:
    k = np.array([[50.0, 0, 28], [0, 50, 21], [0, 0, 1]])
    predictor = Da3Predictor(DepthAnything3.from_pretrained(folder, "cpu"), k, (56, 42), resolution=56)
    found = predictor.predict(frames(5)).check(frames(5))
    assert found.status == Status.OK and not found.is_metric
    np.testing.assert_allclose(found.intrinsics, np.tile(k, (5, 1, 1)))
    turned = found.window_from_camera[:, :3, :3]
    np.testing.assert_allclose(turned @ turned.transpose(0, 2, 1), np.tile(np.eye(3), (5, 1, 1)), atol=1e-12)
    assert found.confidence.min() >= 0 and found.depth.dtype == found.confidence.dtype == np.float32


def test_numbers_that_are_not_finite_are_no_geometry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = DepthAnything3.from_pretrained(folder, "cpu")
    good = model.infer([frame.image for frame in frames(3)], resolution=56)
    depth, poses = good.depth.copy(), good.camera_from_world.copy()  # type: ignore[union-attr]
    depth[0, :5], poses[1] = np.nan, np.inf
    spoilt = Prediction(**{**vars(good), "depth": depth, "camera_from_world": poses})
    monkeypatch.setattr(DepthAnything3, "infer", lambda *args, **options: spoilt)
    found = Da3Predictor(model, resolution=56).predict(frames(3))
    assert found.status == Status.WEAK and found.notes == ("1 frames without a finite pose",)
    assert np.isnan(found.window_from_camera[1]).all() and np.isfinite(found.window_from_camera[[0, 2]]).all()
    assert (found.depth[0, :5] == 0).all() and (found.confidence[0, :5] == 0).all()


@pytest.mark.slow
def test_a_window_of_sky_costs_that_window_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = write_checkpoint(tmp_path / "model", NESTED)
    original, seen = Network.infer, []

    def infer(self: Network, clip: Clip, request: Request) -> ClipOutput:
        seen.append(len(clip))
        if len(seen) == 2:
            raise NoScaleError("the clip shows nothing but sky")
        return original(self, clip, request)

    monkeypatch.setattr(Network, "infer", infer)
    chosen = {"model": {"name": str(place), "device": "cpu", "resolution": 64}, "windows": {"size": 6, "overlap": 2}}
    run = reconstruct(pictures(14), out=str(tmp_path / "run"), settings=Settings.build(chosen))
    status = json.loads((tmp_path / "run" / "run.json").read_text())
    assert status["state"] == "finished" and status["windows_failed"] == 1 and len(run) == 14
    assert status["model"]["attention"].startswith("torch's") and status["model"]["weights"] == "float32"


def test_a_model_without_poses_is_refused_with_those_that_have_them(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, METRIC)
    with pytest.raises(PredictorError, match="gives no poses: choose da3-small"):
        Da3Predictor(DepthAnything3.from_pretrained(tmp_path, "cpu"))


def test_a_broken_checkpoint_ends_a_run_before_it_begins(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-100])
    settings = Settings.build({"model": {"name": str(tmp_path)}})
    with pytest.raises(ModelError, match="no whole safetensors file"):
        reconstruct(pictures(2), out=str(tmp_path / "run"), settings=settings)
    with pytest.raises(Da3StreamError):
        Reconstruction(tmp_path / "run")


@pytest.mark.slow
def test_a_device_that_fails_ends_the_run_in_a_sentence_and_it_can_go_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    infer, calls = DepthAnything3.infer, []

    def fails_once(self: DepthAnything3, *args: object, **kwargs: object) -> Prediction:
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("CUDA error: unspecified launch failure\nCompile with TORCH_USE_CUDA_DSA")
        return infer(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(DepthAnything3, "infer", fails_once)
    model, loops = {"name": str(folder), "resolution": 70}, {"descriptor": "off"}
    settings = Settings.build({"model": model, "windows": {"size": 4, "overlap": 2}, "loops": loops})
    with pytest.raises(RunError, match=r"the device has failed \(CUDA error: unspecified launch failure\): the same"):
        pipeline.run(pictures(12), tmp_path / "run", settings)
    run = pipeline.run(pictures(12), tmp_path / "run", settings)
    status = open_run(run).read_status()
    assert status["state"] == "finished" and status["windows"] == 5 and len(calls) in (6, 7)


def test_a_model_with_the_head_gives_gaussians_of_its_frames(folder: Path, tmp_path: Path) -> None:
    model = DepthAnything3.from_pretrained(write_checkpoint(tmp_path / "model", ANY_VIEW | SPLATS), "cpu")
    predictor = Da3Predictor(model, resolution=56, gaussians=True)
    found = predictor.predict(frames(3)).check(frames(3))
    assert predictor.gives_gaussians and not predictor.predict_pair(frames(2), frames(1)).gaussians
    assert not Da3Predictor(model, resolution=56).predict(frames(3)).gaussians
    for row, gaussians in enumerate(found.gaussians):
        assert len(gaussians) == found.depth[row].size and gaussians.harmonics.dtype == np.float16
        pose, k = found.window_from_camera[row], found.intrinsics[row]
        x, y, z = k @ (pose[:3, :3].T @ (gaussians.means.T - pose[:3, 3:]))
        columns = np.tile(np.arange(56) + 0.5, 42)
        assert np.median(np.abs(x / z - columns)[z > 0]) < 3  # pixels that the head moves them by
    with pytest.raises(PredictorError, match="seeded gives no Gaussians: give --model da3-giant"):
        Da3Predictor(DepthAnything3.from_pretrained(folder, "cpu"), gaussians=True)


@pytest.mark.slow
def test_a_run_keeps_them(tmp_path: Path) -> None:
    place = write_checkpoint(tmp_path / "model", ANY_VIEW | SPLATS)
    tree = {"model": {"name": str(place), "device": "cpu", "resolution": 64}, "splats": {"gaussians": True}}
    settings = Settings.build(tree | {"windows": {"size": 6, "overlap": 2}, "cloud": {"max_depth_step": 10.0}})
    run = open_run(pipeline.run(pictures(9), tmp_path / "run", settings))
    assert sum(count_splats(run, submap) for submap in range(2)) > 0
