"""Which predictor a run gets, and what it is told of the camera."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from da3_stream.errors import ModelError, PredictorError
from da3_stream.models.manifest import (
    checkpoint_folder,
    da3_models,
    fetch,
    find_model,
    verify,
    weights_hash,
    weights_text,
)
from da3_stream.predictors.adapter import PredictorAdapter
from da3_stream.predictors.factory import make_predictor
from da3_stream.predictors.model_choice import ResolvedModel, choose_model
from da3_stream.session.job import open_job
from da3_stream.settings import ModelSettings, Settings
from da3_stream.types import InputCamera
from tests.worlds.street_predictor import StandIn

SIZE = (640, 480)


def test_auto_is_sfm_and_says_why() -> None:
    assert str(choose_model(ModelSettings(name="auto"))).startswith(
        "sfm (auto: no Depth Anything 3 model is on this machine"
    )
    assert str(choose_model(ModelSettings(name="sfm"))) == "sfm"


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A hub cache without any model."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def put_into(cache: Path, hub_id: str, checkpoint: Path) -> None:
    """A checkpoint as the hub's cache keeps it: blobs by their hash, and links to them."""
    repo = cache / f"models--{hub_id.replace('/', '--')}"
    snapshot = repo / "snapshots" / "0"
    snapshot.mkdir(parents=True)
    (repo / "blobs").mkdir()
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(snapshot.name)
    for name in ("config.json", "model.safetensors"):
        data = (checkpoint / name).read_bytes()
        blob = repo / "blobs" / hashlib.sha256(data).hexdigest()
        blob.write_bytes(data)
        (snapshot / name).symlink_to(blob)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Two files that look like one."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_auto_takes_the_best_model_in_the_cache(empty_cache: Path, checkpoint: Path) -> None:
    put_into(empty_cache, "depth-anything/DA3-SMALL", checkpoint)
    assert str(choose_model(ModelSettings())).startswith("da3-small (auto: the best")
    put_into(empty_cache, "depth-anything/DA3-LARGE-1.1", checkpoint)
    put_into(empty_cache, "depth-anything/DA3METRIC-LARGE", checkpoint)  # gives no poses
    assert choose_model(ModelSettings()).licence_note == "da3-large-1.1 is licensed CC-BY-NC-4.0: no commercial use"
    assert str(choose_model(ModelSettings())).startswith("da3-large-1.1 (auto: the best")
    assert choose_model(ModelSettings()).image_side == 504


def test_weights_that_are_not_there_are_said_with_what_to_do() -> None:
    with pytest.raises(PredictorError, match="'da3-stream weights fetch da3-large' fetches them; --model FOLDER"):
        choose_model(ModelSettings(name="da3-large"))


def test_half_a_model_in_the_cache_is_none(empty_cache: Path, checkpoint: Path) -> None:
    put_into(empty_cache, "depth-anything/DA3-SMALL", checkpoint)
    next(empty_cache.rglob("snapshots/0/model.safetensors")).unlink()
    with pytest.raises(PredictorError, match="'da3-stream weights fetch da3-small' fetches them"):
        choose_model(ModelSettings(name="da3-small"))
    assert choose_model(ModelSettings()).name == "sfm"


def test_the_hash_of_weights_is_their_name_in_the_cache_or_that_of_their_bytes(
    empty_cache: Path, checkpoint: Path
) -> None:
    put_into(empty_cache, "depth-anything/DA3-SMALL", checkpoint)
    blob = next(empty_cache.rglob("snapshots/0/model.safetensors")).resolve()
    told = hashlib.sha256(b"weights").hexdigest()
    assert weights_hash(checkpoint) == told == ResolvedModel("mine", checkpoint).weights_hash()
    blob.write_bytes(b"never read")
    folder = find_model("da3-small").cached_folder()
    assert folder is not None and weights_hash(folder) == told


def test_names_licences_and_sizes_are_listed(empty_cache: Path, checkpoint: Path) -> None:
    put_into(empty_cache, "depth-anything/DA3-SMALL", checkpoint)
    header, first, *rows, _, note = weights_text().splitlines()
    assert header.split() == ["name", "size", "licence", "gives", "here", "from"]
    assert first.split()[:4] == ["da3-small", "137", "MB", "Apache-2.0"] and " yes " in first
    assert [row.split()[0] for row in rows] == [*list(da3_models())[1:], "salad"]
    assert note.startswith("CC-BY-NC-4.0: no commercial use.") and "weights fetch da3-base" in note


def test_a_folder_is_a_model(checkpoint: Path) -> None:
    assert str(choose_model(ModelSettings(name=str(checkpoint)))) == str(checkpoint)
    assert choose_model(ModelSettings(name=str(checkpoint))).image_side == 504


def test_weights_are_verified_by_their_hash(empty_cache: Path, checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="da3-small is not on this machine"):
        verify(find_model("da3-small"))
    put_into(empty_cache, "depth-anything/DA3-SMALL", checkpoint)
    assert verify(find_model("da3-small")) == hashlib.sha256(b"weights").hexdigest()
    folder = find_model("da3-small").cached_folder()
    assert folder is not None
    (folder / "model.safetensors").resolve().write_bytes(b"changed")
    with pytest.raises(
        ModelError, match="da3-small is damaged .*: delete .*blobs.* and run 'da3-stream weights fetch da3-small'"
    ):
        verify(find_model("da3-small"))


def test_without_a_network_fetching_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="depth-anything/DA3-SMALL could not be fetched: "):
        fetch(find_model("da3-small"))
    with pytest.raises(ModelError, match="there is no Depth Anything 3 model 'salad'"):
        find_model("salad")


def test_a_name_in_python_is_fetched_and_says_what_else_there_is(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE forbids it.*weights fetch da3-giant.*a folder with config.js"):
        checkpoint_folder("da3-giant")
    assert caplog.text.count("da3-giant is licensed CC-BY-NC-4.0: no commercial use") == 1
    with pytest.raises(ModelError, match="no Depth Anything 3 model 'da4': choose one of da3-small, .*, or a folder"):
        checkpoint_folder("da4")


def test_licences_that_are_not_free_are_said() -> None:
    assert find_model("da3-base").licence_note is None
    assert find_model("da3-giant").licence_note == "da3-giant is licensed CC-BY-NC-4.0: no commercial use"


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "mps"])
def test_devices_that_exist_somewhere_are_taken(device: str) -> None:
    assert str(choose_model(ModelSettings(name="sfm", device=device))) == "sfm"


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "", "CPU"])
def test_other_devices_are_refused(device: str) -> None:
    with pytest.raises(PredictorError, match="choose auto, cpu, cuda, cuda:N or mps"):
        choose_model(ModelSettings(name="sfm", device=device))


def test_an_unknown_name_is_refused_with_the_list() -> None:
    with pytest.raises(PredictorError, match="there is no model 'da3': choose one of auto, sfm, da3-small, .*a folder"):
        choose_model(ModelSettings(name="da3"))


class Small(StandIn):
    image_side = 128


@pytest.mark.parametrize(
    ("resolution", "predictor", "side"),
    [(None, None, 640), (None, Small(), 128), (320, Small(), 320), (None, StandIn(), 800)],
)
def test_frames_are_shrunk_to_what_the_predictor_looks_at(
    resolution: int | None, predictor: StandIn | None, side: int
) -> None:
    settings = Settings.build({"model": {"resolution": resolution}})
    pictures = [np.zeros((60, 800, 3), np.uint8)] * 2
    with open_job(pictures, settings, predictor) as job:
        assert next(iter(job.source)).image.shape[1] == side


def test_the_device_is_said_not_to_be_used(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.build({"model": {"name": "sfm", "device": "cuda", "workers": 1}})
    predictor = make_predictor(choose_model(settings.model), settings, SIZE, InputCamera())
    PredictorAdapter(predictor).close()
    assert "sfm runs on the CPU: device cuda is not used" in caplog.text
