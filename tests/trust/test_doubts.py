"""What speaks against a pose is said in words, most first, and nothing is where all is well."""

from __future__ import annotations

import pytest

from da3_stream.trust import KNOWN, doubts_of_pose, load_judge

MOVING = load_judge().models["moving"]


def _typical() -> dict[str, float]:
    """Witnesses of which each is as at right poses."""
    values = {}
    for name, term in MOVING.terms.items():
        known = KNOWN[name]
        centre = term.centre * known.doubt
        values[name] = centre if known.floor is None else max(known.floor, 2.718281828 ** (known.doubt * term.centre))
    return values


def test_a_pose_like_the_right_ones_has_no_doubt() -> None:
    assert doubts_of_pose(_typical(), "OK") == []


def test_what_is_worst_is_said_first_and_in_words() -> None:
    heavy = max(
        MOVING.terms, key=lambda name: (MOVING.terms[name].own + MOVING.terms[name].near) * (KNOWN[name].doubt > 0)
    )
    doubts = doubts_of_pose({**_typical(), heavy: 1e3}, "OK")
    assert doubts[0].name == heavy
    assert doubts[0].meaning == KNOWN[heavy].meaning
    assert doubts[0].value == 1e3
    assert [d.log_odds for d in doubts] == sorted((d.log_odds for d in doubts), reverse=True)


def test_the_lens_and_the_join_can_speak_against_a_pose() -> None:
    names = {d.name for d in doubts_of_pose({**_typical(), "lens_shift": 5.0, "join_shift": 50.0}, "OK")}
    assert {"lens_shift", "join_shift"} <= names


def test_a_witness_that_tells_nothing_says_nothing() -> None:
    assert doubts_of_pose({"lens_shift": float("nan")}, "OK") == []


@pytest.mark.parametrize("name", KNOWN)
def test_every_meaning_stands_by_itself(name: str) -> None:
    assert not KNOWN[name].meaning.startswith("the same")
