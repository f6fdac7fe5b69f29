"""A video that ends the process which looks at it ends nothing else."""

from __future__ import annotations

import pytest

from da3_stream.batch import prober
from da3_stream.batch.forecast import Forecast
from da3_stream.batch.prober import USUAL, Prober
from tests.batch.fakes import videos
from tests.batch.test_ending import wait_for

ANSWERS = """
for line in sys.stdin:
    print('{"error": "it is no video"}' if "bad" in line else "{}", flush=True)
    if "kill" in line: sys.exit(1)
"""


def test_a_process_that_dies_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prober, "SERVE", "sys.exit(1)")
    asked = Prober()
    assert _answer(asked, "crash1") == USUAL and asked.is_free
    monkeypatch.setattr(prober, "SERVE", ANSWERS)
    assert _answer(asked, "bad") == "it is no video"
    assert _answer(asked, "odd") == USUAL  # it could not tell
    asked.close()


def _answer(asked: Prober, name: str) -> Forecast | str | None:
    answers: list[Forecast | str | None] = []
    asked.ask(videos(name)[0])
    wait_for(lambda: answers.append(asked.answer()) or answers[-1] is not None)
    return answers[-1]
