"""What a run took: CPU seconds by stage, memory, and the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .html import escape, figure, folded, number, section, table
from .subject import Subject

_SHOWN = 10  # stages; the others are folded


def resources(subject: Subject) -> str:
    """Bars by stage, the longest first; empty where the run does not tell."""
    facts = subject.facts
    stages = {name: seconds for name, seconds in facts.get("seconds_by_stage", {}).items() if seconds > 0}
    if not stages and not facts.get("peak_rss_bytes"):
        return ""
    longest = sorted(stages.items(), key=lambda item: -item[1])
    predictor = facts.get("seconds_in_predictor", {})
    rows = [_row(name, seconds, longest[0][1], name in predictor) for name, seconds in longest]
    others = folded(f"{len(rows[_SHOWN:])} other stages", table(rows[_SHOWN:]))
    said = f"<p>{', '.join(_said(facts, sum(stages.values())))}.</p>"
    return section("resources", "Time and memory", said, table(rows[:_SHOWN]), others)


def _said(facts: Mapping[str, Any], cpu_seconds: float) -> Iterator[str]:
    if cpu_seconds:
        yield f"{number(float(cpu_seconds))} CPU seconds"
    if facts.get("seconds_in_predictor"):
        yield f"of them {number(float(sum(facts['seconds_in_predictor'].values())))} in the predictor (marked)"
    if facts.get("peak_rss_bytes"):
        megabytes = f"{facts['peak_rss_bytes'] / 1e6:,.0f} MB"
        yield f"at most {figure('peak_rss_bytes', facts['peak_rss_bytes'], megabytes)} of memory"
    if facts.get("machine"):
        cores = facts["machine"].get("cores")
        name = escape(str(facts["machine"].get("processor")))
        yield f"on {name}, {figure('machine.cores', cores)} core{'s' * (cores != 1)}"


def _row(name: str, seconds: float, most: float, predicts: bool) -> list[str]:
    length = f'<rect class="{"b" if predicts else "a"}" width="{100 * seconds / most:.1f}%" height="100%"/>'
    bar = f'<svg class="length">{length}</svg>'  # no style attribute: the page's server lets none through
    return [escape(name.replace("_", " ")), figure(f"seconds_by_stage.{name}", seconds, f"{seconds:.1f} s"), bar]
