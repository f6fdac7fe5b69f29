"""A run of a bag is the run of its pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from da3_stream import pipeline
from da3_stream.frames import open_source
from da3_stream.settings import FramesSettings, Settings
from tests.frames.bags.conftest import START_NS, BagWriter
from tests.worlds.town_run import SIZE, frame, town

NewBag = Callable[..., BagWriter]
COUNT, RATE = 9, 25
BYTES = ("trajectory.tum", "trajectory.kitti", "cloud.ply", "scene.json", "camera_poses.txt", "intrinsics.txt")


@pytest.fixture
def inputs(tmp_path: Path, new_bag: NewBag) -> dict[str, Path]:
    """The same drive through the town as image files, raw in MCAP, and as PNG in a bag of ROS 1."""
    raw, compressed = new_bag("mcap"), new_bag("bag")
    shift = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])  # ROS has the first pixel centre at 0
    for bag in (raw, compressed):
        k = (town().intrinsics - shift).ravel()
        bag.add_info("/cam/camera_info", 0, k=k, width=SIZE[0], height=SIZE[1])
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(COUNT):
        image, time_ns = frame(i).image, i * 10**9 // RATE
        _, data = cv2.imencode(".png", image[:, :, ::-1])
        (pictures / f"{i:03d}.png").write_bytes(data.tobytes())
        raw.add_raw("/cam/image_raw", image, "rgb8", time_ns)
        compressed.add_compressed("/cam/image_raw/compressed", data.tobytes(), "rgb8; png compressed bgr8", time_ns)
    return {"pictures": pictures, "raw": raw.write(), "compressed": compressed.write()}


@pytest.mark.slow
def test_a_bag_gives_the_same_frames_as_its_pictures(inputs: dict[str, Path]) -> None:
    given = [list(open_source(path, FramesSettings(default_fps=RATE))) for path in inputs.values()]
    for pictures, *bags in zip(*given, strict=True):
        assert all((bag.image == pictures.image).all() for bag in bags)
        assert all((bag.index, bag.timestamp) == (pictures.index, pictures.timestamp) for bag in bags)


@pytest.mark.slow
def test_stamps_are_those_of_pictures_that_are_named_by_them(tmp_path: Path, new_bag: NewBag) -> None:
    """As EuRoC's bags and folders of the same drive are."""
    bag, folder = new_bag("bag"), tmp_path / "data"
    folder.mkdir()
    for i in range(5):
        time_ns = START_NS + i * 50_000_123
        bag.add_raw("/cam0/image_raw", frame(i).image, "rgb8", time_ns)
        cv2.imwrite(str(folder / f"{time_ns}.png"), frame(i).image[:, :, ::-1])
    pictures, robot = open_source(folder, FramesSettings()), open_source(bag.write(), FramesSettings())
    assert [one.timestamp for one in pictures] == [one.timestamp for one in robot]
    assert [pictures.nanoseconds(i) for i in range(5)] == [robot.nanoseconds(i) for i in range(5)]


@pytest.mark.slow
def test_a_bag_gives_the_same_run_as_its_pictures(tmp_path: Path, inputs: dict[str, Path]) -> None:
    (fx, _, cx), (_, fy, cy), _ = town().intrinsics.tolist()
    facts = {"frames": {"default_fps": RATE}, "model": {"name": "sfm", "quality": "fast", "workers": 1}}
    facts |= {"loops": {"descriptor": "off"}, "scale": {"camera_height": "off"}}
    known = {"camera": {"intrinsics": f"{fx!r},{fy!r},{cx - 0.5!r},{cy - 0.5!r}"}}
    runs = {
        name: pipeline.run(
            path, tmp_path / f"run_{name}", Settings.build(facts | (known if name == "pictures" else {}))
        )
        for name, path in inputs.items()
    }
    for name in ("raw", "compressed"):
        assert [file for file in BYTES if _bytes(runs[name], file) != _bytes(runs["pictures"], file)] == []


def _bytes(run: Path, name: str) -> bytes:
    return (run / name).read_bytes()
