"""Trust along the time line: the confidence of every pose, and under it when which advice holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...types import Float64
from ..said import Said, said
from ..words import moment
from .confidence_strip import WIDTH, confidence_strip
from .html import escape, section
from .subject import Subject

_MOST_BARS = 100  # of one code
_KEY = (
    ("right", "believed"),
    ("doubtful", "in doubt"),
    ("wrong", "more likely wrong"),
    ("unplaced", "no pose"),
)


def timeline(subject: Subject) -> str:
    """Empty for a run without frames."""
    if not len(subject.poses):
        return ""
    rows = [row for row in said(subject.facts) if not row.of_input]
    bars = "".join(
        _lane(subject, [row for row in rows if row.code == code]) for code in dict.fromkeys(r.code for r in rows)
    )
    ends = f"<span>{moment(float(subject.times[0]))}</span><span>{moment(float(subject.times[-1]))}</span>"
    key = "".join(f'<span class="key {name}">{text}</span>' for name, text in _KEY)
    return section(
        "timeline",
        "Trust along the time line",
        f'<div class="lane"><span>confidence</span>{confidence_strip(subject.poses)}</div>{bars}',
        f'<div class="lane"><span></span><div class="ends">{ends}</div></div><p class="legend">{key}</p>',
    )


def _lane(subject: Subject, rows: list[Said]) -> str:
    spans = np.array([(row.from_s, row.to_s) for row in rows[:_MOST_BARS]])
    first = np.searchsorted(subject.times, spans[:, 0] - 1e-6)
    last = np.searchsorted(subject.times, spans[:, 1] + 1e-6, "right")
    style = "bad" if rows[0].distrusts_map else "note"
    name = rows[0].code.value.replace("_", " ")
    bars = "".join(_bar(a, b, style) for a, b in _places(first, last, len(subject.poses)).tolist())
    return (
        f'<div class="lane"><span>{escape(name)}</span><svg class="bars" viewBox="0 0 {WIDTH} 10" '
        f'preserveAspectRatio="none" role="img" aria-label="when: {escape(name)}">{bars}</svg></div>'
    )


def _places(first: NDArray[np.int64], last: NDArray[np.int64], rows: int) -> Float64:
    return np.stack([first, np.maximum(last, first + 1)], axis=1) / rows * WIDTH


def _bar(left: float, right: float, style: str) -> str:
    return f'<rect class="{style}" x="{left:.1f}" y="1" width="{max(right - left, 3):.1f}" height="8"/>'
