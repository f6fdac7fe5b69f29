"""Windows: the promises of the module, for every length of stream."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.errors import SettingsError
from da3_stream.windows import Window, longest_overlap, windows

SHAPES = [(2, 1), (3, 1), (3, 2), (4, 2), (5, 4), (7, 3), (8, 1), (9, 8), (12, 4), (60, 12), (120, 24)]


def check_promises(cut: list[Window[int]], count: int, size: int, overlap: int) -> None:
    assert [i for w in cut for i in w.owned] == list(range(count)), "every frame is owned once, in order"
    shortest = min(count, overlap + (size - overlap + 1) // 2)
    for number, window in enumerate(cut):
        assert window.number == number
        assert list(window.frames) == list(range(window.start, window.start + len(window.frames)))
        assert len(window.owned) >= 1
        assert [window.frames[row] for row in window.owned_rows] == list(window.owned)
        assert shortest <= len(window.frames) <= size
    for before, after in zip(cut, cut[1:], strict=False):
        shared = len(set(before.frames) & set(after.frames))
        assert shared == overlap or (after is cut[-1] and shared > overlap)
        assert after.frames[-1] > before.frames[-1], "no window without new frames"
        assert before.owned.stop == after.number * (size - overlap) + (overlap + 1) // 2, "border amid the overlap"


@pytest.mark.parametrize(("size", "overlap"), SHAPES)
def test_every_length_keeps_the_promises(size: int, overlap: int) -> None:
    for count in range(1, 3 * size + 2):
        check_promises(list(windows(range(count), size, overlap)), count, size, overlap)


@given(st.data(), st.integers(2, 40))
def test_any_size_overlap_and_length_keep_the_promises(data: st.DataObject, size: int) -> None:
    overlap = data.draw(st.integers(1, size - 1))
    count = data.draw(st.integers(1, 8 * size))
    check_promises(list(windows(range(count), size, overlap)), count, size, overlap)


@pytest.mark.parametrize(("size", "overlap"), [(60, 12), (17, 4), (2, 1), (120, 60), (7, 6)])
def test_the_longest_overlap_is_that_of_some_length_and_none_is_longer(size: int, overlap: int) -> None:
    shared = 0
    for length in range(1, 4 * size):
        cut = list(windows(range(length), size, overlap))
        shared = max([shared, *(len(set(a.frames) & set(b.frames)) for a, b in zip(cut, cut[1:], strict=False))])
    assert shared == longest_overlap(size, overlap)


def test_an_empty_stream_gives_no_window() -> None:
    assert list(windows([], 60, 12)) == []


def test_a_stream_as_long_as_a_window_gives_one() -> None:
    assert [w.frames for w in windows(range(8), 8, 3)] == [tuple(range(8))]


def test_the_tail_is_extended_backwards() -> None:
    head, tail = windows(range(11), 10, 4)
    assert tail.frames == tuple(range(4, 11))
    assert tail.owned == range(8, 11)
    assert head.owned == range(8)


def test_a_window_comes_out_one_frame_late_and_no_later() -> None:
    read = 0

    def stream() -> Iterator[int]:
        nonlocal read
        for read in range(1, 101):
            yield read - 1

    for window in windows(stream(), 10, 3):
        assert read <= window.start + len(window.frames) + 1


@pytest.mark.parametrize(("size", "overlap"), [(10, 0), (10, 10), (10, 11), (1, 1), (10, -1)])
def test_an_impossible_overlap_is_refused_at_once(size: int, overlap: int) -> None:
    with pytest.raises(SettingsError, match="at least 1 and below the window size"):
        windows(range(5), size, overlap)


@pytest.mark.parametrize(("size", "overlap"), [(2, 1), (5, 4), (12, 4)])
@given(cuts=st.sets(st.integers(0, 60), max_size=5), count=st.integers(1, 60))
def test_a_cut_ends_a_window_and_the_next_one_shares_nothing_with_it(
    size: int, overlap: int, cuts: set[int], count: int
) -> None:
    found = list(windows(range(count), size, overlap, lambda item: item in cuts))
    borders = [0, *sorted(cut for cut in cuts if 0 < cut < count), count]
    assert [window.number for window in found] == list(range(len(found)))
    assert [i for w in found for i in w.owned] == list(range(count))
    for start, end in zip(borders, borders[1:], strict=False):
        shot = [window for window in found if start <= window.frames[0] < end]
        alone = list(windows(range(start, end), size, overlap))
        assert [window.frames for window in shot] == [window.frames for window in alone]
        assert [list(window.owned) for window in shot] == [[start + i for i in w.owned] for w in alone]
        assert all([w.frames[row] for row in w.owned_rows] == list(w.owned) for w in shot)


def test_a_window_before_a_cut_comes_out_with_the_first_frame_behind_it() -> None:
    read = 0

    def stream() -> Iterator[int]:
        nonlocal read
        for read in range(1, 101):
            yield read - 1

    first = next(windows(stream(), 10, 3, lambda item: item == 5))
    assert first.frames == (0, 1, 2, 3, 4) and read == 6
