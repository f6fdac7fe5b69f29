"""run(): from frames to a run directory, with a predictor that knows the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from da3_stream import Settings, pipeline, reconstruct
from da3_stream.cloud import SubmapLevels, read_page
from da3_stream.errors import PredictorError, RunError, SettingsError, StoreError
from da3_stream.evaluation import read_kitti, read_tum
from da3_stream.frames.static_mask.stage import AHEAD
from da3_stream.geometry import project, unproject
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import open_run
from da3_stream.types import Frame, Status, WindowGeometry
from tests.worlds.street import SIZE, intrinsics, world_from_camera
from tests.worlds.street_predictor import NO_ROAD, WINDOWS, StandIn, lost_rows, pictures, street


def truth(count: int) -> NDArray[np.float64]:
    return np.stack([world_from_camera(i) for i in range(count)])


def events(run: Path, kind: str) -> list[dict]:
    lines = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] == kind]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three windows, which no test changes."""
    return street(tmp_path_factory.mktemp("short") / "run", 28)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of six."""
    return street(tmp_path_factory.mktemp("long") / "run", 45)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 5, 12, 13])
def test_exact_windows_give_the_exact_trajectory(tmp_path: Path, count: int) -> None:
    of_exact_trajectory(street(tmp_path / "run", count), count)


@pytest.mark.slow
def test_many_exact_windows_give_the_exact_trajectory(short: Path, long: Path) -> None:
    of_exact_trajectory(short, 28)
    of_exact_trajectory(long, 45)


def of_exact_trajectory(run: Path, count: int) -> None:
    result = Reconstruction(run)
    np.testing.assert_allclose(result.world_from_camera, truth(count), atol=2e-5)
    assert result.status["state"] == "finished" and result.status["frames"] == count
    assert set(result.segments.tolist()) == {0} and set(result.frame_status) == {"OK"}


@pytest.mark.slow
def test_the_world_is_the_first_camera(short: Path) -> None:
    result = Reconstruction(short)
    np.testing.assert_allclose(result.world_from_camera[0], np.eye(4), atol=1e-12)


def test_run_json_has_the_keys_that_others_read(short: Path) -> None:
    status = json.loads((short / "run.json").read_text())
    assert status["windows"] == 3 and status["windows_by_status"] == {"OK": 3} and status["windows_failed"] == 0
    assert status["skipped"] == 0 and status["skipped_frames"] == []
    assert status["peak_rss_bytes"] > 1e7 and status["seconds"] > 0
    assert status["source_indices"] == list(range(28)) and len(status["timestamps"]) == 28
    assert status["settings"]["windows"] == {"size": 12, "overlap": 4, "key_every": 0}
    assert status["model"]["name"] == "stand-in"
    assert status["versions"]["numpy"] and status["machine"]["cores"] and status["units"] == "relative"


def test_run_json_tells_the_cpu_seconds_of_every_stage_and_of_the_predictor_by_itself(short: Path) -> None:
    status = json.loads((short / "run.json").read_text())
    stages, predictor = status["seconds_by_stage"], status["seconds_in_predictor"]
    assert {"start", "decoding", "gate", "static_mask", "stitching", "scale", "store", "cloud"} <= stages.keys()
    assert {"judging", "graph", "status", "trajectory", "preview", "commit", "outputs", "other"} <= stages.keys()
    assert all(seconds >= 0 for seconds in stages.values()) and stages["outputs"] > 0
    assert {"predict"} == predictor.keys() and predictor["predict"] == stages["predict"]


@pytest.mark.slow
def test_every_output_is_there_and_reads_back(tmp_path: Path) -> None:
    run = street(tmp_path / "run", 28, cloud={"per_pixel": None})
    np.testing.assert_allclose(read_kitti(run / "trajectory.kitti").world_from_camera, truth(28), atol=2e-5)
    np.testing.assert_allclose(read_tum(run / "trajectory.tum").world_from_camera, truth(28), atol=2e-5)
    assert np.loadtxt(run / "intrinsics.txt").shape == (28, 4) and np.loadtxt(run / "camera_poses.txt").shape == (
        28,
        16,
    )
    points, _ = Reconstruction(run).points()
    assert len(trimesh.load(run / "cloud.ply").vertices) == len(points) > 1000
    for name in ("overview.png", "report.html", "log.txt", "scene.json", "journal.jsonl"):
        assert (run / name).stat().st_size > 0
    assert "settings in force" in (run / "log.txt").read_text()


def test_every_submap_has_levels_of_detail_of_the_points_on_its_page(short: Path) -> None:
    run = open_run(short)
    for submap in range(3):
        page, levels = read_page(run, submap), SubmapLevels.open(run.levels_path(submap))
        parts = [levels.points(node) for node in range(len(levels.nodes))]
        xyz, frame = (np.concatenate([getattr(part, name) for part in parts]) for name in ("xyz", "frame"))
        assert len(xyz) == len(page) > 100
        np.testing.assert_array_equal(np.sort(frame), np.sort(page.frame))
        np.testing.assert_allclose(np.sort(xyz, axis=0), np.sort(page.xyz, axis=0), atol=page.voxel / 32)


def test_points_reproject_onto_their_pixels(short: Path) -> None:
    result = Reconstruction(short)
    for row in (0, 9, 11, 27):  # in the middle of windows and where they slide
        depth = result.depth(row)
        v, u = np.nonzero(depth)
        pixels = np.stack([u + 0.5, v + 0.5], axis=-1)
        pose = result.world_from_camera[row]
        world = unproject(pixels, depth[v, u], result.depth_intrinsics(row)) @ pose[:3, :3].T + pose[:3, 3]
        seen = (world - pose[:3, 3]) @ pose[:3, :3]
        np.testing.assert_allclose(project(seen, result.intrinsics[row]), pixels, atol=0.01)


@pytest.mark.slow
def test_two_runs_give_the_same_bytes(long: Path, tmp_path: Path) -> None:
    first, second = long, street(tmp_path / "run", 45)
    names = ["trajectory.tum", "trajectory.kitti", "camera_poses.txt", "cloud.ply", "scene.json", "overview.png"]
    names += [f"{folder}/{path.name}" for folder in ("windows", "cloud") for path in (first / folder).iterdir()]
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    journals = [[json.loads(line) for line in (run / "journal.jsonl").open()] for run in (first, second)]
    for entry in (*journals[0], *journals[1]):
        entry.pop("time")
    assert journals[0] == journals[1]


class ManyAtOnce(StandIn):
    in_flight = 3
    most = now = 0

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        self.now += 1
        self.most = max(self.most, self.now)
        geometry = super().predict(frames)
        self.now -= 1
        return geometry


@pytest.mark.slow
def test_windows_in_flight_change_nothing(long: Path, tmp_path: Path) -> None:
    settings = Settings.build({"windows": WINDOWS, "scale": NO_ROAD})
    many = pipeline.run(pictures(45), tmp_path / "many", settings, ManyAtOnce())
    assert (long / "trajectory.tum").read_bytes() == (many / "trajectory.tum").read_bytes()


@pytest.mark.slow
def test_a_failed_window_costs_its_own_frames_only(tmp_path: Path) -> None:
    def spoil(first: int, geometry: WindowGeometry) -> WindowGeometry:
        return replace(geometry, status=Status.FAILED) if first == 16 else geometry

    result = Reconstruction(street(tmp_path / "run", 45, spoil))
    known = result.segments >= 0
    assert result.status["windows_failed"] == 1 and result.status["state"] == "finished"
    assert known[:20].all() and not known[20:26].any() and known[26:].all()
    assert result.status["segments"] == 2 and set(result.frame_status[20:26]) == {"FAILED"}
    np.testing.assert_allclose(result.world_from_camera[:18], truth(18), atol=2e-5)


@pytest.mark.slow
def test_a_window_at_which_the_predictor_raises_is_journaled_and_left_out(tmp_path: Path) -> None:
    def raise_in_the_middle(first: int, geometry: WindowGeometry) -> WindowGeometry:
        if first == 16:
            raise ZeroDivisionError("nothing to divide by")
        return geometry

    run = street(tmp_path / "run", 45, raise_in_the_middle)
    (window,) = [event for event in events(run, "window") if event["status"] == "FAILED"]
    assert window["notes"] == ["ZeroDivisionError: nothing to divide by"] and window["frames"] == [16, 27]
    assert "Traceback" in (run / "log.txt").read_text()
    assert json.loads((run / "run.json").read_text())["state"] == "finished"


@pytest.mark.slow
def test_the_first_window_may_fail(tmp_path: Path) -> None:
    def spoil(first: int, geometry: WindowGeometry) -> WindowGeometry:
        return replace(geometry, status=Status.FAILED) if first == 0 else geometry

    result = Reconstruction(street(tmp_path / "run", 28, spoil))
    assert result.status["segments"] == 1 and set(result.segments[10:].tolist()) == {0}
    assert np.isnan(result.world_from_camera[:10]).all()
    eighth = np.linalg.inv(world_from_camera(8)) @ truth(28)[10:]  # the first one that the second window knows
    unit = 1.0 + 0.1 * (8 % 7)
    eighth[:, :3, 3] /= unit
    np.testing.assert_allclose(result.world_from_camera[10:], eighth, atol=2e-5)


def test_nothing_but_failures_is_still_a_run(tmp_path: Path) -> None:
    run = street(tmp_path / "run", 28, lambda first, geometry: replace(geometry, status=Status.FAILED))
    result = Reconstruction(run)
    assert result.status["state"] == "finished" and np.isnan(result.world_from_camera).all()
    assert len(result.points()[0]) == 0 and len(np.loadtxt(run / "trajectory.tum")) == 28


def test_frames_without_a_pose_inside_a_window_stay_unknown(tmp_path: Path) -> None:
    result = Reconstruction(street(tmp_path / "run", 12, lambda first, geometry: lost_rows(geometry, slice(4, 6))))
    assert np.isnan(result.world_from_camera[4:6]).all() and np.isfinite(result.world_from_camera[6:]).all()


def in_other_units(geometry: WindowGeometry, row: int) -> WindowGeometry:
    """A break before `row`, and everything from there on twice as large and elsewhere."""
    poses, depth = geometry.window_from_camera.copy(), geometry.depth.copy()
    poses[row:, :3, 3] = 2 * poses[row:, :3, 3] + 5
    depth[row:] *= 2
    return replace(geometry, window_from_camera=poses, depth=depth, breaks=(row,))


@pytest.mark.slow
def test_a_break_begins_a_segment_and_the_next_window_joins_it(tmp_path: Path) -> None:
    def broken(first: int, geometry: WindowGeometry) -> WindowGeometry:
        return in_other_units(geometry, 6) if first == 0 else geometry

    run = street(tmp_path / "run", 20, broken, windows={"size": 12, "overlap": 8})
    result = Reconstruction(run)
    assert len(events(run, "segment")) == 2 and len(events(run, "segments joined")) == 1
    np.testing.assert_allclose(result.world_from_camera, truth(20), atol=1e-4)


@pytest.mark.slow
def test_a_break_in_no_overlap_leaves_two_segments(tmp_path: Path) -> None:
    def broken(first: int, geometry: WindowGeometry) -> WindowGeometry:
        return in_other_units(geometry, 6) if first == 8 else geometry

    run = street(tmp_path / "run", 28, broken)
    result = Reconstruction(run)
    assert result.status["segments"] == 2 and np.isfinite(result.world_from_camera).all()
    first = result.segments == 0
    np.testing.assert_allclose(result.world_from_camera[first], truth(28)[first], atol=2e-5)
    second = np.flatnonzero(~first)
    assert second[0] == 14
    step = result.world_from_camera[second[0], :3, 3] - result.world_from_camera[second[0] - 1, :3, 3]
    np.testing.assert_allclose(step, 0, atol=1e-9)  # it goes on where the camera was last known


@pytest.mark.slow
def test_a_stop_keeps_the_scale(tmp_path: Path) -> None:
    """Drive 20 frames, stand for 30, drive on: no window sees depth on both sides of the stop."""
    result = Reconstruction(
        pipeline.run(pictures(70), tmp_path / "run", Settings.build({"windows": WINDOWS, "scale": NO_ROAD}), Stopping())
    )
    expected = np.stack([world_from_camera(Stopping.place(i)) for i in range(70)])
    assert result.status["segments"] == 1 and "HELD" in result.frame_status
    np.testing.assert_allclose(result.world_from_camera[:, :3, 3], expected[:, :3, 3], rtol=0.01, atol=0.05)


class Stopping(StandIn):
    """Frames 20 to 49 stand: no depth there; windows all of such frames are HELD."""

    @staticmethod
    def place(index: int) -> int:
        return index if index < 20 else max(20, index - 29)

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        moved = [replace(frame, index=self.place(frame.index)) for frame in frames]
        geometry = super().predict(moved)
        standing = np.array([20 < frame.index < 49 for frame in frames])
        depth = np.where(standing[:, None, None], 0, geometry.depth)
        status = Status.HELD if standing.all() else Status.OK
        indices = np.array([frame.index for frame in frames])
        return replace(geometry, frame_indices=indices, depth=depth.astype(np.float32), status=status)


class Minimal:
    """The least that a predictor may be."""

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        return StandIn().predict(frames)


@pytest.mark.slow
def test_reconstruct_takes_any_iterable_and_any_predictor(tmp_path: Path) -> None:
    settings = Settings.build({"windows": WINDOWS, "scale": NO_ROAD})
    result = reconstruct(iter(pictures(20)), str(tmp_path / "run"), settings=settings, predictor=Minimal())
    np.testing.assert_allclose(result.world_from_camera, truth(20), atol=2e-5)
    np.testing.assert_allclose(result.intrinsics, np.tile(intrinsics(), (20, 1, 1)))
    assert result.status["model"]["name"] == "Minimal"


@pytest.mark.slow
def test_windows_are_by_default_those_of_the_predictor(tmp_path: Path) -> None:
    predictor = StandIn()
    predictor.window_size, predictor.window_overlap = 10, 3  # type: ignore[attr-defined]
    run = pipeline.run(pictures(20), tmp_path / "run", Settings(), predictor)
    assert events(run, "window")[0]["count"] == 10
    with pytest.raises(SettingsError, match=r"windows.overlap \(12\) must be below windows.size \(10\)"):
        pipeline.run(pictures(20), tmp_path / "b", Settings.build({"windows": {"overlap": 12}}), predictor)


@pytest.mark.slow
def test_a_broken_contract_ends_the_run_and_says_so(tmp_path: Path) -> None:
    def broken(first: int, geometry: WindowGeometry) -> WindowGeometry:
        return replace(geometry, frame_indices=geometry.frame_indices + 1) if first == 16 else geometry

    with pytest.raises(RunError, match="other frame_indices") as caught:
        street(tmp_path / "run", 45, broken)
    assert isinstance(caught.value.__cause__, PredictorError)
    result = Reconstruction(tmp_path / "run")
    assert result.status["state"] == "failed" and len(result) == 18
    np.testing.assert_allclose(result.world_from_camera, truth(18), atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit(143)])
def test_an_interrupted_run_keeps_what_was_placed(tmp_path: Path, stop: BaseException) -> None:
    def frames():  # type: ignore[no-untyped-def]
        yield from pictures(30 + AHEAD)  # those ahead only tell the masks of the first 30
        raise stop

    settings = Settings.build({"windows": WINDOWS, "scale": NO_ROAD})
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        pipeline.run(frames(), tmp_path / "run", settings, StandIn())
    result = Reconstruction(tmp_path / "run")
    assert result.status["state"] == "interrupted" and len(result) == 26
    assert len(result.points()[0]) > 0 and (tmp_path / "run" / "report.html").exists()
    np.testing.assert_allclose(read_tum(tmp_path / "run" / "trajectory.tum").world_from_camera, truth(26), atol=2e-5)


def test_a_bug_in_the_report_costs_the_report_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("da3_stream.session.lifecycle.write_report", lambda run: {}["bug"])
    run = street(tmp_path / "run", 12)
    assert json.loads((run / "run.json").read_text())["state"] == "finished"
    assert "report.html could not be written" in (run / "log.txt").read_text() and not (run / "report.html").exists()


def test_a_directory_that_holds_a_run_is_refused_and_left_alone(tmp_path: Path) -> None:
    run = street(tmp_path / "run", 12)
    before = (run / "trajectory.tum").read_bytes()
    with pytest.raises(StoreError, match="already holds a run of another input"):
        street(tmp_path / "run", 5)
    assert (run / "trajectory.tum").read_bytes() == before


@pytest.mark.slow
def test_a_scale_gives_metres(short: Path, tmp_path: Path) -> None:
    a, b = Reconstruction(short), Reconstruction(street(tmp_path / "run", 28, scale={"factor": 2.5}))
    np.testing.assert_allclose(b.world_from_camera[:, :3, 3], 2.5 * a.world_from_camera[:, :3, 3], atol=1e-9)
    assert b.units == "metres" and a.units == "relative"
    np.testing.assert_allclose(b.points()[0].max(), 2.5 * a.points()[0].max(), rtol=0.02)


@pytest.mark.slow
def test_a_path_length_gives_metres_at_the_end(tmp_path: Path) -> None:
    result = Reconstruction(street(tmp_path / "run", 28, scale={"path_length_m": 100.0}))
    steps = np.linalg.norm(np.diff(result.world_from_camera[:, :3, 3], axis=0), axis=1)
    assert result.units == "metres" and result.status["units"] == "metres"
    assert steps.sum() == pytest.approx(100.0)


@pytest.mark.slow
def test_voxels_in_metres_need_metres(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cloud.voxel, a share of the median depth"):
        street(tmp_path / "run", 12, cloud={"voxel_m": 0.1})
    assert not (tmp_path / "run").exists()
    run = street(tmp_path / "run", 12, cloud={"voxel_m": 0.5}, scale={"factor": 1.0})
    as_fine_as_the_voxel = street(tmp_path / "b", 12, cloud={"per_pixel": None})
    assert len(Reconstruction(run).points()[0]) < len(Reconstruction(as_fine_as_the_voxel).points()[0])


@pytest.mark.slow
def test_skipped_frames_are_counted_named_and_journaled(tmp_path: Path) -> None:
    frames: list = pictures(28)
    frames[5] = "no picture"
    settings = Settings.build({"windows": WINDOWS, "scale": NO_ROAD})
    run = pipeline.run(frames, tmp_path / "run", settings, StandIn())
    status = json.loads((run / "run.json").read_text())
    assert status["skipped"] == 1 and status["frames"] == 27 and 5 not in status["source_indices"]
    assert status["skipped_frames"][0]["index"] == 5 and events(run, "skipped")[0]["name"] == "array_000005"


@pytest.mark.slow
def test_the_preview_is_renewed_while_it_runs(tmp_path: Path) -> None:
    run = street(tmp_path / "run", 45, cloud={"preview_every": 2, "preview_points": 1000})
    assert [event["windows"] for event in events(run, "preview")] == [1, 2, 4, 6]
    assert all(0 < event["points"] <= 1000 for event in events(run, "preview"))


@pytest.mark.slow
def test_the_sky_is_kept_with_the_frames_and_left_out_of_the_cloud(tmp_path: Path) -> None:
    def upper_half(first: int, geometry: WindowGeometry) -> WindowGeometry:
        sky = np.zeros(geometry.depth.shape, np.bool_)
        sky[:, : SIZE[1] // 2] = True
        return replace(geometry, sky=sky)

    result = Reconstruction(street(tmp_path / "run", 13, upper_half, cloud={"per_pixel": None}))
    assert all((sky := result.sky(row)) is not None and sky[:16].all() and not sky[16:].any() for row in range(13))
    assert Reconstruction(street(tmp_path / "bare", 13)).sky(5) is None
    for page in result.pages():
        pose, k = result.world_from_camera[page.frame], result.depth_intrinsics(0)
        seen = np.einsum("nji,nj->ni", pose[:, :3, :3], page.xyz - pose[:, :3, 3])
        assert len(page) > 100 and (project(seen, k)[:, 1] > 16).all()
