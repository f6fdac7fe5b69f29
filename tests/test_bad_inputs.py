"""Bad inputs at the command line: each row gives the sentence that it names, or the run that it describes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.cli import main
from tests.worlds.street import street_run

SIZE = (96, 64)


def noise(number: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)


def flat(value: int) -> NDArray[np.uint8]:
    return np.full((SIZE[1], SIZE[0], 3), value, np.uint8)


def write_images(folder: Path, images: list[NDArray[np.uint8]]) -> None:
    folder.mkdir()
    for number, image in enumerate(images):
        cv2.imwrite(str(folder / f"{number:03d}.png"), image)


def write_video(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(12):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise(number), format="rgb24")))
        container.mux(stream.encode(None))


def write_sound(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), format="s16", layout="mono")
        frame.rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of good and bad things."""
    place = tmp_path_factory.mktemp("things")
    write_images(place / "one", [noise(0)])
    write_images(place / "two", [noise(0), noise(0)])
    write_images(place / "black", [flat(0)] * 6)
    write_images(place / "white", [flat(255)] * 6)
    write_images(place / "odd", [noise(2)] * 3 + [noise(1, (64, 64))] + [noise(2)] * 3)
    write_video(place / "good.mp4")
    write_sound(place / "sound.mp4")
    (place / "empty").mkdir()
    (place / "zero.mp4").write_bytes(b"")
    (place / "text.mp4").write_text("This is no video.\n" * 100)
    whole = (place / "good.mp4").read_bytes()
    (place / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (place / "half").mkdir()
    (place / "half" / "config.json").write_text('{"model_name": "da3-small"}')
    (place / "no_model").mkdir()
    for name in ("config.json", "model.safetensors"):
        (place / "no_model" / name).write_text("no checkpoint")
    (place / "file").write_text("in the way")
    (place / "broken.yaml").write_text("windows: [")
    (place / "bad_k.txt").write_text("500 500 48\n")
    (place / "garbage.txt").write_text("no poses here\n")
    (place / "nothing.txt").write_text("")
    street_run(place / "run")
    return place


@dataclass(frozen=True)
class Row:
    """Arguments (`@x` is a thing, `-o` is added), and a part of the sentence."""

    name: str
    arguments: str
    sentence: str


REFUSED = [
    Row("run directory as footage", "run @run -o out", "'@run' is a run directory, not footage"),
    Row("missing file", "run @gone.mp4", "there is no video, image or folder '@gone.mp4': check the path"),
    Row("directory without images", "run @empty", "'@empty' holds no video and no image: looked for"),
    Row("zero bytes", "run @zero.mp4", "'@zero.mp4' is empty (0 bytes): copy or download it again"),
    Row("truncated mp4", "run @cut.mp4", "it was cut off before its index (moov) was written"),
    Row("text renamed to mp4", "run @text.mp4", "'@text.mp4' is not a video file that can be read"),
    Row("audio only", "run @sound.mp4", "'@sound.mp4' has no video stream (only audio)"),
    Row("glob without match", "run @*.jpg", "no file matches '@*.jpg': check the pattern"),
    Row("several bad videos", "run @zero.mp4 @text.mp4", "none of the 2 videos of '@zero.mp4 and 1 more' can be used"),
    Row("stream among several", "run @good.mp4 rtsp://camera/1", "is a stream: give it alone, or files only"),
    Row("address", "run gopher://camera/1", "is an address of a kind that is not read"),
    Row("dead stream", "run http://127.0.0.1:9/a", "'http://127.0.0.1:9/a' cannot be opened as a stream"),
    Row("no camera", "run 97", "camera 97 cannot be opened: check that it is connected"),
    Row("output is a file", "run @good.mp4 -o @file", "@file is a file: give a directory for the run"),
    Row("output below a file", "run @good.mp4 -o @file/run", "cannot create the directory @file/run"),
    Row(
        "output holds a run",
        "run @good.mp4 -o @run",
        "@run already holds a run, of another version of this program: give another directory, or --overwrite",
    ),
    Row("output holds other things", "run @good.mp4 -o @one", "@one is not empty and is not a run"),
    Row("overwriting other things", "run @good.mp4 -o @one --overwrite", "@one is not empty and is not a run"),
    Row(
        "unknown setting",
        "run @good.mp4 --set windows.sise=9",
        "unknown setting 'windows.sise': windows has size, overlap",
    ),
    Row(
        "unknown stage", "run @good.mp4 --set window.size=9", "unknown setting 'window': the stages are frames, camera"
    ),
    Row("wrong type", "run @good.mp4 --set windows.size=many", "setting 'windows.size' cannot be 'many'"),
    Row("no assignment", "run @good.mp4 --set windows.size", "--set takes stage.key=value, such as windows.size=60"),
    Row(
        "overlap is size",
        "run @good.mp4 --set windows.size=9 --set windows.overlap=9",
        "overlap (9) must be below size (9)",
    ),
    Row(
        "overlap above the default size",
        "run @good.mp4 --set windows.overlap=500",
        "windows.overlap (500) must be below",
    ),
    Row("negative fps", "run @good.mp4 --fps -1", "frames.fps: expected auto or a number of frames a second, not '-1'"),
    Row("fps in words", "run @good.mp4 --fps fast", "expected auto or a number of frames a second, not 'fast'"),
    Row("no such gate", "run @good.mp4 --set frames.gate=on", "setting 'frames.gate' cannot be True"),
    Row("zero step", "run @good.mp4 --every 0", "setting 'frames.every' cannot be 0"),
    Row("end before start", "run @good.mp4 --start 5 --end 2", "end (2 s) must lie after start (5 s)"),
    Row("start after the end", "run @good.mp4 --start 50", "has no frame from 50 s: its last one is at 1.100 s"),
    Row("intrinsics of three", "run @good.mp4 --intrinsics 500,500,48", "have 3 numbers: expected four numbers"),
    Row("intrinsics of words", "run @good.mp4 --intrinsics wide", "neither numbers nor a file that exists"),
    Row("bad intrinsics file", "run @good.mp4 --intrinsics @bad_k.txt", "have 3 numbers: expected four numbers"),
    Row("missing intrinsics file", "run @good.mp4 --intrinsics @gone.txt", "neither numbers nor a file that exists"),
    Row(
        "intrinsics of another size",
        "run @good.mp4 --intrinsics 500,500,960,540",
        "lies outside the image of 96x64 pixels",
    ),
    Row(
        "two focal lengths",
        "run @good.mp4 --intrinsics 80,80,48,32 --hfov-deg 60",
        "both set the focal length: give one",
    ),
    Row("impossible angle", "run @good.mp4 --hfov-deg 200", "setting 'camera.hfov_deg' cannot be 200.0"),
    Row("unknown model", "run @good.mp4 --model da9", "there is no model 'da9': choose one of auto, sfm"),
    Row(
        "weights that are not there",
        "run @good.mp4 --model da3-large",
        "'da3-stream weights fetch da3-large' fetches them; --model FOLDER takes a folder with config.json and "
        "model.safetensors, --model sfm needs none",
    ),
    Row("a model of single frames", "run @good.mp4 --model da3metric-large", "gives no poses: choose one of da3-small"),
    Row("another one", "run @good.mp4 --model da3mono-large", "gives no poses: choose one of da3-small"),
    Row("folder without a model", "run @good.mp4 --model @one", "'@one' holds no checkpoint: config.json and model.s"),
    Row("half a model", "run @good.mp4 --model @half", "'@half' holds no checkpoint: model.safetensors must be in it"),
    Row("a file as model", "run @good.mp4 --model @good.mp4", "there is no model '@good.mp4': choose one of auto, sfm"),
    Row("no model at all", "run @good.mp4 --model @no_model", "@no_model/config.json cannot be read"),
    Row("fetching without a network", "weights fetch da3-small", "could not be fetched: HF_HUB_OFFLINE forbids it"),
    Row("fetching what is not there", "weights fetch da4", "no Depth Anything 3 model 'da4': choose one of da3-small"),
    Row("verifying what is not there", "weights verify da3-small", "'da3-stream weights fetch da3-small' fetches it"),
    Row("unknown device", "run @good.mp4 --device toaster", "there is no device 'toaster': choose auto, cpu, cuda"),
    Row(
        "dino without DA3", "run @good.mp4 --model sfm --set loops.descriptor=dino", "loops.descriptor=dino needs a DA3"
    ),
    Row("salad without it", "run @good.mp4 --model sfm --set loops.descriptor=salad", "and loops.salad is None: give"),
    Row("camera under ground", "run @good.mp4 --camera-height -1", "or the camera's height in metres, not"),
    Row("no memory", "run @good.mp4 --vram-gb 0", "setting 'model.vram_gb' cannot be 0"),
    Row("no workers", "run @good.mp4 --workers 0", "setting 'model.workers' cannot be 0"),
    Row("unknown preset", "run @good.mp4 --config submarine", "'submarine' is neither a preset (base, dashcam, drone"),
    Row("broken preset", "run @good.mp4 --config @broken.yaml", "@broken.yaml is not valid YAML"),
    Row("metres without a scale", "run @good.mp4 --voxel-m 0.1", "or use cloud.voxel, a share of the median depth"),
    Row("two scales", "run @good.mp4 --scale 2 --path-length-m 9", "factor and path_length_m both set the scale"),
    Row("negative scale", "run @good.mp4 --scale -2", "setting 'scale.factor' cannot be -2.0"),
    Row(
        "eval of no run",
        "eval @empty --groundtruth @garbage.txt",
        "@empty is not a run directory: it holds no run.json",
    ),
    Row("missing truth", "eval @run --groundtruth @gone.txt", "@gone.txt"),
    Row("garbage truth", "eval @run --groundtruth @garbage.txt", "@garbage.txt"),
    Row("empty truth", "eval @run --groundtruth @nothing.txt", "@nothing.txt holds no poses: expected a TUM or KITTI"),
    Row("info of no run", "info @empty", "@empty is not a run directory: it holds no run.json"),
    Row("info of nothing", "info @gone", "@gone is not a run directory: it holds no run.json"),
    Row("demo too short", "demo --frames 0 -q", "frame"),
]
USAGE = [
    Row("unknown option", "run @good.mp4 --frobnicate", "No such option"),
    Row("unknown command", "reconstruct @good.mp4", "No such command"),
    Row("no input", "run", "Missing argument"),
    Row("text for a number", "run @good.mp4 --every many", "Invalid value for '--every'"),
    Row("unknown format", "eval @run --groundtruth @garbage.txt --format ros", "Invalid value for '--format'"),
    Row("no truth", "eval @run", "Missing option '--groundtruth'"),
]


@pytest.fixture
def call(things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable:
    """The exit status and stderr of a command line; it runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(arguments: str) -> tuple[int, str]:
        words = arguments.replace("@", f"{things}/").split()
        monkeypatch.setattr(sys, "argv", ["da3-stream", *words])
        with pytest.raises(SystemExit) as end:
            main()
            sys.exit(0)
        return int(end.value.code or 0), capfd.readouterr().err

    return call


@pytest.mark.slow
@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_what_cannot_be_is_refused_in_one_sentence(row: Row, call: Callable, things: Path, tmp_path: Path) -> None:
    status, err = call(row.arguments)
    assert status == 2 and "Traceback" not in err
    (line,) = err.strip().splitlines()
    assert line.startswith("error: ") and row.sentence.replace("@", f"{things}/") in line
    assert not list(tmp_path.rglob("run.json"))  # nothing is left behind


@pytest.mark.slow
@pytest.mark.parametrize("row", USAGE, ids=lambda row: row.name)
def test_what_cannot_be_understood_shows_the_usage(row: Row, call: Callable) -> None:
    status, err = call(row.arguments)
    assert status == 2 and "Usage" in err and row.sentence in err and "Traceback" not in err


@pytest.mark.slow
def test_what_was_in_the_way_is_left_alone(call: Callable, things: Path) -> None:
    before = {path: path.read_bytes() for path in (things / "run").rglob("*") if path.is_file()}
    call("run @good.mp4 -o @run")
    assert before == {path: path.read_bytes() for path in (things / "run").rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize(("thing", "frames", "skipped"), [("one", 1, 0), ("two", 2, 0), ("odd", 6, 1)])
def test_what_does_not_move_is_run_with_the_pose_held(thing: str, frames: int, skipped: int, call: Callable) -> None:
    status, err = call(f"run @{thing} -o out --model sfm --workers 1")
    said = "no depth was found, the cloud is empty" if frames > 2 else f"{frames} frames are too few to tell depth"
    assert status == 0 and f"WARNING: {said}" in err and "Traceback" not in err
    told = json.loads(Path("out/run.json").read_text())
    assert (told["state"], told["frames"], told["skipped"], told["segments"]) == ("finished", frames, skipped, 1)
    assert told["windows_by_status"] == {"HELD": 1}
    poses = np.loadtxt("out/trajectory.kitti", ndmin=2)
    np.testing.assert_allclose(poses, np.tile(np.eye(4)[:3].ravel(), (frames, 1)), atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("thing", ["black", "white"])
def test_what_shows_nothing_is_run_without_a_pose_and_says_so(thing: str, call: Callable) -> None:
    status, err = call(f"run @{thing} -o out --model sfm --workers 1")
    assert status == 3 and "Traceback" not in err
    assert "error: no frame could be placed: 4 frames blank (dark, overexposed or covered), 2 frames in a " in err
    told = json.loads(Path("out/run.json").read_text())
    assert (told["state"], told["frames"], told["segments"]) == ("finished", 6, 0)
    assert told["windows_by_status"] == {"FAILED": 1}
    assert np.isnan(np.loadtxt("out/trajectory.kitti")).all()


@pytest.mark.slow
def test_a_frame_of_another_size_is_named(call: Callable) -> None:
    _, err = call("run @odd -o out --model sfm --workers 1")
    assert "WARNING: 1 frames were skipped, " in err and "differs from the run's 96x64) the first" in err
    (skipped,) = json.loads(Path("out/run.json").read_text())["skipped_frames"]
    assert skipped["index"] == 3 and "size 64x64 differs from the run's 96x64" in skipped["reason"]


@pytest.mark.slow
def test_images_have_no_times_and_that_is_said(call: Callable) -> None:
    call("run @odd -o out --model sfm --workers 1 --fps 15")
    said = [
        row["text"] for row in json.loads(Path("out/run.json").read_text())["advice"] if row["code"] == "input_times"
    ]
    assert said == ["the pictures carry no times: 30 a second are assumed (--times FILE gives them)"]


@pytest.mark.slow
def test_an_old_run_is_replaced_when_asked(call: Callable) -> None:
    assert call("run @one -o out -q")[0] == 0
    assert call("run @two -o out -q")[0] == 2
    assert call("run @two -o out -q --overwrite")[0] == 0
    assert json.loads(Path("out/run.json").read_text())["frames"] == 2
