"""Prefetching keeps the order, the bound on frames read ahead and the errors, and leaves no thread behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from da3_stream.frames import prefetch
from da3_stream.types import Frame


def frame(i: int) -> Frame:
    return Frame(i, i / 10, np.zeros((2, 2, 3), np.uint8), f"{i}")


class Counting:
    """A source that knows how many frames were read from it and whether it was closed."""

    def __init__(self, number: int, fails_at: int | None = None) -> None:
        self.number, self.fails_at = number, fails_at
        self.read, self.closed = 0, False

    def __iter__(self) -> Iterator[Frame]:
        try:
            for i in range(self.number):
                if i == self.fails_at:
                    raise RuntimeError(f"no frame {i}")
                self.read += 1
                yield frame(i)
        finally:
            self.closed = True


def reading_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "read-ahead"]


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    assert condition()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not reading_threads()


@pytest.mark.parametrize("depth", [1, 2, 32, 500])
def test_order_and_number_are_kept(depth: int) -> None:
    with prefetch(Counting(200), depth) as frames:
        assert [item.index for item in frames] == list(range(200))


def test_an_empty_source_ends_at_once() -> None:
    assert list(prefetch(Counting(0))) == []


def test_the_reader_is_never_more_than_depth_ahead() -> None:
    source = Counting(50)
    with prefetch(source, 4) as frames:
        for taken, _ in enumerate(frames, start=1):
            wait_for(lambda taken=taken: source.read == min(50, taken + 4))
            time.sleep(0.002)
            assert source.read == min(50, taken + 4)


def test_an_exception_comes_after_the_last_good_frame() -> None:
    taken = []
    with pytest.raises(RuntimeError, match="no frame 7"), prefetch(Counting(20, fails_at=7), 3) as frames:
        for item in frames:
            taken.append(item.index)
    assert taken == list(range(7))


def test_an_exception_on_opening_is_passed_on() -> None:
    class Broken:
        def __iter__(self) -> Iterator[Frame]:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"), prefetch(Broken()) as frames:
        next(frames)


def test_an_ended_reader_stays_ended() -> None:
    frames = prefetch(Counting(1))
    assert len(list(frames)) == 1
    assert list(frames) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_leaving_by_an_exception_stops_the_thread_and_closes_the_source(error: type[BaseException]) -> None:
    source = Counting(10_000)
    with pytest.raises(error), prefetch(source, 4) as frames:
        next(frames)
        raise error
    assert not reading_threads()
    assert source.closed
    assert source.read <= 5


def test_breaking_out_of_a_loop_without_a_with_block_stops_the_thread() -> None:
    source = Counting(10_000)
    for item in prefetch(source, 4):
        if item.index == 3:
            break
    assert not reading_threads()
    assert source.closed


def test_a_reader_that_was_never_used_reads_nothing() -> None:
    source = Counting(5)
    with prefetch(source):
        pass
    assert source.read == 0


def test_reading_happens_in_another_thread() -> None:
    names = set()

    def source() -> Iterator[Frame]:
        names.add(threading.current_thread().name)
        yield frame(0)

    assert len(list(prefetch(source()))) == 1
    assert names == {"read-ahead"}


def test_a_depth_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="depth must be at least 1"):
        prefetch(Counting(1), 0)
