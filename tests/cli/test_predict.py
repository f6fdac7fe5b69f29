"""The command `predict` as people call it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.prediction.conftest import write_photos
from tests.worlds.seeded_models import METRIC, write_checkpoint


@pytest.fixture(scope="module")
def metric(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.set_num_threads(1)
    return str(write_checkpoint(tmp_path_factory.mktemp("metric"), METRIC, "da3metric-tiny"))


@pytest.mark.slow
def test_one_picture_becomes_a_run_that_others_read(call: Callable, metric: str, tmp_path: Path) -> None:
    picture = str(write_photos(tmp_path / "in", 1) / "photo00.png")
    words = ("--model", metric, "--device", "cpu", "--resolution", "64", "--hfov-deg", "60")
    status, out, err = call("predict", picture, "-o", "run", *words, "--format", "mini_npz", "--format", "ply")
    assert status == 0 and "1 picture, each by itself" in out and "mini_results.npz" in out, err
    with np.load(tmp_path / "run" / "export" / "mini_results.npz") as arrays:
        assert np.median(arrays["depth"]) > 0
    status, out, _ = call("info", "run")
    assert status == 0 and "1 of 1 placed" in out and "too few" not in out
    status, _, err = call("predict", picture, "-o", "run", *words, "--max-points", "5")
    assert status == 2 and "already holds a run with other settings" in err  # and nothing is deleted
    assert (tmp_path / "run" / "export" / "cloud.ply").exists()
    status, _, err = call("predict", picture, "-o", "run", *words, "--max-points", "5", "--overwrite")
    assert status == 0 and call("info", "run")[1] != out, err
    status, _, err = call(
        "predict", picture, "-o", "run", *words, "--max-points", "5", "--format", "kml", "--format", "npz"
    )
    assert status == 2 and "kml: " in err and (tmp_path / "run" / "export" / "results.npz").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing.jpg", "--model", "MODEL"], "there is no video, image or folder 'nothing.jpg'"),
        (["in", "--model", "sfm"], "sfm needs a film"),
        (["in"], "a prediction takes a model of Depth Anything 3, and none is on this machine"),
        (["in", "--model", "da3mono-large"], "the weights of da3mono-large are not on this machine"),
        (["in", "--format", "svg"], "there is no export format 'svg'"),
        (["in", "--model", "MODEL", "--cameras", "gone"], "there is no "),
    ],
)
def test_bad_input_ends_with_one_sentence(
    call: Callable, metric: str, tmp_path: Path, words: list[str], sentence: str
) -> None:
    write_photos(tmp_path / "in", 1)
    status, _, err = call("predict", *(metric if word == "MODEL" else word for word in words), "-o", "run")
    assert status == 2 and sentence in err and len(err.strip().splitlines()) == 1, err
    assert not (tmp_path / "run").exists()


def test_a_prediction_of_which_nothing_came_ends_with_3(
    call: Callable, metric: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr("da3_stream.da3.DepthAnything3.infer", fails)
    write_photos(tmp_path / "in", 1)
    status, _, err = call("predict", "in", "--model", metric, "--device", "cpu", "-o", "run", "--format", "depth_vis")
    assert status == 3 and "no frame could be placed" in err.splitlines()[-1]
    assert not (tmp_path / "run" / "export").exists()
