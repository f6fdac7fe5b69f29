from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from da3_stream.cloud import window_points, write_merged_cloud, write_page
from da3_stream.errors import ExportError, StoreError
from da3_stream.export.options import DepthOptions, TrajectoryOptions
from da3_stream.geometry import project
from da3_stream.reconstruction import Reconstruction
from da3_stream.report import info, write_report
from da3_stream.report.lines import info_text
from da3_stream.settings import CloudSettings
from da3_stream.slam import SubmapStore
from da3_stream.store import Scene, open_run, read_run_geometry, write_submap
from tests.worlds.street import (
    FPS,
    SIZE,
    SUBMAPS,
    UNITS,
    intrinsics,
    street_depth,
    street_part,
    street_run,
    street_window,
    world_from_camera,
)

SETTINGS = CloudSettings(voxel=0.02, per_pixel=None)


@pytest.fixture
def run(tmp_path):
    run = street_run(tmp_path / "run")
    for number, (first, end, own_first, own_end) in enumerate(SUBMAPS):
        geometry = street_window(first, end, UNITS[number])
        owned = (geometry.frame_indices >= own_first) & (geometry.frame_indices < own_end)
        write_page(run, number, window_points(geometry, owned, SETTINGS))
        run.append_event("window", window=number, status="OK")
    write_merged_cloud(run, read_run_geometry(run), SETTINGS)
    return run


def test_a_run_reads_back_as_arrays(run):
    rec = Reconstruction(str(run.path))
    assert len(rec) == 28 and rec.units == "relative" and rec.status["state"] == "finished"
    np.testing.assert_allclose(rec.world_from_camera, [world_from_camera(f) for f in range(28)], atol=1e-12)
    np.testing.assert_allclose(rec.intrinsics[3], intrinsics() * [[2], [2], [1]])
    np.testing.assert_allclose(rec.timestamps, np.arange(28) / FPS)
    np.testing.assert_array_equal(rec.source_indices, np.arange(28))
    assert (rec.segments == 0).all() and set(rec.frame_status) == {"OK"}


def test_it_says_what_it_is_on_one_line(run):
    assert repr(Reconstruction(run.path)) == (
        f"Reconstruction('{run.path}': finished, 28 of 28 frames placed, relative)"
    )


def test_depth_and_confidence_are_read_by_row(run):
    rec = Reconstruction(run.path)
    np.testing.assert_allclose(rec.depth(20), street_depth(world_from_camera(20)), rtol=1e-3)
    np.testing.assert_array_equal(rec.depth(-8), rec.depth(20))
    np.testing.assert_array_equal(rec.confidence(20) > 0, rec.depth(20) > 0)
    np.testing.assert_allclose(rec.depth_intrinsics(20), intrinsics())
    assert rec.depth(0).shape == (SIZE[1], SIZE[0])
    with pytest.raises(IndexError):
        rec.depth(28)


def test_points_and_pages_lie_in_the_world_of_the_poses(run):
    rec = Reconstruction(run.path)
    xyz, rgb = rec.points()
    assert len(trimesh.load(run.path / "cloud.ply").vertices) == len(xyz) == len(rgb)
    pages = list(rec.pages())
    assert len(pages) == 3 and sum(len(page) for page in pages) >= len(xyz)
    for page, (_, _, own_first, own_end) in zip(pages, SUBMAPS, strict=True):
        assert set(page.frame.tolist()) == set(range(own_first, own_end))
        frame = own_first
        pose = rec.world_from_camera[frame]
        pixels = project((page.xyz[page.frame == frame] - pose[:3, 3]) @ pose[:3, :3], rec.depth_intrinsics(frame))
        assert abs(pixels - (np.floor(pixels) + 0.5)).max() < 0.01


def test_a_run_that_has_just_begun_opens(run):
    run.write_status({"state": "running"})
    run.write_scene(Scene())
    (run.path / "cloud.ply").unlink()
    rec = Reconstruction(run.path)
    assert len(rec) == 0 and rec.world_from_camera.shape == (0, 4, 4) and rec.intrinsics.shape == (0, 3, 3)
    assert list(rec.pages()) == []
    with pytest.raises(StoreError, match="cannot read .*cloud.ply"):
        rec.points()
    assert info(run.path)["points"] is None


def test_a_directory_that_is_no_run_is_one_sentence(tmp_path):
    with pytest.raises(StoreError, match="not a run directory"):
        Reconstruction(tmp_path)


def test_info_says_what_was_done_and_how_it_went(run):
    run.write_status({**run.read_status(), "peak_rss_bytes": 2**30, "settings": {"windows": {"size": 12}}})
    facts = json.loads(json.dumps(info(run.path), allow_nan=False))
    assert facts["placed"] == facts["frames"] == 28 and facts["segments"] == 1
    assert facts["frame_status"] == {"OK": 28} and facts["events"] == {"window": 3}
    steps = np.diff([world_from_camera(f)[:3, 3] for f in range(28)], axis=0)
    assert facts["path_length"] == pytest.approx(np.linalg.norm(steps, axis=1).sum())
    assert facts["points"] == len(Reconstruction(run.path).points()[0])
    assert "timestamps" not in facts and "source_indices" not in facts
    lines = info_text(facts).splitlines()
    assert any(line.split() == ["settings.windows.size", "12"] for line in lines)
    assert any(line.split() == ["peak_rss_bytes", "1,024", "MiB"] for line in lines)


def test_skipped_frames_are_named_and_long_lists_cut(run):
    skipped = [{"index": i, "name": f"{i}.png", "reason": "cannot be decoded"} for i in range(100)]
    run.write_status({**run.read_status(), "skipped": skipped})
    text = info_text(info(run.path))
    assert "index 3, name 3.png, reason cannot be decoded" in text and "and 80 more" in text and "50.png" not in text


def test_the_report_is_one_file_and_escapes_what_it_shows(run):
    (run.path / "overview.png").write_bytes(b"\x89PNG")
    status = run.read_status()
    run.write_status({**status, "input": {**status.get("input", {}), "name": "<script>alert(1)</script>.mp4"}})
    write_report(open_run(run.path))
    page = (run.path / "report.html").read_text()
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert "data:image/png;base64," in page and 'src="http' not in page and "{" in page
    (run.path / "overview.png").unlink()
    write_report(open_run(run.path))
    assert "<img" not in (run.path / "report.html").read_text()


def test_it_exports_and_says_where(run, tmp_path):
    rec = Reconstruction(run.path)
    assert rec.export("tum") == run.path / "export" / "trajectory.tum"
    path = rec.export("kitti", str(tmp_path / "k"), TrajectoryOptions(frames=(4, None), every=2))
    np.testing.assert_array_equal(np.loadtxt(path).reshape(-1, 3, 4), rec.world_from_camera[4::2, :3])
    with pytest.raises(ExportError, match="exists already"):
        rec.export("kitti", path)
    assert len(np.loadtxt(rec.export("kitti", path, {"every": 7}, overwrite=True))) == 4
    with pytest.raises(ExportError, match="kitti takes TrajectoryOptions, not DepthOptions"):
        rec.export("kitti", path, DepthOptions(), overwrite=True)


@pytest.mark.slow
def test_opening_a_run_brings_in_no_exporter():
    code = "import sys, da3_stream.reconstruction; sys.exit(any('da3_stream.export' in name for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_masks_are_read_by_row_and_go_with_the_frames_into_loop_checks(run):
    part, mask = street_part(1), np.zeros((9, 16), np.bool_)
    owned = part.frame_indices[part.owned].tolist()
    images = tuple(np.zeros((9, 16, 3), np.uint8) for _ in owned)
    write_submap(run, 1, replace(part, images=images, masks=(None, *(mask,) * (len(owned) - 1))))
    read = Reconstruction(run.path)
    assert read.mask(owned[0]) is None and read.mask(0) is None
    np.testing.assert_array_equal(read.mask(owned[1]), mask)
    store = SubmapStore(run, read_run_geometry(run).scene, is_metric=False)
    store.restore(store.scene)
    first, second, third = store.frames(owned[:3])
    assert first.mask is None and second.mask is third.mask is not None and not second.mask.any()
