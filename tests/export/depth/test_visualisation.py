from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from da3_stream.errors import ExportError
from da3_stream.export.depth.colour_scale import DepthScale, depth_scale
from da3_stream.export.exporting import export_run
from da3_stream.export.film import write_film
from da3_stream.export.output_path import MARK
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import RunReader
from tests.worlds.gated_run import COUNT, WITH_DEPTH, gated_run, input_picture
from tests.worlds.street import SIZE, SOURCE_SIZE


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return gated_run(tmp_path_factory.mktemp("gated"))


def film(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        return np.stack(frames), stream.average_rate, container.metadata["comment"], stream.codec_context.name


def test_none_is_black_near_is_the_last_colour_and_far_the_first():
    scale = DepthScale(0.1, 1.0, "inferno")
    painted = scale.paint(np.array([[0.0, np.nan, 0.2, 1.0, 10.0, 99.0]], np.float32))[0]
    table = cv2.applyColorMap(np.array([[0, 255]], np.uint8), cv2.COLORMAP_INFERNO)[0, :, ::-1]
    assert painted[:2].max() == 0
    np.testing.assert_array_equal(painted[2:], [table[1], table[1], table[0], table[0]])


def test_one_scale_is_that_of_the_whole_run(run):
    reader = RunReader.open(run.path)
    scale = depth_scale(reader, "turbo")
    rec = Reconstruction(run.path)
    inverse = np.concatenate([1 / d[d > 0] for d in (rec.depth(row).astype(float) for row in WITH_DEPTH)])
    np.testing.assert_allclose([scale.low, scale.high], np.quantile(inverse, [0.02, 0.98]), rtol=0.02)


def test_parts_of_a_run_are_on_its_one_scale(run, tmp_path):
    parts = [
        export_run(run.path, "depth_vis", tmp_path / f, {"frames": f}).summary.split("; ")[1] for f in ("0:4", "9:20")
    ]
    assert parts[0] == parts[1]


def test_the_sky_does_not_stretch_the_scale(tmp_path):
    reader = RunReader.open(gated_run(tmp_path, sky=True).path)
    with_sky = depth_scale(reader, "turbo")
    rec = Reconstruction(reader.path)
    values = [(1 / np.where(d > 0, d, np.nan))[~rec.sky(row)] for row in WITH_DEPTH for d in [rec.depth(row)]]
    np.testing.assert_allclose(with_sky.high, np.nanquantile(np.concatenate(values), 0.98), rtol=0.02)


@pytest.mark.parametrize(("resolution", "size"), [("model", SIZE), ("input", SOURCE_SIZE)])
def test_a_video_shows_every_frame_at_the_rate_of_its_times(run, tmp_path, resolution, size):
    path, summary = export_run(run.path, "depth_video", tmp_path / "d.mp4", {"resolution": resolution})
    frames, rate, comment, codec = film(path)
    assert frames.shape == (COUNT, size[1], 2 * size[0], 3) and rate == 10 and codec == "h264"
    assert summary.startswith("24 pictures, 12 of them without depth at 10 a second; turbo: ") and comment in summary
    reader = RunReader.open(run.path)
    scale = depth_scale(reader, "turbo")
    for index, frame in enumerate(frames.astype(int)):
        middle = frame[size[1] // 2, size[0] // 2]
        assert np.abs(middle - input_picture(index)[0, 0]).max() < 12  # the picture on the left
        right = frame[:, size[0] :]
        if index in WITH_DEPTH:
            truth = cv2.resize(scale.paint(reader.depth(index)[0]), size)
            assert np.abs(right - truth).mean() < 25
        else:
            assert np.median(right) < 12 and right.max() > 150  # black, with words


def test_a_video_alone_at_another_rate_needs_no_input(tmp_path, caplog):
    run = gated_run(tmp_path)
    (tmp_path / "input").rename(tmp_path / "elsewhere")
    options = {"beside": False, "fps": 29.97, "frames": "4:10", "every": 2, "colours": "inferno"}
    frames, rate, comment, _ = film(export_run(run.path, "depth_video", tmp_path / "d.mp4", options).path)
    assert frames.shape == (3, SIZE[1], SIZE[0], 3) and float(rate) == pytest.approx(29.97, abs=1e-4)
    assert comment.startswith("inferno") and caplog.text == ""


def test_frames_whose_image_is_gone_say_so(tmp_path, caplog):
    run = gated_run(tmp_path)
    (tmp_path / "input").rename(tmp_path / "elsewhere")
    frames, *_ = film(export_run(run.path, "depth_video", None, {"frames": "4:6"}).path)
    left = frames[:, :, : SIZE[0]].astype(int)
    assert np.abs(left[0, 16, 24] - input_picture(4)[0, 0]).max() < 12  # the run keeps it
    assert np.median(left[1]) < 12 and left[1].max() > 150  # black, with words
    assert "the pictures that it keeps are shown" in caplog.text


def test_odd_sizes_become_even(tmp_path):
    from dataclasses import replace

    from da3_stream.store import read_submap, write_submap

    run = gated_run(tmp_path)
    part = read_submap(run, 0)
    cut = {name: getattr(part, name)[:, :31, :47] for name in ("depth", "confidence")}
    write_submap(run, 0, replace(part, **cut, depth_size=(47, 31)))
    assert film(export_run(run.path, "depth_video").path)[0].shape[1:] == (30, 92, 3)


def test_images_of_every_frame_lie_in_a_folder(run, tmp_path):
    folder, summary = export_run(run.path, "depth_vis", tmp_path / "v")
    names = sorted(path.name for path in folder.iterdir())
    assert names == [MARK, *(f"{index:03d}.jpg" for index in range(COUNT)), "frames.csv"]
    assert "12 of them without depth" in summary
    picture = np.asarray(Image.open(folder / "004.jpg")).astype(int)
    assert picture.shape == (SIZE[1], 2 * SIZE[0], 3)
    assert np.abs(picture[:, : SIZE[0] - 8] - input_picture(4)[0, 0]).max() < 12
    depth = Reconstruction(run.path).depth(4)
    assert picture[:, SIZE[0] :][depth == 0].mean() < 40 < picture[:, SIZE[0] :][depth > 0].mean()


@pytest.mark.parametrize("form", ["depth_vis", "depth_video"])
def test_a_run_without_any_depth_is_refused(run, tmp_path, form):
    for frames in ("1:2", "23:24"):
        with pytest.raises(ExportError, match="none of the frames asked for has depth"):
            export_run(run.path, form, tmp_path / "x", {"frames": frames})
    with pytest.raises(ExportError, match="option fps of depth_video|has no option 'fps'"):
        export_run(run.path, form, tmp_path / "x", {"fps": 0})
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence():
    pictures = (np.random.default_rng(k).integers(0, 256, (48, 64, 3), np.uint8) for k in range(40))
    with pytest.raises(ExportError, match="cannot write the film: No space left on device"):
        write_film(Path("/dev/full"), pictures, (64, 48), Fraction(10), "")


def test_a_video_too_large_for_its_codec_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ExportError, match="a film of 20000x48 pixels is too large"):
        write_film(tmp_path / "d.mp4", iter(()), (20000, 48), Fraction(10), "")
    assert list(tmp_path.iterdir()) == []
