from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from da3_stream.errors import ExportError
from da3_stream.export.depth.maps import depth_counts
from da3_stream.export.exporting import export_run
from da3_stream.export.frame_views import views_with_depth
from da3_stream.export.images.rasters import write_raster
from da3_stream.export.options import FrameOptions
from da3_stream.export.output_path import MARK
from da3_stream.export.placed import RECORD
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import RunReader, create_run
from tests.worlds.gated_run import COUNT, WITH_DEPTH, gated_run, sky_masks
from tests.worlds.street import SIZE, SOURCE_SIZE


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return gated_run(tmp_path_factory.mktemp("gated"))


def exported(run, path, **options):
    folder, summary = export_run(run.path, "depth", path, options)
    return folder, json.loads((folder / "depth.json").read_text()), summary


READERS = {
    "tiff": tifffile.imread,
    "exr": lambda path: next(iter(OpenEXR.File(str(path)).channels().values())).pixels,
    "npy": np.load,
}


@pytest.mark.parametrize("encoding", list(READERS))
def test_float_maps_are_those_of_the_run_to_the_last_bit(run, tmp_path, encoding):
    folder, page, summary = exported(run, tmp_path / "d", encoding=encoding)
    rec, read = Reconstruction(run.path), READERS[encoding]
    assert [entry["frame"] for entry in page["frames"]] == WITH_DEPTH and summary.startswith("12 depth maps")
    for entry in page["frames"]:
        row = entry["frame"]
        depth, confidence = read(folder / entry["depth"]), read(folder / entry["confidence"])
        assert depth.dtype == confidence.dtype == np.float32 and "sky" not in entry
        np.testing.assert_array_equal(depth, rec.depth(row))
        np.testing.assert_array_equal(confidence, rec.confidence(row))
        np.testing.assert_allclose(entry["intrinsics"], rec.depth_intrinsics(row), rtol=1e-12)
        assert entry["size"] == list(SIZE) and entry["timestamp"] == row / 10
    assert page["units"] == "metres" and page["counts_per_unit"] is None
    assert page["frames_without_depth"] == sorted(set(range(COUNT)) - set(WITH_DEPTH))
    names = [MARK, "confidence", "depth", "depth.json", RECORD, "frames.csv"]
    assert sorted(path.name for path in folder.iterdir()) == names


def test_opencv_and_pillow_open_the_tiff_too(run, tmp_path):
    folder, page, _ = exported(run, tmp_path / "d", frames="4:5")
    path, depth = folder / page["frames"][0]["depth"], Reconstruction(run.path).depth(4)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), depth)
    np.testing.assert_array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), depth)


def test_exr_names_its_channels(run, tmp_path):
    folder, page, _ = exported(run, tmp_path / "d", encoding="exr", frames="4:5")
    entry = page["frames"][0]
    assert list(OpenEXR.File(str(folder / entry["depth"])).channels()) == ["Z"]
    assert list(OpenEXR.File(str(folder / entry["confidence"])).channels()) == ["confidence"]


def test_png_counts_lead_back_to_depth_and_confidence_by_the_stated_rules(run, tmp_path):
    folder, page, _ = exported(run, tmp_path / "d", encoding="png", png_scale=1500)
    rec = Reconstruction(run.path)
    assert page["counts_per_unit"] == 1500 and page["saturated_pixels"] == 0
    for entry in page["frames"]:
        counts = np.asarray(Image.open(folder / entry["depth"]))
        assert counts.dtype == np.uint16
        depth = rec.depth(entry["frame"])
        np.testing.assert_array_equal(counts == 0, depth == 0)
        np.testing.assert_allclose(counts / 1500, depth, atol=0.5001 / 1500)
        codes, (low, high) = np.asarray(Image.open(folder / entry["confidence"])), entry["confidence_range"]
        truth = rec.confidence(entry["frame"])
        np.testing.assert_array_equal(codes == 0, truth == 0)
        back = low * (high / low) ** ((codes.astype(float) - 1) / 254)
        np.testing.assert_allclose(back[codes > 0], truth[codes > 0], rtol=0.01)


def test_png_saturates_says_so_and_never_wraps(run, tmp_path):
    folder, page, summary = exported(run, tmp_path / "d", encoding="png", png_scale=6000)  # 65535 counts: 10.9 m
    rec, beyond = Reconstruction(run.path), 0
    for entry in page["frames"]:
        counts, depth = np.asarray(Image.open(folder / entry["depth"])), rec.depth(entry["frame"])
        far = depth * 6000.0 > 65535.5
        assert (counts[far] == 65535).all() and (counts[depth > 0] > 0).all() and entry["saturated_pixels"] == far.sum()
        np.testing.assert_allclose(counts[~far] / 6000, depth[~far], atol=0.5001 / 6000)
        beyond += far.sum()
    assert page["saturated_pixels"] == beyond > 100 and f"{beyond} pixels (" in summary and "png_scale" in summary


@given(arrays(np.float32, (2, 3), elements=st.floats(width=32)), st.floats(1e-3, 1e6))
def test_any_depth_has_a_count_that_is_in_range_and_in_order(depth, per_unit):
    counts, saturated = depth_counts(depth, per_unit)
    valid = np.isfinite(depth) & (depth > 0)
    np.testing.assert_array_equal(counts > 0, valid)
    order = np.argsort(depth[valid], kind="stable")
    assert (np.diff(counts[valid][order].astype(int)) >= 0).all()
    assert saturated <= (counts == 65535).sum()


def test_at_the_inputs_size_no_depth_is_mixed_and_a_point_keeps_its_ray(run, tmp_path):
    folder, page, _ = exported(run, tmp_path / "d", resolution="input")
    rec = Reconstruction(run.path)
    for entry in page["frames"]:
        depth, small = tifffile.imread(folder / entry["depth"]), rec.depth(entry["frame"])
        assert depth.shape == (SOURCE_SIZE[1], SOURCE_SIZE[0]) == tuple(entry["size"][::-1])
        np.testing.assert_array_equal(depth, np.kron(small, np.ones((2, 2), np.float32)))
        np.testing.assert_allclose(entry["intrinsics"], rec.intrinsics[entry["frame"]], rtol=1e-12)


def test_the_sky_is_beside_where_the_model_told_it(tmp_path):
    run = gated_run(tmp_path, sky=True)
    folder, page, _ = exported(run, tmp_path / "d", resolution="input")
    for entry, mask in zip(page["frames"], sky_masks(), strict=True):
        found = np.asarray(Image.open(folder / entry["sky"]))
        np.testing.assert_array_equal(found, np.kron(mask, np.ones((2, 2))) * 255)
        np.testing.assert_array_equal(Reconstruction(run.path).sky(entry["frame"]), mask)
    bare, page, _ = exported(run, tmp_path / "bare", with_sky=False, with_confidence=False)
    assert sorted(path.name for path in bare.iterdir()) == [MARK, "depth", "depth.json", RECORD, "frames.csv"]
    assert not {"sky", "confidence"} & set(page["frames"][0])


def test_a_distorted_lens_is_named(tmp_path):
    _, page, _ = exported(gated_run(tmp_path, k1=-0.05), tmp_path / "d", frames="0:1")
    assert "1 + -0.05 r^2" in page["rules"]["lens"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": "1:2"}, "none of the frames asked for has depth"),
        ({"frames": "23:24"}, "none of the frames asked for has depth"),
        ({"frames": "90:"}, "--frames 90: holds no frame of .*, which has 0 to 23"),
        ({"encoding": "jpg"}, "option encoding of depth"),
        ({"png_scale": 0}, "option png_scale of depth"),
        ({"voxel_m": 1}, "depth has no option 'voxel_m'"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(run, tmp_path, options, message):
    with pytest.raises(ExportError, match=message) as error:
        export_run(run.path, "depth", tmp_path / "d", options)
    assert "\n" not in str(error.value) and list(tmp_path.iterdir()) == []


def test_an_export_is_replaced_only_when_asked_and_only_by_a_whole_one(run, tmp_path, monkeypatch):
    folder, _, _ = exported(run, tmp_path / "d", frames="0:3")
    before = sorted(folder.rglob("*"))
    with pytest.raises(ExportError, match="exists already"):
        export_run(run.path, "depth", folder)
    from da3_stream.export.depth import maps as depth

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(ExportError, match="cannot write .*No space left"):
        patch.setattr(depth, "write_text", full)
        export_run(run.path, "depth", folder, overwrite=True)
    assert sorted(folder.rglob("*")) == before and len(list(tmp_path.iterdir())) == 1
    export_run(run.path, "depth", folder, overwrite=True)
    assert len(list((folder / "depth").iterdir())) == 12


def test_a_run_that_goes_on_is_exported_as_far_as_it_is(tmp_path):
    run = gated_run(tmp_path)
    run.write_status({**run.read_status(), "state": "running", "source_indices": [], "timestamps": []})
    _, page, summary = exported(run, tmp_path / "d")
    assert summary.startswith("12 depth maps, 11 frames have none") and len(page["frames"]) == 12
    nothing = create_run(tmp_path / "begun")
    with pytest.raises(ExportError, match="holds no frames yet"):
        export_run(nothing.path, "depth")


def test_a_full_disk_is_one_sentence():
    with pytest.raises(ExportError, match="cannot write full: .*No space left on device"):
        write_raster(Path("/dev/full"), np.random.default_rng(0).random((300, 300), np.float32), "Z", "exr")


def test_the_sky_is_no_surface(tmp_path):
    reader = RunReader.open(gated_run(tmp_path, sky=True).path)
    for view, mask in zip(views_with_depth(reader, FrameOptions()), sky_masks(), strict=True):
        depth, confidence, k = reader.depth_without_sky(view.index)
        whole, sure, same = reader.depth(view.index)
        assert not depth[mask].any() and not confidence[mask].any() and depth.dtype == np.float32
        np.testing.assert_array_equal(depth[~mask], whole[~mask])
        np.testing.assert_array_equal(confidence[~mask], sure[~mask])
        np.testing.assert_array_equal(k, same)
