"""Files are identified wherever they lie, and other files differ from them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from da3_stream.frames import open_source
from da3_stream.settings import FramesSettings


def digest(source: Path) -> str:
    return open_source(source, FramesSettings()).digest


def test_a_video_is_identified_by_its_end_too(write_video, tmp_path: Path) -> None:
    path = write_video(count=20)
    copy, other = Path(shutil.copy(path, tmp_path / "copy.mp4")), tmp_path / "other.mp4"
    other.write_bytes(path.read_bytes()[:-1] + b"x")
    assert digest(copy) == digest(path) != digest(other)


@pytest.mark.parametrize("change", ["size", "name"])
def test_images_are_identified_by_names_and_sizes(write_images, tmp_path: Path, change: str) -> None:
    folder = write_images(["a.png", "b.png", "c.png"], folder="here")
    copy = Path(shutil.copytree(folder, tmp_path / "there"))
    assert digest(copy) == digest(folder)
    if change == "name":
        (copy / "c.png").rename(copy / "d.png")
    else:
        with (copy / "c.png").open("ab") as file:
            file.write(b"more")
    assert digest(copy) != digest(folder)
