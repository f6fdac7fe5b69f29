"""A window takes no more further looks than windows did on average, and counts survive a kill."""

from __future__ import annotations

from da3_stream.slam.loop_counts import MAX_LOOPS_PER_PAIR, LoopCounts


def counted(*looks: int) -> LoopCounts:
    """Windows with so many looks, at pairs that found nothing, and one that has just begun."""
    counts = LoopCounts()
    for window, count in enumerate(looks):
        counts.begin_window(window)
        for place in range(count):
            counts.add_look((place - 100, window), found_loop=False)
    counts.begin_window(len(looks))
    return counts


def looks_allowed(counts: LoopCounts, rank: int, most: int = 20) -> int:
    """How many looks the window takes until one is too many."""
    for look in range(most):
        if counts.are_many_looks(rank):
            return look
        counts.add_look((look, 1000 + look), found_loop=False)
    return most


def test_first_looks_are_never_too_many() -> None:
    assert looks_allowed(counted(1, 1, 1), rank=0) == 20
    assert looks_allowed(counted(), rank=1) == 20


def test_further_ones_are_as_many_as_usual() -> None:
    assert looks_allowed(counted(3, 3, 3), rank=1) == 3
    assert looks_allowed(counted(0, 0, 2, 4, 0), rank=2) == 3  # windows that saw no place again do not count
    assert looks_allowed(counted(1, 1, 1), rank=1) == 1


def test_two_submaps_are_tied_by_certain_loops_alone_and_forgotten_in_time() -> None:
    counts = LoopCounts()
    counts.begin_window(8)
    for found in (True, False, True):
        assert not counts.are_tied((2, 8))
        counts.add_look((2, 8), found)
    assert counts.are_tied((2, 8)) and MAX_LOOPS_PER_PAIR == 2
    counts.begin_window(9)
    assert counts.are_tied((2, 8))
    counts.begin_window(10)
    assert not counts.are_tied((2, 8))


def test_counts_survive_a_kill() -> None:
    counts, again = counted(3, 4), LoopCounts()
    counts.add_look((0, 2), found_loop=True)
    again.restore(counts.state())
    for one in (counts, again):
        one.begin_window(3)
        one.add_look((0, 2), found_loop=True)
        assert one.are_tied((0, 2)) and looks_allowed(one, rank=1) == 2
