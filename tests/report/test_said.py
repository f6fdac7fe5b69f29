"""Trust in a word, advice with times."""

from __future__ import annotations

import pytest

from da3_stream.report.said import said, trust_word

STRETCH = {"from_s": 12.0, "to_s": 13.0, "code": "lens_changed", "text": "it zooms"}
ADVICE = {"from_s": 11.0, "to_s": 11.5, "code": "standing", "text": "it stands"}
STATUS = {"first_time_s": 100.0, "trust": {"share": 0.7, "stretches": [STRETCH]}, "advice": [ADVICE]}


def test_what_distrusts_the_map_comes_first_and_codes_of_later_versions_are_left_out() -> None:
    status = STATUS | {"advice": [ADVICE, ADVICE | {"code": "of_the_future"}]}
    assert [(row.code.value, row.when, row.distrusts_map) for row in said(status)] == [
        ("lens_changed", "0:12–0:13", True),
        ("standing", "0:11–0:12", False),
    ]
    assert said({}) == []


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"placed": 9, "trust": {"share": 1.0, "stretches": []}}, "good"),
        ({"placed": 9, "trust": {"share": 1.0, "stretches": [STRETCH]}}, "in parts"),
        ({"placed": 9, "trust": {"share": 0.4, "stretches": [STRETCH]}}, "low"),
        ({"placed": 0, "trust": {"share": 0.0, "stretches": []}}, "nothing placed"),
        ({"placed": 9, "trust": {"share": None, "stretches": []}, "state": "running"}, "not known yet"),
        ({"placed": 9}, "not measured"),
        ({"placed": 1, "frames": 1, "trust": {"share": 1.0, "stretches": []}}, "too few frames"),
    ],
)
def test_trust_in_a_word(facts: dict, word: str) -> None:
    assert trust_word(facts) == word
