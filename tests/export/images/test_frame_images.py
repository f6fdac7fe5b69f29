"""Where pictures come from: the input, the run, or neither; and what is said of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pycolmap
import pytest

from da3_stream.errors import ExportError
from da3_stream.export.exporting import export_run
from da3_stream.export.images.rasters import write_image
from da3_stream.store import Run
from tests.worlds.gated_run import COUNT, WITH_DEPTH, gated_run, input_picture
from tests.worlds.street import SIZE


def images_of(folder: Path) -> list[str]:
    model = pycolmap.Reconstruction(str(folder / "sparse" / "0"))
    return sorted(image.name for image in model.images.values())


def with_identity(run: Run, text: str) -> Run:
    run.write_status({**run.read_status(), "identity": {"input": text}})
    return run


@pytest.mark.slow
@pytest.mark.parametrize("resolution", ["input", "model"])
def test_colmap_has_the_frames_with_depth_of_a_gated_run(tmp_path, caplog, resolution):
    run = gated_run(tmp_path)
    folder, summary = export_run(run.path, "colmap", tmp_path / "c", {"resolution": resolution})
    suffix = "png" if resolution == "input" else "jpg"
    assert images_of(folder) == [f"{index:03d}.{suffix}" for index in WITH_DEPTH] and summary.startswith("12 images")
    reason = "that no tracks reach" if resolution == "input" else "whose pictures only the input has"
    assert [record.message.partition("depth")[0] for record in caplog.records] == ["left out 11 frames without "]
    assert reason in caplog.text


@pytest.mark.parametrize("form", ["colmap", "3dgs", "nerfstudio"])
@pytest.mark.parametrize("resolution", ["input", "model"])
def test_frames_without_depth_alone_are_one_sentence(tmp_path, form, resolution):
    run = gated_run(tmp_path)
    with pytest.raises(ExportError, match="none of the frames asked for has depth in .*run: nothing to export"):
        export_run(run.path, form, tmp_path / "out", {"frames": "5:6", "resolution": resolution})
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_where_neither_the_input_nor_the_run_has_images_that_is_said(tmp_path):
    run = gated_run(tmp_path, images=False)
    export_run(run.path, "colmap", tmp_path / "c")
    with pytest.raises(ExportError, match="keeps no picture of frame 0: give --resolution input"):
        export_run(run.path, "colmap", tmp_path / "m", {"resolution": "model"})
    facts = {**run.read_status()["input"], "name": "camera 0", "kind": "camera", "paths": []}
    run.write_status({**run.read_status(), "input": facts})
    with pytest.raises(ExportError, match=r"run \(camera 0\) cannot be read again, and the run keeps no pictures$"):
        export_run(run.path, "colmap", tmp_path / "i")
    with pytest.raises(ExportError, match="keeps no picture of frame 0, and its input cannot be read again$"):
        export_run(run.path, "colmap", tmp_path / "i", {"resolution": "model"})


@pytest.mark.slow
def test_a_list_of_images_is_read_while_the_run_is_going(tmp_path):
    run = gated_run(tmp_path)
    files = [str(path) for path in sorted((tmp_path / "input").iterdir())]
    facts = {**run.read_status()["input"], "paths": []}  # as run.json has it until the end
    run.write_status({**run.read_status(), "state": "running", "input": facts})
    run.write_input_paths(files)
    folder, _ = export_run(run.path, "colmap", tmp_path / "c")
    assert images_of(folder)[3] == "006.png" and (folder / "images" / "006.png").samefile(files[6])
    with pytest.raises(ExportError, match="would take the place of the input of the run"):
        export_run(run.path, "tum", Path(files[2]), overwrite=True)


@pytest.mark.slow
def test_an_input_of_another_count_is_another_one(tmp_path):
    run = with_identity(gated_run(tmp_path), f"{COUNT} images of 96x64, digest 0123456789abcdef")
    export_run(run.path, "colmap", tmp_path / "a")
    shutil.copy(tmp_path / "input" / "000.png", tmp_path / "input" / "more.png")
    with pytest.raises(ExportError, match="another one now, 25 images of 96x64: give --resolution model for the pict"):
        export_run(run.path, "colmap", tmp_path / "b")
    assert len(images_of(export_run(run.path, "colmap", tmp_path / "b", {"resolution": "model"}).path)) == 12


def test_an_input_of_another_kind_is_another_one(tmp_path):
    run = with_identity(gated_run(tmp_path), f"{COUNT} video of 96x64, digest 0123456789abcdef")
    with pytest.raises(ExportError, match="another one now, 24 images of 96x64"):
        export_run(run.path, "colmap", tmp_path / "a")


def test_an_input_that_has_become_shorter_gives_what_it_has_and_the_run_the_rest(tmp_path, caplog):
    run = gated_run(tmp_path)
    for index in range(9, COUNT):
        (tmp_path / "input" / f"{index:03d}.png").unlink()
    with np.load(export_run(run.path, "npz", tmp_path / "r.npz").path) as found:
        for picture, index in zip(found["image"], WITH_DEPTH, strict=True):
            assert np.abs(picture.astype(int) - input_picture(index)[:32, :48]).max() <= (0 if index < 9 else 6)
    assert caplog.text.count("cannot be read again: the pictures that it keeps are shown") == 1
    folder, _ = export_run(run.path, "depth_vis", tmp_path / "v")
    for index in (8, 10, 11):
        left = cv2.imread(str(folder / f"{index:06d}.jpg"))[:, : SIZE[0] - 8, ::-1].astype(int)
        shown = np.abs(left - input_picture(index)[0, 0]).max() < 12
        assert shown if index in WITH_DEPTH else np.median(left) < 12  # black, with words
    with pytest.raises(ExportError, match="lacks frame 9 now: give --resolution model for the pictures that the run"):
        export_run(run.path, "colmap", tmp_path / "c")


def test_a_frame_that_is_lost_in_the_middle_shifts_no_other(tmp_path):
    run = gated_run(tmp_path)
    (tmp_path / "input" / "006.png").write_bytes(b"no picture")
    with np.load(export_run(run.path, "npz", tmp_path / "r.npz").path) as found:
        for picture, index in zip(found["image"], WITH_DEPTH, strict=True):
            assert np.abs(picture.astype(int) - input_picture(index)[:32, :48]).max() <= 6


@pytest.mark.parametrize(("suffix", "off"), [(".jpg", 6), (".png", 0)])
def test_an_image_comes_back_as_it_was(tmp_path, suffix, off):
    path, picture = tmp_path / f"p{suffix}", input_picture(7)
    write_image(path, picture)
    assert np.abs(cv2.imread(str(path))[..., ::-1].astype(int) - picture).max() <= off


def test_an_image_that_no_jpeg_can_hold_is_one_sentence(tmp_path):
    with pytest.raises(ExportError, match=r"cannot encode p.jpg: a picture of \(1, 70000, 3\) pixels"):
        write_image(tmp_path / "p.jpg", np.zeros((1, 70000, 3), np.uint8))
    assert not (tmp_path / "p.jpg").exists()
