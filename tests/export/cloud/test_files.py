from __future__ import annotations

import json

import laspy
import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from da3_stream.cloud import Points, read_ply, write_merged_cloud, write_page
from da3_stream.cloud import fuse as fuse_module
from da3_stream.errors import ExportError, SettingsError, StoreError
from da3_stream.export.exporting import export_run
from da3_stream.geometry import Sim3, project
from da3_stream.store import read_run_geometry
from da3_stream.store.scene import Scene
from tests.worlds.exported_run import EVERY_PIXEL, off_the_street, whole_run
from tests.worlds.street import PAGES, SUBMAPS, UNITS, intrinsics, street_scene, street_window, world_from_camera

Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # the street's cameras stand upright


def exported(run, kind, **options):
    """Where it was written, and all of it as laspy reads it in chunks."""
    path, summary = export_run(run.path, kind, None, options, overwrite=True)
    assert summary.split()[1] == "points"
    files = sorted(path.glob("*.laz")) if kind == "tiles" else [path]
    return path, [points_of(file) for file in files]


def points_of(path):
    names = ("red", "green", "blue", "confidence", "frame")
    parts = []
    with laspy.open(path) as reader:
        for chunk in reader.chunk_iterator(1000):
            xyz = np.stack([chunk.x, chunk.y, chunk.z], axis=-1)
            parts.append(np.column_stack([xyz, *(np.asarray(chunk[name]) for name in names)]))
    return np.concatenate([np.zeros((0, 8)), *parts])


def note_of(path):
    with laspy.open(path) as reader:
        return json.loads(next(v.record_data for v in reader.header.vlrs if v.user_id == "da3_stream"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["las", "laz", "tiles"])
def test_every_point_lies_on_a_pixel_of_its_frame_with_its_colour_and_confidence(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(fuse_module, "_TILE", 4000)
    monkeypatch.setattr(fuse_module, "_SURVEY_STEP", 4)
    run = whole_run(tmp_path / "run", EVERY_PIXEL)
    path, parts = exported(run, kind)
    assert len(parts) == (1 if kind != "tiles" else len(list(path.glob("*.laz")))) and (kind != "tiles" or parts[1:])
    points, seen = np.concatenate(parts), 0
    world_from_file = np.linalg.inv(
        note_of(next(iter(path.glob("*.laz"))) if kind == "tiles" else path)["file_from_world"]
    )
    for submap, (first, end, own, own_end) in enumerate(SUBMAPS):
        window = street_window(first, end, UNITS[submap])
        for frame in range(own, own_end):
            mine = points[points[:, 7] == frame]
            pose = world_from_camera(frame)
            in_camera = (Sim3.from_matrix(world_from_file).apply(mine[:, :3]) - pose[:3, 3]) @ pose[:3, :3]
            pixels = project(in_camera, intrinsics())
            column, row = np.floor(pixels).astype(int).T
            assert abs(pixels - np.floor(pixels) - 0.5).max() < 0.05
            image, confidence = window.images[frame - first], window.confidence[frame - first]
            np.testing.assert_array_equal(mine[:, 3:6], image[row, column] * 257.0)
            np.testing.assert_allclose(mine[:, 6], confidence[row, column], rtol=2**-7)
            seen += len(mine)
    assert seen == len(points) > 10_000


def test_las_is_as_its_readers_expect(tmp_path):
    path, (points,) = exported(whole_run(tmp_path / "run"), "laz")
    header = laspy.open(path).header
    assert str(header.version) == "1.4" and header.point_format.id == 7 and header.global_encoding.wkt
    assert header.point_count == len(points) > 3000
    assert header.number_of_points_by_return.tolist() == [len(points)] + 14 * [0]
    assert all((laspy.read(path)[name] == 1).all() for name in ("return_number", "number_of_returns"))
    np.testing.assert_allclose([header.mins, header.maxs], [points[:, :3].min(0), points[:, :3].max(0)], atol=1e-6)
    assert off_the_street(points[:, :3] @ Z_UP).max() < 0.01
    assert -1.51 < points[:, 2].min() < -1.49  # the ground is below
    np.testing.assert_allclose(note_of(path)["file_from_world"], Sim3(1, Z_UP, np.zeros(3)).matrix(), atol=1e-6)
    assert note_of(path)["units"] == "relative"


@pytest.mark.slow
def test_las_in_the_runs_own_axes_holds_the_points_of_the_ply(tmp_path):
    run = whole_run(tmp_path / "run")
    _, (points,) = exported(run, "las", up="camera")
    xyz, rgb = read_ply(export_run(run.path, "ply").path)
    distance, nearest = cKDTree(points[:, :3]).query(xyz)
    assert len(xyz) == len(points) and distance.max() < 1e-3 and len(set(nearest)) == len(xyz)
    np.testing.assert_array_equal(points[nearest, 3:6], rgb * 257.0)


def test_ply_is_the_clouds_own_file(tmp_path):
    run = whole_run(tmp_path / "run", PAGES)
    write_merged_cloud(run, read_run_geometry(run), PAGES)
    path, summary = export_run(run.path, "ply")
    assert path == run.path / "export" / "cloud.ply"
    assert path.read_bytes() == (run.path / "cloud.ply").read_bytes()
    assert summary == f"{len(trimesh.load(path).vertices):,} points in relative units"


@pytest.mark.slow
def test_the_tiles_index_says_where_they_are(tmp_path):
    path, (points,) = exported(whole_run(tmp_path / "run"), "tiles")
    index = json.loads((path / "tiles.json").read_text())
    assert index["crs"] is None and index["units"] == "relative" and index["points"] == len(points)
    (tile,) = index["tiles"]
    assert tile.keys() == {"file", "min", "max", "points"} and tile["points"] == len(points)
    np.testing.assert_allclose([tile["min"], tile["max"]], [points[:, :3].min(0), points[:, :3].max(0)], atol=1e-9)


@pytest.mark.slow
def test_frames_and_every_choose_the_points_frames(tmp_path):
    run = whole_run(tmp_path / "run")
    _, (every,) = exported(run, "laz")
    _, (some,) = exported(run, "laz", frames="6:20", every=3)
    assert set(every[:, 7]) == set(range(28)) and set(some[:, 7]) == {6, 9, 12, 15, 18}
    with pytest.raises(ExportError, match="--frames 40:50 holds no frame"):
        export_run(run.path, "laz", tmp_path / "a.laz", {"frames": "40:50"})


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_the_least_confident_share_is_left_out(tmp_path, share):
    run = whole_run(tmp_path / "run", EVERY_PIXEL)
    _, (every,) = exported(run, "laz")
    _, (some,) = exported(run, "laz", confidence=share)
    threshold = np.quantile(every[:, 6], share)
    assert some[:, 6].min() == pytest.approx(threshold, rel=0.05)
    assert len(some) == pytest.approx((1 - share) * len(every), rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ply", "las", "laz", "tiles"])
def test_no_more_than_max_points(tmp_path, kind):
    run = whole_run(tmp_path / "run")
    path, summary = export_run(run.path, kind, None, {"max_points": 555})
    assert summary.startswith("555 points")
    if kind == "ply":
        assert trimesh.load(path).vertices.shape == (555, 3)
    else:
        files = path.glob("*.laz") if kind == "tiles" else [path]
        assert sum(len(points_of(file)) for file in files) == 555


@pytest.mark.slow
def test_voxels_in_metres_need_metres_and_shares_do_not(tmp_path):
    run = whole_run(tmp_path / "run", PAGES)
    with pytest.raises(ExportError, match="voxel_m needs a run in metres"):
        export_run(run.path, "ply", None, {"voxel_m": 0.5})
    with pytest.raises(ExportError, match="two sizes of one thing"):
        export_run(run.path, "ply", None, {"voxel_m": 0.5, "voxel": 0.1})
    run.write_scene(Scene("metres", 1.0, street_scene().submaps))
    fine, coarse, share = (
        len(read_ply(export_run(run.path, "ply", tmp_path / f"{k}.ply", options).path)[0])
        for k, options in enumerate(({}, {"voxel_m": 1.0}, {"voxel": 0.1}))
    )
    assert coarse < fine / 4 and share < fine / 4


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ply", "las", "laz", "tiles"])
def test_a_failure_in_the_middle_leaves_the_old_one_and_nothing_else(tmp_path, kind):
    run = whole_run(tmp_path / "run")
    path, _ = export_run(run.path, kind)
    before = {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()}
    run.page_path(2).write_bytes(run.page_path(2).read_bytes()[:2000])
    with pytest.raises(StoreError, match=r"000002\.laz is damaged"):
        export_run(run.path, kind, overwrite=True)
    assert {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()} == before
    with pytest.raises(ExportError, match="exists already"):
        export_run(run.path, kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ply", "las", "laz", "tiles"])
def test_a_cloud_of_no_points(tmp_path, kind):
    run = whole_run(tmp_path / "run")
    for submap in range(3):
        write_page(run, submap, Points.empty(0.1))
    path, summary = export_run(run.path, kind)
    assert summary.startswith("0 points")
    if kind == "ply":
        assert b"element vertex 0\n" in path.read_bytes()
    elif kind == "tiles":
        assert json.loads((path / "tiles.json").read_text())["points"] == 0
    else:
        assert len(points_of(path)) == 0


def test_a_run_that_is_still_going_gives_what_it_has(tmp_path):
    run = whole_run(tmp_path / "run", state="running", source_indices=list(range(18)), timestamps=list(range(18)))
    run.write_scene(Scene(submaps=street_scene().submaps[:2]))
    run.page_path(2).unlink()
    _, (points,) = exported(run, "laz")
    assert set(points[:, 7]) == set(range(18))


@pytest.mark.slow
def test_normals_turn_with_the_axes_and_are_refused_where_there_are_none(tmp_path):
    settings = PAGES.model_copy(update={"normals": True})
    path, _ = export_run(whole_run(tmp_path / "run", settings).path, "laz")
    points = laspy.read(path)
    on_ground = abs(np.asarray(points.z) + 1.5) < 0.01
    assert np.median(points["NormalZ"][on_ground]) > 0.98
    with pytest.raises(StoreError, match="the pages hold no normals"):
        export_run(whole_run(tmp_path / "other").path, "laz", None, {"normals": True})


def test_fusion_off_as_yaml_says_it(tmp_path):
    run = whole_run(tmp_path / "run")
    assert export_run(run.path, "ply", None, {"fusion": False}).summary.endswith("relative units")
    with pytest.raises(ExportError, match="option fusion"):
        export_run(run.path, "ply", None, {"fusion": "some"}, overwrite=True)


def test_settings_that_run_json_should_not_hold_are_one_sentence(tmp_path):
    run = whole_run(tmp_path / "run", settings_of_yore=1)
    run.write_status({**run.read_status(), "settings": {"cloud": {"voxel": 7}}})
    with pytest.raises(SettingsError, match="cloud.voxel"):
        export_run(run.path, "ply")
