"""Trust and advice of a run in lines for people, by times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..store import BELIEVED
from ..types import AdviceCode

MOST_LINES = 8  # of stretches, and of advice
GOOD_SHARE = 0.9  # of rows that are believed, from which a run can say OK


def says_ok(trust: Mapping[str, Any]) -> bool:
    """Whether run.json's `trust` of a run that has ended means that all is well."""
    return not trust["stretches"] and trust["share"] is not None and trust["share"] >= GOOD_SHARE


def trust_lines(status: Mapping[str, Any], report: str) -> list[str]:
    """Whether run.json says OK, where it does not, and its advice; `report` tells where the rest is.

    Nothing for runs of versions that did not measure it, and while a run goes on.
    """
    trust = status.get("trust")
    if trust is None or status.get("state") == "running":
        return []
    stretches, advice, rate = trust["stretches"], status["advice"], frame_rate(status)
    said = [row for row in advice if row["code"] != AdviceCode.UNPLACED or not _is_within(row, stretches)]
    return [
        *([] if trust["share"] is None else [_verdict(trust)]),
        *_at_most([f"  {remark(_span(row, rate), row['text'], True)}" for row in stretches], report),
        *_at_most([f"  {remark(about(row, rate), row['text'], False)}" for row in said], report),
    ]


def remark(when: str, text: str, distrusts_map: bool) -> str:
    """A stretch, or an advice, in one line."""
    return f"{when} not to be trusted: {text}" if distrusts_map else f"{when} {text}"


def moment(seconds: float) -> str:
    """m:ss, or h:mm:ss from an hour on."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _verdict(trust: Mapping[str, Any]) -> str:
    share = f"{percent(trust['share'])} of the poses are believed (confidence {BELIEVED} and more)"
    return f"trust: OK, {share}" if says_ok(trust) else f"trust: not everywhere, {share}"


def percent(share: float) -> str:
    """Rounded down: all is only all."""
    return f"{int(100 * share + 1e-9)} %"


def frame_rate(status: Mapping[str, Any]) -> float | None:
    """The rate that was assumed of an input without times, None where it has times."""
    of_input = status.get("input")
    kind = of_input.get("kind") if isinstance(of_input, Mapping) else None
    if status.get("has_times") or kind not in ("images", "arrays"):
        return None
    return float(status["settings"]["frames"]["default_fps"])


def _span(row: Mapping[str, Any], rate: float | None) -> str:
    """From when until when; times that were assumed tell people little, so the images' numbers stand beside them."""
    span = _range(moment(row["from_s"]), moment(row["to_s"]))
    return (
        span if rate is None else f"{span} (frames {_range(*(str(round(row[k] * rate)) for k in ('from_s', 'to_s')))})"
    )


def about(row: Mapping[str, Any], rate: float | None) -> str:
    """What an advice is about: times, or the input as a whole."""
    return "input:" if row["code"].startswith("input_") else _span(row, rate)


def _range(first: str, last: str) -> str:
    return first if first == last else f"{first}–{last}"


def _is_within(row: Mapping[str, Any], stretches: Sequence[Mapping[str, Any]]) -> bool:
    return any(s["from_s"] <= row["from_s"] and row["to_s"] <= s["to_s"] for s in stretches)


def _at_most(lines: Sequence[str], report: str) -> Iterator[str]:
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"  and {len(lines) - MOST_LINES} more: see {report}"
