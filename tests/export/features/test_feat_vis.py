from __future__ import annotations

import json

import av
import cv2
import numpy as np
import pytest

from da3_stream.errors import ExportError, ModelError
from da3_stream.export.exporting import export_run
from da3_stream.export.features.principal_axes import ColourRange, Covariance, PrincipalAxes
from tests.worlds.gated_run import COUNT, gated_run
from tests.worlds.seeded_models import ANY_VIEW, write_checkpoint


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Frames of stripes and of noise by turns, so that it is seen which features are whose."""
    run = gated_run(tmp_path_factory.mktemp("gated"))
    stripes = np.where(np.indices((64, 96))[1][..., None] // 12 % 2, 255, 0).repeat(3, axis=2).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    for index in range(COUNT):
        cv2.imwrite(str(run.path.parent / "input" / f"{index:03d}.png"), noise if index % 2 else stripes)
    return run.path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(write_checkpoint(tmp_path_factory.mktemp("model"), ANY_VIEW))


def pictures(folder):
    return [cv2.imread(str(file))[..., ::-1].astype(int) for file in sorted(folder.glob("*.jpg"))]


def test_colours_are_the_original_s_by_its_axes_and_range(shared):
    golden = np.load(shared / "goldens" / "unit_toolbox.npz")
    axes = PrincipalAxes(golden["pca_mean"][0].astype(float), golden["pca_basis"].astype(float))
    painted = ColourRange(golden["pca_low"], golden["pca_high"]).paint(axes.along(golden["in_features"]))
    np.testing.assert_allclose(painted, np.trunc(255 * golden["feat_vis"]), atol=1)
    assert (painted == np.trunc(255 * golden["feat_vis"])).mean() > 0.99


def test_axes_are_those_of_all_vectors_together_and_their_signs_are_fixed():
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(400, 8)) * [9, 7, 5, 1, 1, 1, 1, 1] @ rng.normal(size=(8, 8)) + 50).astype(np.float32)
    axes = axes_of(np.split(vectors, [7, 100]))
    away = vectors.astype(float) - vectors.mean(axis=0, dtype=float)
    expected = np.linalg.svd(away, full_matrices=False)[2][:3].T
    np.testing.assert_allclose(np.abs(axes.directions.T @ expected), np.eye(3), atol=1e-6)
    np.testing.assert_allclose(axes_of([vectors[::-1]]).directions, axes.directions, atol=1e-6)
    assert (np.take_along_axis(axes.directions, np.abs(axes.directions).argmax(axis=0)[None], 0) > 0).all()


def axes_of(parts):
    covariance = Covariance(8)
    for part in parts:
        covariance.add(part)
    return covariance.axes()


@pytest.mark.slow
def test_features_stand_beside_their_own_frame_in_one_colouring(run, model, tmp_path):
    options = {"model": model, "layers": [2, 5], "side": 84, "frames": "0:7", "fps": 5}
    folder, summary = export_run(run, "feat_vis", tmp_path / "f", options)
    assert summary == "7 pictures of layers 2, 5, at 5 a second"
    for layer in (2, 5):
        shown = pictures(folder / f"feat_layer_{layer}")
        left, right = ([picture[:, part] for picture in shown] for part in (slice(0, 84), slice(84, None)))
        assert len(shown) == 7 and shown[0].shape == (56, 168, 3)
        for k in range(2, 7):
            assert np.abs(left[k] - left[k % 2]).mean() < 3 and np.abs(right[k] - right[k % 2]).mean() < 30
        assert np.abs(right[0] - right[1]).mean() > 40 and right[0].std() > 20
        with av.open(str(folder / f"feat_layer_{layer}.mp4")) as film:
            frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in film.decode(video=0)]
            assert film.streams.video[0].average_rate == 5
        assert np.abs(np.stack(frames) - np.stack(shown)).mean() < 12
    assert (folder / "frames.csv").read_text().splitlines()[1].startswith("feat_layer_2/000.jpg,0,")


def test_what_is_refused(run, model, tmp_path):
    with pytest.raises(ExportError, match="is of sfm: name one"):
        export_run(run, "feat_vis", tmp_path / "f")
    with pytest.raises(ModelError, match="there is no layer 6: the backbone has 6"):
        export_run(run, "feat_vis", tmp_path / "f", {"model": model, "layers": 6})
    with pytest.raises(ExportError, match="option layers"):
        export_run(run, "feat_vis", tmp_path / "f", {"model": model, "layers": "all"})
    assert list(tmp_path.iterdir()) == []


def test_the_model_is_that_of_the_run_and_files_are_the_same_every_time(tmp_path, model):
    run = gated_run(tmp_path)
    told = {"model": {"name": "seeded"}, "settings": {"model": {"name": model}}}  # a folder, and what it says of itself
    run.write_status(json.loads((run.path / "run.json").read_text()) | told)
    cv2.imwrite(str(tmp_path / "input" / "004.png"), np.zeros((64, 96, 3), np.uint8))
    options = {"side": 42, "frames": "4:5"}  # one frame, and it is black
    folders = [export_run(run.path, "feat_vis", tmp_path / name, options).path for name in "ab"]
    first, second = ((folder / "feat_layer_5" / "004.jpg").read_bytes() for folder in folders)
    assert first == second and len(pictures(folders[0] / "feat_layer_5")) == 1
