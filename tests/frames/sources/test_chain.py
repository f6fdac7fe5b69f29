"""Several recordings in a row are one input."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from da3_stream.frames import FrameSource
from da3_stream.frames.sources.chain import Link, SourceFile
from da3_stream.frames.sources.picture import Picture
from da3_stream.frames.sources.recording import Candidate, Recording
from da3_stream.frames.sources.video.files import video_recording
from da3_stream.settings import FramesSettings
from tests.frames.conftest import number_of, picture

Write = Callable[..., Path]


def recording(name: str, count: int, rate: float = 10.0, bad: tuple[int, ...] = ()) -> Recording:
    def candidates(start: float | None) -> Generator[Candidate]:
        for i in range(count):
            shown: Picture | str = "broken" if i in bad else Picture(picture(i))
            yield Candidate(i, i / rate, f"{name}_{i}", partial(lambda it: it, shown))

    return Recording(name, "video", candidates, count, rate, True)


def read(links: list[Link], **settings: float) -> FrameSource:
    return FrameSource.of(links, FramesSettings(**settings), None)


def test_frames_and_times_go_on_over_files() -> None:
    source = read([Link(recording("a", 3)), Link(recording("b", 2)), Link(recording("c", 2), offset_s=9.0)])
    frames = list(source)
    assert [frame.index for frame in frames] == list(range(7))
    np.testing.assert_allclose([frame.timestamp for frame in frames], [0, 0.1, 0.2, 0.3, 0.4, 9.0, 9.1])
    assert [frame.begins_shot for frame in frames] == [False] * 3 + [True, False] * 2
    assert [source.origin(index) for index in (0, 2, 3, 5, 6)] == [("a", 0), ("a", 2), ("b", 0), ("c", 0), ("c", 1)]
    assert source.files[1:] == [SourceFile("b", 3, 2, pytest.approx(0.3)), SourceFile("c", 5, 2, 9.0)]
    assert source.expected == 7


def test_repeated_frames_are_dropped_and_the_others_keep_their_number_in_the_file() -> None:
    source = read([Link(recording("a", 5)), Link(recording("b", 4), 2, False, 0.3)])
    frames = list(source)
    assert [frame.name for frame in frames][4:] == ["a_4", "b_2", "b_3"]
    assert [frame.timestamp for frame in frames] == pytest.approx(np.arange(7) / 10)
    assert not any(frame.begins_shot for frame in frames)
    assert (source.origin(5), source.expected) == (("b", 2), 7)


def test_a_cut_is_told_by_the_first_good_frame_behind_it() -> None:
    source = read([Link(recording("a", 4)), Link(recording("b", 6, bad=(0,)))], every=2)
    assert [(frame.name, frame.begins_shot) for frame in source] == [
        *(("a_0", False), ("a_2", False)),
        *(("b_2", True), ("b_4", False)),
    ]


@pytest.mark.parametrize("at", [3, 4, 5])
def test_a_resumed_source_tells_the_same_cuts(at: int) -> None:
    links = [Link(recording("a", 4)), Link(recording("b", 4))]
    source = read(links)
    source.resume_at(at, ())
    assert [(frame.index, frame.begins_shot) for frame in source] == [(i, i == 4) for i in range(at, 8)]


def test_videos_in_a_row_are_read_like_one(write_video: Write) -> None:
    paths = [write_video(name, count=6) for name in ("a.mp4", "b.mkv")]
    source = read([Link(video_recording(path, 30.0)) for path in paths])
    frames = list(source)
    assert [number_of(frame.image) for frame in frames] == [*range(6), *range(6)]
    assert [frame.timestamp for frame in frames] == pytest.approx(np.arange(12) / 10, abs=1e-3)
    assert source.origin(7) == (str(paths[1]), 1)
