"""Windows take their turns in the order in which they were announced, whichever comes first."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from da3_stream.predictors.sfm.processes.ordered_lock import Key, OrderedLock

PATIENCE_S = 60.0
WINDOWS: list[Key] = [(10 * k, 10 * k + 14) for k in range(6)]


def never() -> bool:
    return False


def announced(*keys: Key) -> OrderedLock:
    turns = OrderedLock()
    for key in keys:
        turns.announce(key)
    return turns


def has_to_wait(turns: OrderedLock, key: Key) -> bool:
    """Whether a window stands behind another in the queue. It leaves the queue."""
    asked: list[Key] = []

    def impatient() -> bool:
        asked.append(key)
        return True

    with turns.hold(key, impatient):
        return bool(asked)


def test_turns_follow_the_announcements() -> None:
    turns, order = announced(*WINDOWS), list[Key]()
    all_there = threading.Barrier(len(WINDOWS))

    def take(key: Key) -> None:
        all_there.wait(PATIENCE_S)
        with turns.hold(key, never):
            order.append(key)

    with ThreadPoolExecutor(len(WINDOWS)) as pool:
        list(pool.map(take, reversed(WINDOWS)))
    assert order == WINDOWS


def test_a_turn_that_failed_lets_the_next_one_on() -> None:
    turns = announced(*WINDOWS[:4])
    with pytest.raises(ValueError, match="failed"), turns.hold(WINDOWS[0], never):
        raise ValueError("failed")
    with turns.hold(WINDOWS[1], never):
        assert has_to_wait(turns, WINDOWS[2])
    assert not has_to_wait(turns, WINDOWS[3])


def test_nobody_waits_where_it_is_needless() -> None:
    turns = announced(*WINDOWS[:3])
    with turns.hold(WINDOWS[1], lambda: True):
        pass
    assert has_to_wait(turns, WINDOWS[2])  # the first one is still to come


def test_a_video_that_begins_anew_does_not_wait_for_what_broke_off() -> None:
    turns = announced(*WINDOWS)
    turns.announce(WINDOWS[0])
    turns.release(WINDOWS[0])
    turns.announce((0, 12))
    assert not any(has_to_wait(turns, key) for key in WINDOWS)
    with turns.hold((0, 12), never):
        pass
