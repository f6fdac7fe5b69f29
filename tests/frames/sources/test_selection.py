"""The rule that says which frames are used."""

from __future__ import annotations

from itertools import count, islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.frames.sources.selection import Moment, count_selected, select, usual_rate, with_rate
from da3_stream.settings import FramesSettings

gaps = st.lists(st.integers(1, 200), min_size=1, max_size=80)  # milliseconds between neighbours


def moments(gaps_ms: list[int], first_ms: int = 0) -> list[Moment]:
    times = [first_ms]
    for gap in gaps_ms:
        times.append(times[-1] + gap)
    return [Moment(i, time / 1000) for i, time in enumerate(times)]


def steady(number: int, rate: float) -> list[Moment]:
    return [Moment(i, i / rate) for i in range(number)]


def chosen(items: list[Moment], **settings: float) -> list[int]:
    return [item.index for item in select(items, FramesSettings(**settings))]


@given(gaps)
def test_without_settings_every_frame_is_used(gaps_ms: list[int]) -> None:
    assert chosen(moments(gaps_ms)) == list(range(len(gaps_ms) + 1))


@given(gaps, st.floats(0, 5), st.floats(0.01, 5))
def test_start_and_end_keep_exactly_the_frames_between_them(gaps_ms: list[int], start: float, length: float) -> None:
    items = moments(gaps_ms)
    kept = [item.index for item in items if start <= item.timestamp < start + length]
    assert chosen(items, start=start, end=start + length) == kept


@given(gaps, st.floats(0, 5), st.floats(0.01, 5), st.integers(0, 2_000_000_000))
def test_start_and_end_count_from_the_first_frame(
    gaps_ms: list[int], start: float, length: float, since_s: int
) -> None:
    items = moments(gaps_ms, since_s * 1000)
    since = items[0].timestamp
    kept = [item.index for item in items if since + start <= item.timestamp < since + (start + length)]
    assert chosen(items, start=start, end=start + length) == kept


@given(gaps, st.integers(1, 7), st.floats(0, 3))
def test_every_counts_from_the_first_frame_in_range(gaps_ms: list[int], step: int, start: float) -> None:
    items = moments(gaps_ms)
    in_range = [item.index for item in items if item.timestamp >= start]
    assert chosen(items, every=step, start=start) == in_range[::step]


@given(gaps, st.floats(0.5, 40), st.integers(0, 5000))
def test_fps_takes_each_nearest_frame_of_a_regular_clock_once(gaps_ms: list[int], fps: float, first_ms: int) -> None:
    items = moments(gaps_ms, first_ms)
    picked = chosen(items, fps=fps)
    assert picked == sorted(set(picked))
    assert picked[0] == 0
    for tick in (items[0].timestamp + k / fps for k in count()):
        if tick > items[-1].timestamp:
            break
        best = min(abs(item.timestamp - tick) for item in items)
        assert min(abs(items[i].timestamp - tick) for i in picked) <= best + 1e-5 / fps


@given(gaps, st.floats(0.5, 40))
def test_fps_picks_no_frame_that_no_tick_is_nearest_to(gaps_ms: list[int], fps: float) -> None:
    items = moments(gaps_ms)
    duration = items[-1].timestamp
    assert len(chosen(items, fps=fps)) <= duration * fps + 2


@given(st.integers(1, 300), st.floats(1, 60), st.floats(1, 4))
def test_fps_at_or_above_the_input_keeps_all_frames(number: int, rate: float, factor: float) -> None:
    assert chosen(steady(number, rate), fps=rate * factor) == list(range(number))


@pytest.mark.parametrize(("rate", "fps", "expected"), [(30, 15, 2), (30, 10, 3), (60, 30, 2), (25, 5, 5)])
def test_fps_that_divides_the_rate_is_every_nth(rate: int, fps: int, expected: int) -> None:
    assert chosen(steady(3000, rate), fps=fps) == list(range(0, 3000, expected))


def test_two_thirds_of_the_frames_keep_an_even_beat() -> None:
    assert chosen(steady(10, 30), fps=20) == [0, 1, 3, 4, 6, 7, 9]


def test_every_and_fps_go_together() -> None:
    assert chosen(steady(20, 10), every=2, fps=2.5) == [0, 4, 8, 12, 16]


@given(st.integers(0, 400), st.integers(1, 5), st.integers(1, 50))
def test_the_expected_count_is_the_count(number: int, step: int, most: int) -> None:
    settings = FramesSettings(every=step, max_frames=most)
    assert count_selected((i / 30 for i in range(number)), settings) == min(most, len(range(0, number, step)))


def test_reading_stops_at_the_end() -> None:
    read = []

    def endless():
        for i in count():
            read.append(i)
            yield Moment(i, float(i))

    assert len(list(select(endless(), FramesSettings(end=5.0)))) == 5
    assert read[-1] == 5
    read.clear()
    assert len(list(islice(select(endless(), FramesSettings(fps=0.5)), 3))) == 3
    assert read[-1] <= 6


@pytest.mark.parametrize(("rate", "expected"), [(30.0, 10.0), (25.0, 12.5), (29.97, 9.99), (10.0, 10.0), (5.0, 5.0)])
def test_fps_auto_is_about_ten_and_even(rate: float, expected: float) -> None:
    settings = with_rate(FramesSettings(fps="auto"), rate)
    assert settings.fps == pytest.approx(expected)
    chosen = [moment.index for moment in select((Moment(i, i / rate) for i in range(120)), settings)]
    assert len(set(np.diff(chosen))) == 1


def test_fps_auto_takes_all_frames_that_have_no_times_and_leaves_numbers_alone() -> None:
    assert with_rate(FramesSettings(fps="auto"), None).fps is None
    assert with_rate(FramesSettings(fps=3.0), 30.0).fps == 3.0


def test_the_usual_rate_goes_by_the_median_step() -> None:
    assert usual_rate([0, 0.033, 0.067, 0.1, 5.0, 5.033, 5.067, 5.1, 5.133, 5.167, 5.2]) == pytest.approx(30, rel=0.002)
    assert usual_rate([1.4e9, 1.4e9 + 0.05, 1.4e9 + 0.1]) == pytest.approx(20)
    assert usual_rate([3.0]) is None and usual_rate([]) is None and usual_rate([2.0, 2.0]) is None
