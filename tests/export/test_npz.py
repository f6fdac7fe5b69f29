from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from da3_stream.errors import ExportError
from da3_stream.export.exporting import export_run
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import read_submap, write_submap
from tests.worlds.gated_run import WITH_DEPTH, gated_run, input_picture
from tests.worlds.street import SIZE


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return gated_run(tmp_path_factory.mktemp("gated"))


@pytest.mark.parametrize(("form", "decimals"), [("npz", 6), ("mini_npz", 8)])
def test_numpy_reads_what_da3_writes(run, tmp_path, form, decimals):
    path, summary = export_run(run.path, form, tmp_path / "r.npz")
    rec, n = Reconstruction(run.path), len(WITH_DEPTH)
    with np.load(path) as found:
        names = ["depth", "conf", "extrinsics", "intrinsics"]
        beside = ["file", "file_from_world", "frame_of_reference"]
        assert found.files == (["image"] if form == "npz" else []) + names + beside
        assert found["file"].tolist() == [f"{index:03d}.png" for index in WITH_DEPTH]  # of the input's folder
        np.testing.assert_array_equal(found["file_from_world"], np.eye(4))
        assert json.loads(str(found["frame_of_reference"]))["axes"] == "world"
        assert all(found[name].dtype == np.float32 for name in names)
        depth = np.stack([rec.depth(row) for row in WITH_DEPTH])
        np.testing.assert_array_equal(found["depth"], np.round(depth, decimals))
        conf = np.stack([rec.confidence(row) for row in WITH_DEPTH])
        np.testing.assert_array_equal(found["conf"], np.round(conf, 2))
        assert found["extrinsics"].shape == (n, 3, 4) and found["intrinsics"].shape == (n, 3, 3)
        inverse = np.linalg.inv(rec.world_from_camera[WITH_DEPTH])[:, :3]
        np.testing.assert_allclose(found["extrinsics"], inverse, atol=1e-6)
        np.testing.assert_allclose(found["intrinsics"][3], rec.depth_intrinsics(6), rtol=1e-6)
    assert summary == f"12 frames of {SIZE[0]}x{SIZE[1]}"
    with zipfile.ZipFile(path) as archive:
        assert all(entry.compress_type == zipfile.ZIP_DEFLATED for entry in archive.infolist())


def test_images_are_those_of_the_frames_at_the_depths_size(run, tmp_path):
    with np.load(export_run(run.path, "npz", tmp_path / "r.npz", {"every": 4}).path) as found:
        assert found["image"].dtype == np.uint8 and found["image"].shape == (6, SIZE[1], SIZE[0], 3)
        for k, picture in enumerate(found["image"]):
            np.testing.assert_array_equal(picture, input_picture(4 * k)[:32, :48])


def test_where_the_input_is_gone_the_runs_own_images_are_taken_and_it_is_said(tmp_path, caplog):
    run = gated_run(tmp_path)
    (tmp_path / "input").rename(tmp_path / "elsewhere")
    with np.load(export_run(run.path, "npz").path) as found:
        assert np.abs(found["image"][5].astype(int) - input_picture(10)[:32, :48]).max() <= 6
    assert "cannot be read again: the pictures that it keeps are shown" in caplog.text
    bare = gated_run(tmp_path / "bare", images=False)
    (tmp_path / "bare" / "input").rename(tmp_path / "bare" / "elsewhere")
    with pytest.raises(ExportError, match="keeps no picture of frame 0: mini_npz needs none"):
        export_run(bare.path, "npz")
    assert list((bare.path / "export").iterdir()) == []
    export_run(bare.path, "mini_npz")


def test_equal_runs_have_equal_bytes(run, tmp_path):
    a, b = (export_run(run.path, "mini_npz", tmp_path / name).path.read_bytes() for name in "ab")
    assert a == b


def test_maps_of_different_sizes_are_refused(tmp_path, monkeypatch):
    from dataclasses import replace

    from tests.worlds.street import street_run

    run = street_run(tmp_path / "run")
    run.write_status({**run.read_status(), "input": {"size": [96, 64]}})
    part = read_submap(run, 1)
    cut = {name: getattr(part, name)[:, :, :40] for name in ("depth", "confidence")}
    write_submap(run, 1, replace(part, **cut, depth_size=(40, 32)))
    with pytest.raises(ExportError, match="of different sizes"):
        export_run(run.path, "mini_npz")
    export_run(run.path, "mini_npz", None, {"frames": "0:10"})


def test_what_the_lens_did_not_see_is_black(tmp_path):
    """These pictures are of the size of the depth maps: they cannot be cropped."""
    bent = gated_run(tmp_path, k1=0.3)
    with np.load(export_run(bent.path, "npz", tmp_path / "r.npz", {"every": 4}).path) as found:
        picture, colour = found["image"][1], input_picture(4)[0, 0].astype(int)
        assert not picture[[0, 0, -1, -1], [0, -1, 0, -1]].any()
        seen = abs(picture.astype(int) - colour).max(axis=-1) <= 2
        assert seen[8:-8, 8:-8].all() and 0.02 < (picture == 0).all(axis=-1).mean() < 0.5
