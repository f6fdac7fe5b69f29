"""What a run took: CPU seconds by stage, memory, and the machine."""

from __future__ import annotations

from .html import escape, figure, folded, number, section, table
from .subject import Subject

_SHOWN = 10  # stages; the others are folded


def resources(subject: Subject) -> str:
    """Bars by stage, the longest first; empty where the run does not tell."""
    facts = subject.facts
    stages = {name: seconds for name, seconds in facts.get("seconds_by_stage", {}).items() if seconds > 0}
    if not stages and not facts.get("peak_rss_bytes"):
        return ""
    total, predictor = sum(stages.values()), facts.get("seconds_in_predictor", {})
    said = [f"{number(total)} CPU seconds" if stages else ""]
    if predictor:
        said.append(f"of them {number(float(sum(predictor.values())))} in the predictor (marked)")
    if facts.get("peak_rss_bytes"):
        megabytes = f"{facts['peak_rss_bytes'] / 1e6:,.0f} MB"
        said.append(f"at most {figure('peak_rss_bytes', facts['peak_rss_bytes'], megabytes)} of memory")
    machine = facts.get("machine", {})
    if machine:
        said.append(
            f"on {escape(str(machine.get('processor')))}, {figure('machine.cores', machine.get('cores'))} cores"
        )
    longest = sorted(stages.items(), key=lambda item: -item[1])
    rows = [_row(name, seconds, longest[0][1], name in predictor) for name, seconds in longest]
    others = folded(f"{len(rows[_SHOWN:])} other stages", table(rows[_SHOWN:]))
    text = ", ".join(part for part in said if part)
    return section("resources", "Time and memory", f"<p>{text}.</p>", table(rows[:_SHOWN]), others)


def _row(name: str, seconds: float, most: float, predicts: bool) -> list[str]:
    bar = f'<i class="{"b" if predicts else "a"}" style="width:{100 * seconds / most:.1f}%"></i>'
    return [escape(name.replace("_", " ")), figure(f"seconds_by_stage.{name}", seconds, f"{seconds:.1f} s"), bar]
