"""Videos that another program writes into a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from da3_stream import Settings, pipeline
from da3_stream.errors import FramesError
from da3_stream.frames import FrameSource, open_source
from da3_stream.settings import FramesSettings
from tests.frames.conftest import number_of
from tests.frames.sources.video_making import write_frames
from tests.worlds.street import SIZE
from tests.worlds.street_predictor import NO_ROAD, WINDOWS, StandIn

Write = Callable[..., Path]


@contextmanager
def piped(data: bytes, folder: Path) -> Iterator[Path]:
    """A named pipe into which a thread writes the data."""
    path = folder / "pipe"
    os.mkfifo(path)
    thread = Thread(target=_write, args=(path, data))
    thread.start()
    yield path
    thread.join()


def _write(path: Path, data: bytes) -> None:
    with suppress(BrokenPipeError):
        path.write_bytes(data)


def read(data: bytes, folder: Path) -> tuple[FrameSource, list[int], list[float]]:
    with piped(data, folder) as path:
        source = open_source(path, FramesSettings())
        frames = list(source)
    return source, [number_of(frame.image) for frame in frames], [frame.timestamp for frame in frames]


@pytest.mark.parametrize(
    ("name", "codec", "flags"),
    [
        ("a.mkv", "libx264", ""),
        ("a.ts", "mpeg2video", ""),
        ("a.mp4", "libx264", "frag_keyframe+empty_moov"),
        ("a.mjpeg", "mjpeg", ""),
    ],
)
def test_all_frames_come_through_a_pipe(write_video: Write, tmp_path: Path, name: str, codec: str, flags: str) -> None:
    source, numbers, times = read(write_video(name, codec=codec, flags=flags).read_bytes(), tmp_path)
    assert numbers == list(range(20))
    assert (source.kind, source.has_times, source.paths) == ("stream", name != "a.mjpeg", ())
    if source.has_times:
        np.testing.assert_allclose(times, np.arange(20) / 10, atol=1e-3)
    assert any("cannot be continued" in advice.text for advice in source.advice)
    with pytest.raises(FramesError, match="can be read only once"):
        list(source)


def test_times_go_on_where_a_piped_clock_begins_anew(write_video: Write, tmp_path: Path) -> None:
    _, numbers, times = read(write_video("a.ts").read_bytes() * 2, tmp_path)
    assert numbers == [*range(20), *range(20)]
    np.testing.assert_allclose(np.diff(times), 0.1, atol=1e-3)


def test_a_leap_of_a_piped_clock_is_closed_up(write_video: Write, tmp_path: Path) -> None:
    path = write_video("leap.mkv", count=10, rate=100, times=[*range(0, 50, 10), *range(9_000_040, 9_000_090, 10)])
    _, numbers, times = read(path.read_bytes(), tmp_path)
    assert numbers == list(range(10))
    np.testing.assert_allclose(np.diff(times), 0.1, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["whole.mp4", "text"])
def test_what_cannot_be_read_from_a_pipe_is_said(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 240, 320, 3), np.uint8)
    data = b"no video\n" if name == "text" else write_frames(tmp_path / name, list(noise), "libx264").read_bytes()
    with piped(data, tmp_path) as path, pytest.raises(FramesError, match="-f matroska -"):
        open_source(path, FramesSettings())


@pytest.mark.slow
def test_standard_input_may_be_a_pipe_or_a_file(write_video: Write) -> None:
    path = write_video("a.mkv", count=5)
    code = (
        "from da3_stream.frames import open_source; from da3_stream.settings import FramesSettings; "
        "source = open_source('-', FramesSettings()); print(source.kind, len(list(source)), source.paths)"
    )
    command = [sys.executable, "-c", code]
    through_a_pipe = subprocess.run(command, input=path.read_bytes(), capture_output=True)
    assert through_a_pipe.stdout.decode().split() == ["stream", "5", "()"]
    with path.open("rb") as file:
        redirected = subprocess.run(command, stdin=file, capture_output=True, text=True)
    assert redirected.stdout.split() == ["video", "5", f"('{path}',)"]


@pytest.mark.slow
def test_a_run_reads_a_pipe(write_video: Write, tmp_path: Path) -> None:
    settings = Settings.build({"windows": WINDOWS, "scale": NO_ROAD, "frames": {"gate": "off"}})
    with piped(write_video("a.mkv", count=15, size=SIZE).read_bytes(), tmp_path) as path:
        run = pipeline.run(path, tmp_path / "run", settings, StandIn())
    status = json.loads((run / "run.json").read_text())
    assert (status["state"], status["frames"], status["input"]["kind"]) == ("finished", 15, "stream")
    assert any("cannot be continued" in advice["text"] for advice in status["advice"])
