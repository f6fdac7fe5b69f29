"""What a run says of itself, for whoever shows it: its trust in a word, and its advice with times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..types import AdviceCode
from .lines import FEW, has_depth_alone
from .remedies import REMEDIES, Remedy
from .words import about, frame_rate, remark, says_ok

HALF = 0.5  # of the poses that are believed; below it the map as a whole is in doubt


@dataclass(frozen=True)
class Said:
    """A row of run.json's `stretches` or `advice`; `when` tells times, and the numbers of pictures that have none."""

    code: AdviceCode
    text: str
    from_s: float
    to_s: float
    when: str
    distrusts_map: bool

    @property
    def of_input(self) -> bool:
        """Whether it is about the input as a whole."""
        return self.code.value.startswith("input_")

    @property
    def line(self) -> str:
        """All of it."""
        return remark(self.when, self.text, self.distrusts_map)

    @property
    def remedy(self) -> Remedy:
        """What it means, and what helps."""
        return REMEDIES[self.code]


def said(status: Mapping[str, Any]) -> list[Said]:
    """All rows of a run.json, those that distrust the map first; none of runs that did not measure trust.

    Rows with a code that this version does not know are left out.
    """
    rate, trust = frame_rate(status), status.get("trust") or {}
    rows = [(row, True) for row in trust.get("stretches", ())] + [(row, False) for row in status.get("advice", ())]
    known = {code.value for code in AdviceCode}
    return [
        Said(AdviceCode(row["code"]), row["text"], row["from_s"], row["to_s"], about(row, rate), distrusts)
        for row, distrusts in rows
        if row["code"] in known
    ]


def trust_word(facts: Mapping[str, Any]) -> str:
    """A run's trust in a word or two, from what `info` tells."""
    trust = facts.get("trust") or {}
    if has_depth_alone(facts):
        return "depth alone"
    if facts.get("state") != "running" and facts.get("placed") == 0:
        return "nothing placed"
    if facts.get("state") != "running" and facts.get("frames", FEW) < FEW and not facts.get("points"):
        return "too few frames"
    if trust.get("share") is None:
        return "not known yet" if facts.get("state") == "running" else "not measured"
    if says_ok(trust):
        return "good"
    return "in parts" if trust["share"] >= HALF else "low"
