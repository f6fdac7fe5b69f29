"""Clocks of videos: what leaps or falls back is closed up and said, what is a pause stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from da3_stream.frames import FrameSource, open_source
from da3_stream.frames.sources.video.clock import Clock, find_falls, find_leaps
from da3_stream.settings import FramesSettings
from da3_stream.types import AdviceCode
from tests.frames.conftest import number_of
from tests.worlds.wall import skipped

Write = Callable[..., Path]
COUNT = 24
DAY, HOUR = 8_640_000, 360_000  # in hundredths of a second, as `write_video` takes times
EVEN = [10 * i for i in range(COUNT)]


def leaping(frame: int, by: int) -> list[int]:
    return [time + by * (i >= frame) for i, time in enumerate(EVEN)]


def write(write_video: Write, name: str, times: Sequence[int], **options: str) -> Path:
    return write_video(name, count=len(times), times=times, options=options)


def opened(path: Path, count: int = COUNT) -> FrameSource:
    """A source whose frames are checked: all of them, in order, a tenth of a second apart."""
    source = open_source(path, FramesSettings())
    frames = list(source)
    assert [number_of(frame.image) for frame in frames] == [i % COUNT for i in range(count)]
    assert skipped(source) == []
    assert source.expected == count
    np.testing.assert_allclose([frame.timestamp for frame in frames], np.arange(count) / 10, atol=1e-3)
    return source


def said(source: FrameSource) -> list[str]:
    assert {advice.code for advice in source.advice} <= {AdviceCode.INPUT_TIMES}
    return [advice.text for advice in source.advice]


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov", "a.ts"])
@pytest.mark.parametrize(("frame", "by"), [(1, DAY), (11, HOUR), (COUNT - 1, DAY)])
def test_a_leap_is_closed_up_and_said(write_video: Write, name: str, frame: int, by: int) -> None:
    source = opened(write(write_video, name, leaping(frame, by)))
    if (name, frame) == ("a.ts", 1):  # its muxer makes a fall of the counter of 33 bits of it
        assert said(source)[0].endswith("at frame 1: closed up")
    else:
        assert said(source) == [f"the clock of {name} leaps ahead by {by / 100:g} s at frame {frame}: closed up"]


@pytest.mark.parametrize("bf", ["0", "3"])
def test_two_leaps_are_one_sentence(write_video: Write, bf: str) -> None:
    times = [time + DAY * (i >= 5) + HOUR * (i >= 15) for i, time in enumerate(EVEN)]
    source = opened(write(write_video, "a.mkv", times, bf=bf))
    assert said(source) == ["the clock of a.mkv leaps ahead by 86400 s at frame 5, and 1 more time later: closed up"]


def test_the_case_of_the_first_day(shared: Path) -> None:
    source = open_source(shared / "cases/inputs/leap_day_first.mkv", FramesSettings())
    np.testing.assert_allclose([frame.timestamp for frame in source], np.arange(40) / 10, atol=1e-3)
    assert source.expected == 40
    assert said(source) == ["the clock of leap_day_first.mkv leaps ahead by 86400 s at frame 1: closed up"]


@pytest.mark.parametrize("later", [0, 7, 100, HOUR, DAY])
def test_joined_parts_go_on_whatever_their_clocks_say(write_video: Write, later: int) -> None:
    first = write(write_video, "first.ts", [time + later for time in EVEN]).read_bytes()
    path = write(write_video, "a.ts", EVEN)
    path.write_bytes(first + path.read_bytes())
    source = opened(path, 2 * COUNT)
    assert len(said(source)) == 1 and said(source)[0].endswith(f"at frame {COUNT}: closed up")


def test_a_clock_that_falls_back_in_matroska_is_closed_up(write_video: Write) -> None:
    path = write_video("a.mkv", count=COUNT, times=[DAY + time for time in EVEN], codec="ffv1", options={"g": "1"})
    data = path.read_bytes()
    at = data.index(b"\xe7\x84", data.index(b"\x1fC\xb6u") + 4)  # the first cluster's time, of four bytes
    assert int.from_bytes(data[at + 2 : at + 6], "big") == DAY * 10
    path.write_bytes(data[: at + 2] + (DAY * 20).to_bytes(4, "big") + data[at + 6 :])
    opened(path)


@pytest.mark.parametrize("codec", ["libx264", "mjpeg"])
def test_joined_matroska_files_go_on(write_video: Write, codec: str) -> None:
    """With images in another order than they are shown, too: their times of decoding are made up when they are read."""
    path = write_video("a.mkv", count=COUNT, codec=codec)
    path.write_bytes(path.read_bytes() * 2)
    assert said(opened(path, 2 * COUNT)) == [f"the clock of a.mkv falls back by 2.4 s at frame {COUNT}: closed up"]


def test_the_counter_of_33_bits_begins_anew_without_a_word(write_video: Write) -> None:
    wrap = 2**33 // 900
    assert said(opened(write(write_video, "a.ts", [wrap - 120 + time for time in EVEN]))) == []


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
def test_a_pause_stays(write_video: Write, name: str) -> None:
    """Phones and screens give frames when they like."""
    times = np.cumsum([0, 3, 4, 10, 30, 3000, 3, 60, 100, 10, 3, 3, 3, 3, 5]).tolist()
    source = open_source(write(write_video, name, times), FramesSettings())
    np.testing.assert_allclose([frame.timestamp for frame in source], np.array(times) / 100, atol=1e-3)
    assert said(source) == []


def test_a_time_lapse_stays(write_video: Write) -> None:
    times = np.cumsum([0, 1000, 1000, 900, 1000, 20000, 1000, 1000]).tolist()
    source = open_source(write(write_video, "a.mkv", times), FramesSettings())
    np.testing.assert_allclose([frame.timestamp for frame in source], np.array(times) / 100, atol=1e-3)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_reordered_images_of_avi_lose_nothing(write_video: Write, codec: str) -> None:
    """AVI has no times of presentation."""
    opened(write_video("a.avi", count=COUNT, codec=codec, options={"bf": "2"}))


def test_times_before_zero_count_from_the_first_frame(write_video: Write, tmp_path: Path) -> None:
    path = tmp_path / "early.mkv"
    whole = write(write_video, "whole.mkv", EVEN, bf="0")
    with av.open(str(whole)) as read, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as early:
        stream = early.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(video=0):
            if packet.size:
                packet.pts, packet.stream = packet.pts - 1000, stream
                packet.dts = packet.pts
                early.mux(packet)
    assert said(opened(path)) == []


def test_a_range_lies_where_the_closed_clock_says(write_video: Write) -> None:
    path = write(write_video, "a.mkv", leaping(5, DAY))
    source = open_source(path, FramesSettings(start=1.0, end=1.5))
    assert [number_of(frame.image) for frame in source] == [10, 11, 12, 13, 14]
    assert source.expected == 5


def test_the_rate_is_that_of_the_usual_step_and_not_of_frames_over_length(write_video: Write) -> None:
    times = [time + 2000 * (i >= 12) for i, time in enumerate(EVEN)]  # a pause of 20 s
    source = open_source(write(write_video, "a.mkv", times), FramesSettings(fps="auto"))
    assert source.fps == pytest.approx(10)
    assert len(list(source)) == source.expected == COUNT


def test_what_falls_goes_on_after_a_usual_step() -> None:
    assert find_falls([None, 0, 10, 20, 5, 15, 25, 3]) == [(4, 25), (7, 57)]
    assert find_falls([]) == []


def test_what_leaps_is_taken_away() -> None:
    times = np.array([0, 10, 20, 10_000, 10_010, 30_000])
    assert find_leaps(times, 1.0) == [(10_000, 9970), (30_000, 29_950)]
    assert find_leaps(times, 1e-3) == []
    clock = Clock(leaps=find_leaps(times, 1.0))
    assert [clock.closed(int(time)) for time in times] == [0, 10, 20, 30, 40, 50]
