"""How windows were joined: the scale and the residual of every alignment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...store import BELIEVED
from ..words import moment
from .chart import Line, chart
from .html import figure, folded, section, table
from .subject import Subject

_MOST_ROWS = 100


def windows(subject: Subject) -> str:
    """Charts and a table; a sentence where there is one window only, empty where there is none."""
    nodes = subject.reader.geometry.scene.submaps
    joins = alignments(subject)
    if not nodes:
        return ""
    if not joins:
        said = (
            f"<p>{figure('nodes', len(nodes))} submap{'s' * (len(nodes) != 1)}; no two of them had to be aligned.</p>"
        )
        return section("windows", "Scale and residual by window", said)
    numbers = np.array(sorted(joins), np.float64)
    by_key = {key: np.array([joins[int(k)].get(key, np.nan) for k in numbers], float) for key in ("scale", "residual")}
    drawn = chart("scale beside the window before", [Line("scale", numbers, by_key["scale"])], "window", _whole)
    drawn += chart(
        "residual of the alignment (share of depth)",
        [Line("residual", numbers, by_key["residual"])],
        "window",
        _whole,
        zero=True,
    )
    return section(
        "windows", "Scale and residual by window", f'<div class="charts">{drawn}</div>', _table(subject, joins)
    )


def alignments(subject: Subject) -> dict[int, dict[str, Any]]:
    """The journal's last alignment of every submap that was aligned, by its number."""
    return {event["node"]: event for event in subject.events if event["event"] == "alignment"}


def _table(subject: Subject, joins: dict[int, dict[str, Any]]) -> str:
    head = ("submap", "from", "segment", "scale", "residual", "inliers", "confidence of the join")
    rows = [list(_cells(subject, k, joins)) for k in range(min(len(subject.reader.geometry.scene.submaps), _MOST_ROWS))]
    left = len(subject.reader.geometry.scene.submaps) - _MOST_ROWS
    return folded("All windows", table(rows, head) + (f"<p>and {left} more: see journal.jsonl</p>" if left > 0 else ""))


def _cells(subject: Subject, k: int, joins: dict[int, dict[str, Any]]) -> Iterator[str]:
    node, join = subject.reader.geometry.scene.submaps[k], joins.get(k, {})
    row = subject.row_of(node.frames[0])
    yield str(k)
    yield f"frame {node.frames[0]}" if row is None else moment(float(subject.times[row]))
    yield str(node.segment)
    for key in ("scale", "residual", "inlier_ratio"):
        yield figure(f"alignment.{k}.{key}", join.get(key))
    if node.previous is None:
        yield "–"
    else:
        shown = figure(f"node.{k}.join_confidence", node.join_confidence)
        yield f'<b class="wrong">{shown}</b>' if node.join_confidence < BELIEVED else shown


def _whole(value: float) -> str:
    return f"{value:g}" if value == int(value) else ""
