"""The command line: what it says, where it writes, how it ends."""

from __future__ import annotations

import csv
import errno
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from da3_stream import pipeline
from da3_stream.cli import console
from da3_stream.cli.ending import ending
from da3_stream.predictors import sfm
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import Run, create_run, read_tree, write_tree
from da3_stream.types import Advice, AdviceCode, Status
from tests.worlds.street import street_run, world_from_camera
from tests.worlds.street_predictor import StandIn


@pytest.mark.slow
def test_options_win_over_assignments_and_these_over_presets(call: Callable, folder: str, stand_in: None) -> None:
    words = ["--config", "low_vram", "--set", "windows.size=14", "--set", "cloud.max_points=70", "--max-points", "50"]
    status, _, _ = call("run", folder, "-o", "out", *words, "--every", "1", "--intrinsics", "40 41 24 14.5")
    told = json.loads(Path("out/run.json").read_text())["settings"]
    assert status == 0
    assert (told["windows"]["size"], told["windows"]["overlap"]) == (14, 8) and told["cloud"]["max_points"] == 50
    assert told["camera"]["intrinsics"]["params"] == [40, 41, 24.5, 15] and told["model"]["resolution"] == 416


def test_masks_are_given_one_by_one(call: Callable, folder: str) -> None:
    import cv2

    image = cv2.imread(f"{folder}/0.png")
    for name in ("a.png", "b.png"):
        image[: len(image) // 4 if name == "a.png" else len(image) // 2] = 0
        cv2.imwrite(name, image)
    status, out, _ = call("run", folder, "--list", "--mask", "off", "--mask", "a.png", "--mask", "b.png")
    assert status == 0 and "masks leave out 50% of the first picture" in out
    status, out, err = call("run", folder, "--list", "--mask", "gone.png")
    assert status == 2 and "there is no mask" in err
    status, out, err = call("run", folder, "--list", "--mask", "off", "--mask", "auto")
    assert status == 2 and "auto and off contradict each other" in err


@pytest.mark.parametrize(
    "words", [("info", "run"), ("export", "run", "--format", "tum"), ("eval", "run", "--groundtruth", "t.txt")]
)
def test_a_run_of_an_unknown_layout_is_refused_by_every_command(call: Callable, tmp_path: Path, words: tuple) -> None:
    run = street_run(tmp_path / "run")
    run.write_status({**run.read_status(), "layout": 2})
    (tmp_path / "t.txt").write_text("1 0 0 0 0 1 0 0 0 0 1 0\n" * 28)
    status, _, err = call(*words)
    assert status == 2 and "has layout 2, and this version of the program knows layout 1 only" in " ".join(err.split())


@pytest.mark.slow
def test_a_checkpoint_of_an_older_version_ends_with_status_2(call: Callable, folder: str, stand_in: None) -> None:
    words = ("run", folder, "-o", "out", "--set", "windows.size=14")
    call(*words)
    run = Run(Path("out"))
    latest = read_tree(run.latest_path)
    latest.pop("version")
    write_tree(run.latest_path, latest)
    run.write_status({**run.read_status(), "state": "interrupted"})
    status, _, err = call(*words)
    assert status == 2 and "another version of this program began it; finish it with" in " ".join(err.split())
    assert call(*words, "--overwrite")[0] == 0


@pytest.mark.slow
def test_the_run_says_model_directory_and_result(call: Callable, folder: str, stand_in: None) -> None:
    _, out, err = call("run", folder)
    assert "model: sfm (auto: no Depth Anything 3 model is on this machine;" in out
    assert "run directory: runs/drive" in out and Path("runs/drive/run.json").exists()
    assert "28 of 28 frames placed in 1 segment" in out
    assert "28/28" in err and "frame/s" in err  # the bar


def spoilt(monkeypatch: pytest.MonkeyPatch, **fields: object) -> None:
    """The stand-in in the place of sfm, with other fields of every window."""
    spoil = StandIn(lambda first, geometry: replace(geometry, **fields))  # type: ignore[arg-type]
    monkeypatch.setattr(sfm, "SfmPredictor", lambda **_: spoil)


@pytest.mark.slow
def test_a_run_that_places_nothing_ends_with_3_and_the_reason(
    call: Callable, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt(monkeypatch, status=Status.FAILED, notes=("no two frames could be related",))
    why = "no frame could be placed: 28 frames in a window that failed (no two frames could be related); images need"
    for _ in range(2):  # a finished run is told again
        status, _, err = call("run", folder, "-o", "out", "-q")
        assert status == 3 and err.startswith(f"error: {why}") and len(err.splitlines()) == 1
    status, out, err = call("run", folder, "-o", "again", "--allow-empty", "--export", "tum")
    assert status == 0 and "trust: not everywhere, 0 % of the poses" in out and f"WARNING: {why}" in err
    assert Path("again/export/trajectory.tum").exists()


@pytest.mark.slow
def test_two_frames_and_a_standing_camera_end_with_0(
    call: Callable, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt(monkeypatch, status=Status.FAILED)
    assert call("run", folder, "-o", "two", "--max-frames", "2")[0] == 0
    still = {"window_from_camera": np.tile(np.eye(4), (28, 1, 1)), "depth": np.zeros((28, 32, 48), np.float32)}
    spoilt(monkeypatch, status=Status.HELD, **still)
    status, out, _ = call("run", folder, "-o", "still")
    assert status == 0 and "  0:00–0:01 (frames 0–27) the camera stands" in out


@pytest.mark.slow
def test_the_run_says_where_it_is_not_to_be_trusted_and_why(
    call: Callable, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoom = Advice(AdviceCode.LENS_CHANGED, "the focal length changed; give one for each part", 24, 27)
    found = Advice(AdviceCode.STATIC_MASK, "a bonnet was left out", 0, 27)
    spoilt(monkeypatch, advice=(zoom, found))
    status, out, _ = call("run", folder, "-o", "out", "--fps", "1", "--set", "frames.default_fps=1")
    assumed = "the pictures carry no times: 1 a second are assumed (--times FILE gives them)"
    assert status == 0 and out.splitlines()[-4:] == [
        "trust: not everywhere, 100 % of the poses are believed (confidence 0.5 and more)",
        "  0:24–0:27 (frames 24–27) not to be trusted: the focal length changed; give one for each part",
        f"  input: {assumed}",
        "  0:00–0:27 (frames 0–27) a bonnet was left out",
    ]
    told = json.loads(Path("out/run.json").read_text())
    assert told["trust"]["stretches"] == [{"from_s": 24, "to_s": 27, "code": "lens_changed", "text": zoom.text}]
    assert told["advice"] == [
        {"from_s": 0, "to_s": 27, "code": "input_times", "text": assumed},
        {"from_s": 0, "to_s": 27, "code": "static_mask", "text": found.text},
    ]
    page = Path("out/report.html").read_text()
    assert "0:24–0:27 (frames 24–27)" in page and "a bonnet was left out" in page
    assert call("info", "out", "--all")[1].startswith("\n".join(out.splitlines()[-4:]))


@pytest.mark.slow
def test_frames_csv_names_every_picture(call: Callable, folder: str, stand_in: None) -> None:
    call("run", "drive", "-o", "out", "-q", "--every", "3")
    with open("out/frames.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["row"], row["source"], row["source_index"]) for row in rows] == [
        (str(k), f"drive/{3 * k}.png", "0") for k in range(10)
    ]
    run = Reconstruction("out")
    assert {(row["status"], row["segment"]) for row in rows} == {("OK", "0")}
    np.testing.assert_allclose([float(row["confidence"]) for row in rows], run.pose_confidence, rtol=1e-6)


@pytest.mark.slow
def test_quiet_says_nothing(call: Callable, folder: str, stand_in: None) -> None:
    assert call("run", folder, "-q") == (0, "", "")


@pytest.mark.slow
def test_verbose_tells_every_window(call: Callable, folder: str, stand_in: None) -> None:
    _, _, err = call("run", folder, "-v", "--set", "windows.size=12", "--set", "windows.overlap=4")
    assert err.count("INFO: window:") == 3


@pytest.mark.slow
def test_a_finished_run_says_so_and_is_left_alone(call: Callable, folder: str, stand_in: None) -> None:
    call("run", folder, "-o", "out", "-q")
    before = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    status, _, err = call("run", folder, "-o", "out")
    assert status == 0 and "out holds this run, finished: there is nothing to do" in err
    assert {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_another_input_is_refused(call: Callable, folder: str, stand_in: None) -> None:
    call("run", folder, "-o", "out", "-q")
    status, _, err = call("run", folder, "-o", "out", "-q", "--start", "0.1")
    assert status == 2 and len(err.splitlines()) == 1
    assert err.startswith("error: out already holds a run of another input") and "--overwrite to replace it" in err


def test_a_short_disk_is_refused(call: Callable, folder: str, stand_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**6))
    status, _, err = call("run", folder, "-o", "out", "-q")
    assert status == 2 and err.startswith("error: the disk of out is short: the first window may take ")
    assert len(err.splitlines()) == 1 and not Path("out/run.json").exists()


@pytest.mark.slow
def test_it_says_what_it_will_take(call: Callable, folder: str, stand_in: None) -> None:
    words = ["--set", "windows.size=10", "--set", "windows.overlap=4"]
    _, _, err = call("run", folder, "-o", "out", *words)
    assert "to do: 28 frames in 4 windows, at most 1 MB of disk (" in err
    assert "frames a second: about " in err


@pytest.mark.parametrize(
    ("given", "name"),
    [("drive.mp4", "drive"), ("a/b/", "b"), ("shots/*.jpg", "shots"), ("shots/img_[0-9].png", "shots"), ("/", "run")],
)
def test_the_default_directory_is_named_after_the_input(given: str, name: str) -> None:
    assert console.default_out([given, "other"]) == Path("runs") / name


def test_ctrl_c_ends_with_130_and_says_where_things_are(
    call: Callable, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "reconstruct", interrupted)
    status, _, err = call("run", folder, "-o", "out", "-q")
    assert status == 130 and "interrupted; what was placed until then is in out" in err
    assert json.loads(Path("out/run.json").read_text())["state"] == "interrupted"


def test_a_failure_inside_ends_with_1_one_sentence_and_the_traceback_in_the_log(
    call: Callable, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "out/windows/000000.npz")

    monkeypatch.setattr(pipeline, "reconstruct", broken)
    status, _, err = call("run", folder, "-o", "out", "-q")
    assert status == 1
    assert err.startswith("error: the run broke off: no space left on device (out/windows/000000.npz)")
    assert len(err.splitlines()) == 1
    assert json.loads(Path("out/run.json").read_text())["state"] == "failed"
    assert "Traceback" in Path("out/log.txt").read_text()


def test_a_bug_ends_with_1_and_one_sentence(call: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from da3_stream import report

    monkeypatch.setattr(report, "info", lambda _: {}["key"])
    status, _, err = call("info", str(tmp_path), "--all")
    assert status == 1 and err == "error: KeyError: 'key' (this is a bug: -v shows where)\n"
    assert "Traceback" in call("info", str(tmp_path), "--all", "-v")[2]


def test_the_console_leaves_no_handler_behind(call: Callable, tmp_path: Path) -> None:
    call("info", str(tmp_path))
    assert logging.getLogger("da3_stream").handlers == []


def test_info_tells_people_and_programs(call: Callable, tmp_path: Path) -> None:
    street_run(tmp_path / "run")
    status, text, _ = call("info", "run")
    assert status == 0 and "frames   28 of 28 placed in 1 segment" in text and "\x1b" not in text
    status, text, _ = call("info", "run", "--all")
    assert status == 0 and "placed" in text and "frame_status.OK" in text
    facts = json.loads(call("info", "run", "--json")[1])
    assert facts["frames"] == 28 and facts["placed"] == 28


@pytest.mark.slow
def test_eval_prints_a_summary_and_writes_json_and_picture(call: Callable, tmp_path: Path) -> None:
    street_run(tmp_path / "run")
    truth = tmp_path / "truth.txt"
    np.savetxt(truth, np.stack([world_from_camera(i)[:3].ravel() for i in range(28)]))
    status, text, _ = call("eval", "run", "--groundtruth", str(truth), "--format", "kitti")
    assert status == 0 and "ATE" in text and Path("run/evaluation.png").stat().st_size > 0
    result = json.loads(Path("run/evaluation.json").read_text())
    for key in ("frames", "path_length_m", "ate_rmse_m", "ate_percent", "rpe_trans_percent", "rpe_rot_deg_per_m"):
        assert key in result
    assert result["segments"] == 1 and result["coverage"] == 1 and result["scale"] == pytest.approx(1, abs=1e-6)
    call("eval", "run", "--groundtruth", str(truth), "--json", "mine.json", "--plot", "mine.png")
    assert json.loads(Path("mine.json").read_text()) == result and Path("mine.png").exists()


@pytest.mark.parametrize("frames", [0, 2])
@pytest.mark.parametrize("format", ["kitti", "tum"])
def test_eval_of_a_run_without_a_placed_frame_ends_with_2_and_one_sentence(
    call: Callable, tmp_path: Path, frames: int, format: str
) -> None:
    run = create_run(tmp_path / "run")
    if frames:
        run.write_status({"state": "running", "source_indices": [0, 1], "timestamps": [0.0, 0.1]})
    row = {"kitti": "1 0 0 {} 0 1 0 0 0 0 1 0\n", "tum": "{} 0 0 0 0 0 0 1\n"}[format]
    (tmp_path / "truth.txt").write_text("".join(row.format(k / 10) for k in range(3)))
    status, _, error = call("eval", "run", "--groundtruth", "truth.txt", "--format", format)
    assert status == 2 and "bug" not in error and len(error.strip().splitlines()) == 1
    assert ("no frames" if not frames else "no segment of the run has 3 frames") in error


@pytest.mark.slow
def test_align_prints_the_matrix_and_how_sure_it_is(call: Callable, tmp_path: Path) -> None:
    import trimesh

    floor = np.random.default_rng(0).uniform([-1, 1.5, -1], [1, 1.5, 1], (500, 3))  # y points down
    above = np.random.default_rng(1).uniform([-0.2, 0.5, -0.2], [0.2, 1.2, 0.2], (200, 3))
    trimesh.PointCloud(np.concatenate([floor, above])).export(tmp_path / "in.ply")
    status, text, _ = call("align", "in.ply", "-o", "out.ply", "--crop", "box:-2,-2,0.1,2,2,2")
    matrix = np.loadtxt(tmp_path / "out.ply.matrix.txt")
    assert status == 0 and text.startswith("out.ply: 200 points, cropped to box:-2,-2,0.1,2,2,2, z up")
    assert "degrees (sigma), its sign" in text
    np.testing.assert_array_equal(np.loadtxt(text.splitlines()[-4:]), matrix)
    np.testing.assert_allclose(matrix[2], [0, -1, 0, 1.5], atol=1e-6)
    status, _, error = call("align", "in.ply", "-o", "out.ply")
    assert status == 2 and "out.ply exists already" in error
    status, _, error = call("align", "in.ply", "-o", "object.ply", "--crop", "object")
    assert status == 2 and "no cameras are known of in.ply" in error


def test_weights_are_listed(call: Callable) -> None:
    status, text, _ = call("weights", "list")
    assert status == 0 and "depth-anything/DA3-SMALL" in text and "CC-BY-NC-4.0" in text


def test_python_m_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "da3_stream", "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "Usage: da3-stream" in done.stdout


@pytest.mark.slow
def test_the_demo_drives_round_the_town_and_names_everything(call: Callable) -> None:
    status, out, err = call("demo", "--frames", "16")
    assert status == 0 and "rendering the town" in err
    result, *_, line = out.strip().splitlines()
    assert result.startswith("16 of 16 frames placed")
    for name in ("runs/demo/run/cloud.ply", "runs/demo/run/trajectory.tum", "runs/demo/run/report.html"):
        assert name in line and Path(name).exists()
    assert line.endswith("da3-stream view runs/demo/run")
    assert "error against the town's truth" in line


def test_the_help_of_export_names_every_format_and_its_options(call: Callable) -> None:
    from da3_stream.export.formats import FORMATS

    status, text, _ = call("export", "--help")
    assert status == 0 and all(f"{name}: {row.what}" in text for name, row in FORMATS.items())
    assert "png_scale" in text and "--every" in text


@pytest.mark.slow
def test_a_run_is_exported_where_it_is_or_where_it_is_wanted(call: Callable, tmp_path: Path) -> None:
    street_run(tmp_path / "run")
    status, out, err = call("export", "run", "--format", "tum", "--frames", "4:20", "--every", "3")
    assert (status, out, err) == (0, "run/export/trajectory.tum: 6 frames\n", "")
    assert np.loadtxt("run/export/trajectory.tum").shape == (6, 8)
    status, _, err = call("export", "run", "--format", "tum")
    assert status == 2 and err.startswith("error: run/export/trajectory.tum exists already") and "--overwrite" in err
    assert call("export", "run", "--format", "tum", "--overwrite")[1].endswith(": 28 frames\n")
    status, out, _ = call("export", "run", "--format", "depth", "-o", "maps", "--set", "encoding=npy")
    assert status == 0 and out == "maps: 28 depth maps\n"
    np.testing.assert_array_equal(np.load("maps/depth/000003.npy"), Reconstruction("run").depth(3))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "vhs"], "there is no export format 'vhs': choose one of tum, kitti, "),
        (["--format", "tum", "--resolution", "input"], "tum has no option 'resolution': it has frames, every"),
        (["--format", "tum", "--frames", "9"], "option frames of tum: expected A:B with whole numbers"),
        (["--format", "tum", "--frames", "9:3"], "frames 9:3 holds none: B must be above A"),
        (["--format", "tum", "--every", "0"], "option every of tum: "),
        (["--format", "tum", "--frames", "28:"], "--frames 28: holds no frame of run, which has 0 to 27"),
        (["--format", "depth", "--set", "encoding"], "'encoding' is no option: expected OPTION=VALUE"),
        (["--format", "depth", "--set", "encoding=["], "'[' is no value for encoding: expected one as YAML has them"),
        (["--format", "depth", "--set", "encoding=jpg"], "option encoding of depth: "),
        (["--format", "gpx"], "the map is not located: scene.json of run has no georeference"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(call: Callable, tmp_path: Path, words: list[str], said: str) -> None:
    street_run(tmp_path / "run")
    status, out, err = call("export", "run", *words)
    assert (status, out) == (2, "") and err.startswith(f"error: {said}") and len(err.splitlines()) == 1


def test_a_map_that_was_located_by_hand_is_exported(call: Callable, tmp_path: Path) -> None:
    import gpxpy

    street_run(tmp_path / "run")
    scene = json.loads(Path("run/scene.json").read_text())
    place = {"scale": 1, "rotation": [[1, 0, 0], [0, 0, 1], [0, -1, 0]], "translation": [500000, 5300000, 700]}
    scene["georeference"] = {"crs": "EPSG:32632", "geographic_from_world": place}
    Path("run/scene.json").write_text(json.dumps(scene))
    words = ["--altitude", "ellipsoid", "--set", "start_time=2026-05-01T09:30:00Z"]
    status, out, _ = call("export", "run", "--format", "gpx", *words)
    said = "28 places in 1 segment; heights are over the WGS84 ellipsoid, not over the sea"
    assert status == 0 and out == f"run/export/path.gpx: {said}\n"
    first = gpxpy.parse(Path("run/export/path.gpx").read_text()).tracks[0].segments[0].points[0]
    # the middle of zone 32; the latitude by Snyder's series for the distance 5300000 m / 0.9996 from the equator
    assert (first.longitude, first.latitude) == pytest.approx((9.0, 47.853341946), abs=1e-7)
    assert first.elevation == 700 and first.time.isoformat() == "2026-05-01T09:30:00+00:00"


@pytest.mark.slow
def test_a_run_exports_at_its_end_and_again(call: Callable, folder: str, stand_in: None) -> None:
    words = ["run", folder, "-o", "out", "--export", "tum", "--export", "depth_vis"]
    status, out, _ = call(*words)
    assert status == 0 and "out/export/trajectory.tum: 28 frames" in out and "out/export/depth_vis: 28 pictures" in out
    assert len(list(Path("out/export/depth_vis").glob("*.jpg"))) == 28
    Path("out/export/trajectory.tum").write_text("of yesterday")
    assert call(*words, "-q") == (0, "", "")
    assert np.loadtxt("out/export/trajectory.tum").shape == (28, 8)


def test_an_unknown_export_is_refused_before_the_run(call: Callable, folder: str, stand_in: None) -> None:
    status, _, err = call("run", folder, "-o", "out", "--export", "tum", "--export", "vhs")
    assert status == 2 and err.startswith("error: there is no export format 'vhs'") and not Path("out").exists()


@pytest.mark.slow
def test_an_export_that_fails_leaves_the_run_as_it_is(call: Callable, folder: str, stand_in: None) -> None:
    status, out, err = call("run", folder, "-o", "out", "--export", "gpx")
    assert status == 2 and "error: the map is not located" in err and "28 of 28 frames placed" in out
    assert json.loads(Path("out/run.json").read_text())["state"] == "finished" and Path("out/cloud.ply").exists()
    assert not list(Path("out/export").glob("*"))


@pytest.mark.slow
def test_ctrl_c_in_an_export_ends_with_130_and_leaves_no_part_of_it(
    call: Callable, folder: str, stand_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from da3_stream.export.trajectory import files as trajectories

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(trajectories, "write_tum", interrupted)
    status, _, err = call("run", folder, "-o", "out", "-q", "--export", "tum")
    assert status == 130 and "interrupted; what was placed until then is in out" in err
    assert list(Path("out/export").iterdir()) == []
    assert json.loads(Path("out/run.json").read_text())["state"] == "finished"
    status, _, err = call("export", "out", "--format", "tum")
    assert (status, err) == (130, "error: interrupted; nothing was written\n")


@pytest.mark.slow
def test_sigterm_in_an_export_ends_with_143_and_leaves_no_part_of_it(
    call: Callable, folder: str, stand_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from da3_stream.export.trajectory import files as trajectories

    def terminated(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    assert call("run", folder, "-o", "out", "-q")[0] == 0
    monkeypatch.setattr(trajectories, "write_tum", terminated)
    assert call("export", "out", "--format", "tum")[0] == 143
    assert list(Path("out/export").iterdir()) == []


def test_a_full_disk_behind_standard_output_is_no_bug():
    told = ending(OSError(errno.ENOSPC, "No space left on device"))
    assert told.status == 2 and "this is a bug" not in str(told.message)


@pytest.mark.slow
def test_names_that_are_no_utf_8_are_kept(call: Callable, folder: str, stand_in: None) -> None:
    named = os.path.join(os.path.dirname(folder), os.fsdecode(b"dr\xefve"))
    os.rename(folder, named)
    status, out, err = call("run", named, "--max-frames", "12", "-v")
    assert status == 0 and "12 of 12 frames placed" in out and "Error" not in err
    (run,) = Path("runs").iterdir()
    assert Run(run).read_input_paths()[0].startswith(named)
    with open(run / "frames.csv", newline="", errors="surrogateescape") as file:
        assert next(csv.DictReader(file))["source"].endswith(f"{os.path.basename(named)}/0.png")
    assert call("info", str(run), "--all")[0] == 0
    assert os.fsencode(os.path.basename(named)) in (run / "report.html").read_bytes()
