"""CPU seconds by stage: of the thread that is in it, without what an inner stage takes, whatever else runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from da3_stream import stopwatch
from da3_stream.stopwatch import START, Stopwatch


class Clock:
    """Seconds of CPU that a test says have gone by, of each thread and of the process."""

    def __init__(self) -> None:
        self.of_thread: dict[int, float] = {}

    def work(self, seconds: float) -> None:
        self.of_thread[threading.get_ident()] = self.thread_time() + seconds

    def thread_time(self) -> float:
        return self.of_thread.get(threading.get_ident(), 0.0)

    def process_time(self) -> float:
        return sum(self.of_thread.values())

    def perf_counter(self) -> float:
        return 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stopwatch, "time", clock)
    return clock


def test_an_inner_stage_does_not_count_towards_the_outer_one(clock: Clock) -> None:
    watch = Stopwatch()
    with watch.stage("outer"):
        clock.work(1.0)
        for _ in range(2):
            with watch.stage("inner"):
                clock.work(4.0)
        clock.work(2.0)
    assert watch.by_stage() == {START: 0.0, "outer": 3.0, "inner": 8.0}


def test_stages_of_several_threads_add_up_and_do_not_lie_in_one_another(clock: Clock) -> None:
    watch = Stopwatch()

    def elsewhere() -> None:
        with watch.stage("read"):
            clock.work(5.0)

    with watch.stage("wait"):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        clock.work(1.0)
    assert watch.by_stage() == {START: 0.0, "wait": 1.0, "read": 5.0}


def test_what_is_in_no_stage_is_other(clock: Clock) -> None:
    clock.work(7.0)
    watch = Stopwatch(cpu_before=7.0)
    clock.work(2.0)
    with watch.stage("stage"):
        clock.work(1.0)
    assert watch.by_stage() == {START: 7.0, "stage": 1.0} and watch.other == 2.0


def test_each_counts_the_making_of_items_and_not_their_use(clock: Clock) -> None:
    def items() -> Iterator[int]:
        for k in range(3):
            clock.work(1.0)
            yield k

    watch, seen = Stopwatch(), []
    for item in watch.each("make", items()):
        clock.work(10.0)
        seen.append(item)
    assert seen == [0, 1, 2] and watch.by_stage()["make"] == 3.0 and watch.other == 30.0


def test_a_stage_that_raises_counts(clock: Clock) -> None:
    watch = Stopwatch()
    with pytest.raises(ValueError, match="broke"), watch.stage("stage"):
        clock.work(1.0)
        raise ValueError("broke")
    assert watch.by_stage()["stage"] == 1.0


def test_a_run_that_goes_on_adds_to_what_earlier_processes_took(clock: Clock) -> None:
    first = Stopwatch(cpu_before=0.0)
    with first.stage("stage"):
        clock.work(2.0)
    clock.work(3.0)
    second = Stopwatch()
    with second.stage("stage"):
        clock.work(1.0)
    second.restore(first.state())
    clock.work(0.5)
    assert second.by_stage()["stage"] == 3.0 and second.other == pytest.approx(4.5)
