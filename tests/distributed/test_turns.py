"""Which actor gets which window: spans, nobody idle, and order while the predictor learns."""

from __future__ import annotations

import pytest

from da3_stream.distributed.seat import Seat, Work
from da3_stream.distributed.turns import Turns


def turns(takes: int = 1, span: int = 3, learns: bool = False) -> Turns:
    return Turns(takes, span, learns)


def given(seats: list[Seat]) -> list[list[int | None]]:
    return [[work.number for work in seat.works] for seat in seats]


def finish(seat: Seat) -> None:
    seat.works.pop(0)


def test_every_idle_actor_begins_a_span_of_its_own() -> None:
    seats = [Seat(0), Seat(1)]
    waiting = [Work(number) for number in range(8)]
    turns().assign(waiting, seats)
    assert given(seats) == [[0], [3]]


def test_an_actor_goes_on_with_its_span() -> None:
    rules, seats = turns(), [Seat(0), Seat(1)]
    waiting = [Work(number) for number in range(8)]
    order: list[list[int | None]] = [[], []]
    while waiting:
        rules.assign(waiting, seats)
        for seat, numbers in zip(seats, order, strict=True):
            if seat.works:
                numbers.append(seat.works[0].number)
                finish(seat)
    assert order == [[0, 1, 2, 6], [3, 4, 5, 7]]


def test_who_is_idle_takes_what_another_would_have_come_to_last() -> None:
    seats = [Seat(0), Seat(1)]
    turns().assign([Work(0), Work(1), Work(2)], seats)
    assert given(seats) == [[0], [2]]


def test_while_it_learns_windows_go_one_by_one() -> None:
    rules, seats = turns(learns=True), [Seat(0), Seat(1)]
    waiting = [Work(1), Work(0)]
    rules.assign(waiting, seats)
    assert given(seats) == [[0], []]
    finish(seats[0])
    rules.next_window = 1
    rules.assign(waiting, seats)
    assert given(seats) == [[1], []]  # the actor that has what the first one taught


def test_a_look_beside_the_windows_goes_first() -> None:
    seats = [Seat(0)]
    turns().assign([Work(0), Work(None)], seats)
    assert given(seats) == [[None]]


def test_what_ended_an_actor_is_tried_alone() -> None:
    rules, seats = turns(takes=2), [Seat(0)]
    waiting = [Work(5), Work(4, kills=1), Work(6)]
    rules.assign(waiting, seats)
    assert given(seats) == [[4]]
    finish(seats[0])
    rules.assign(waiting, seats)
    assert given(seats) == [[5, 6]]


def test_nothing_else_begins_while_a_suspect_waits_for_an_actor_of_its_own() -> None:
    rules, seats = turns(takes=2), [Seat(0)]
    rules.assign([Work(1)], seats)
    rules.assign([Work(0, kills=1), Work(2)], seats)
    assert given(seats) == [[1]]


@pytest.mark.parametrize(("version", "expected"), [(0, [[0, None]]), (1, [[0]])])
def test_an_actor_takes_another_state_only_when_it_does_nothing(version: int, expected: list[list[int]]) -> None:
    rules, seats = turns(takes=2), [Seat(0)]
    rules.assign([Work(0)], seats)
    rules.version = version
    rules.assign([Work(None)], seats)
    assert given(seats) == expected
