"""Facts of a run as lines for the terminal: all of them, and a run's results."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ..store import INTERPOLATED
from ..types import AdviceCode, Status
from .words import trust_lines

FEW = 3  # frames below which nothing can be said of depth
_MOST_LINES = 20  # of a list, such as the skipped frames


def info_text(facts: Mapping[str, Any]) -> str:
    """What is to be said of a run's trust, and all facts of `info` as lines of name and value."""
    rows = list(fact_rows(facts))
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join([*trust_lines(facts, "below"), *(f"{name:<{width}}  {value}".rstrip() for name, value in rows)])


def result_lines(facts: Mapping[str, Any]) -> list[str]:
    """A run's results in one line, and what is to be said of their trust, from what `info` tells."""
    return [_headline(facts), *trust_lines(facts, "report.html")]


def has_depth_alone(facts: Mapping[str, Any]) -> bool:
    """Whether a model that gives no poses made the run."""
    return bool(facts.get("frame_status", {}).get(Status.DEPTH)) and not facts.get("placed")


def _headline(facts: Mapping[str, Any]) -> str:
    if has_depth_alone(facts):
        return (
            f"depth of {facts['frames']} pictures, no poses and no cloud, {facts['seconds']:.1f} s; "
            f"da3-stream export {shlex.quote(str(facts['path']))} --format depth_vis shows it"
        )
    segments, interpolated = facts["segments"], facts["frame_status"].get(INTERPOLATED, 0)
    between = f" ({interpolated} of them between others)" if interpolated else ""
    return (
        f"{facts['placed']} of {facts['frames']} frames placed{between} in {segments} segment{'s' * (segments != 1)}, "
        f"{facts['points'] or 0} points, {facts['seconds']:.1f} s; "
        f"look at report.html, cloud.ply and trajectory.tum in {facts['path']}, "
        f"or: da3-stream view {shlex.quote(str(facts['path']))}"
    )


def why_nothing_was_placed(facts: Mapping[str, Any], *, one_is_enough: bool = False) -> str | None:
    """The reason in one sentence, from what `info` tells; None where a frame has a pose, or where one or two frames
    can have none, unless a model looks at pictures of which `one_is_enough`."""
    if facts["placed"] or facts["frames"] < (1 if one_is_enough else FEW) or has_depth_alone(facts):
        return None
    reasons = [row["text"] for row in facts.get("advice", ()) if row["code"] == AdviceCode.UNPLACED]
    return f"no frame could be placed: {'; '.join(reasons) or 'the run does not tell why'}"


def fact_rows(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Lines of (name, value): nested names are joined by dots, and each object of a list takes a line."""
    for key, value in facts.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from fact_rows(value, f"{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield from _list_rows(name, value)
        else:
            yield name, _text(key, value)


def _list_rows(name: str, entries: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    yield name, str(len(entries))
    for entry in entries[:_MOST_LINES]:
        yield "", ", ".join(f"{key} {_text(key, value)}" for key, value in entry.items())
    if len(entries) > _MOST_LINES:
        yield "", f"and {len(entries) - _MOST_LINES} more (see run.json)"


def _text(key: str, value: Any) -> str:
    if value is None:
        return "-"
    if key.endswith("_bytes") and isinstance(value, int):
        return f"{value / 2**20:,.0f} MiB"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(_text("", entry) for entry in value) or "none"
    return str(value)
