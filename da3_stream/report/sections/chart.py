"""Line charts as SVG: small, sharp, in the colours of the page, and readable by programs.

The plot's box in user units is `BOX`; `data-x` and `data-y` of the <svg> are the values at its edges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...types import Float64
from .html import escape, number

WIDTH, HEIGHT = 560, 220
BOX = (58.0, 14.0, 546.0, 178.0)  # left, top, right, bottom
COLUMNS = int(BOX[2] - BOX[0])  # a line has at most two points in each
FEW = 40  # values that are marked with dots


@dataclass(frozen=True, eq=False)
class Line:
    """Values y [N] over x [N], ascending; NaN is a gap. Style is a class of the page."""

    name: str
    x: Float64
    y: Float64
    style: str = "a"


def chart(
    title: str, lines: Sequence[Line], x_label: str, x_text: Callable[[float], str], *, zero: bool = False
) -> str:
    """A <figure>, empty where no line has two values; `x_text` is empty for values that get no tick.

    With `zero` the values begin at 0.
    """
    known = [line for line in lines if np.isfinite(line.y).sum() >= 2]
    if not known:
        return ""
    x_range, y_range = _range([line.x for line in known]), _padded(_range([line.y for line in known]), zero)
    drawn = "".join(_line(line, x_range, y_range) for line in known)
    legend = (
        "".join(f'<span class="{line.style}">{escape(line.name)}</span>' for line in known) if len(known) > 1 else ""
    )
    ends = " ".join(f'data-{axis}="{low!r} {high!r}"' for axis, (low, high) in (("x", x_range), ("y", y_range)))
    return (
        f'<figure><figcaption>{escape(title)} {legend}</figcaption><svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="{escape(title)}" {ends}>{_grid(x_range, y_range, x_text)}{drawn}'
        f'<text x="{WIDTH / 2:g}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x_label)}</text>'
        "</svg></figure>"
    )


def thinned(x: Float64, y: Float64, columns: int = COLUMNS) -> tuple[Float64, Float64]:
    """Of more values than two a column: the least and the greatest of each column."""
    if len(x) <= 2 * columns or x[-1] <= x[0]:
        return x, y
    column = np.minimum(((x - x[0]) / (x[-1] - x[0]) * columns).astype(int), columns - 1)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    both = np.stack([np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)], axis=1)
    return np.repeat(x[starts], 2), both.reshape(-1)


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers within, at most so many: steps of 1, 2 or 5 times a power of ten."""
    rough = max(high - low, 1e-300) / most
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(float(power * k) for k in (1, 2, 5, 10) if power * k >= rough * (1 - 1e-9))
    first = int(np.ceil(low / step - 1e-9))
    return [k * step for k in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def _range(values: Sequence[Float64]) -> tuple[float, float]:
    every = np.concatenate(values)
    every = every[np.isfinite(every)]
    return float(every.min()), float(every.max())


def _padded(ends: tuple[float, float], zero: bool) -> tuple[float, float]:
    low, high = (min(ends[0], 0.0), ends[1]) if zero else ends
    room = 0.05 * (high - low) or max(abs(high) * 0.1, 1e-6)
    return (low if zero and low == 0 else low - room), high + room


def _place(value: Any, ends: tuple[float, float], first: float, last: float) -> Any:
    """Where a value, or an array of them, lies between two places."""
    return first + (value - ends[0]) / max(ends[1] - ends[0], 1e-300) * (last - first)


def _line(line: Line, x_range: tuple[float, float], y_range: tuple[float, float]) -> str:
    x, y = thinned(line.x, line.y)
    left, top, right, bottom = BOX
    known = np.isfinite(y)
    places = np.stack([_place(x, x_range, left, right), _place(y, y_range, bottom, top)], axis=1)
    pen = np.where(known & np.concatenate([[False], known[:-1]]), "L", "M")
    steps = "".join(f"{p}{a:.1f} {b:.1f}" for p, (a, b), k in zip(pen, places.tolist(), known, strict=True) if k)
    few = places[known].tolist() if known.sum() <= FEW else []
    dots = "".join(f'<circle class="{line.style}" cx="{a:.1f}" cy="{b:.1f}" r="3.5"/>' for a, b in few)
    return f'<path class="line {line.style}" data-name="{escape(line.name)}" d="{steps}"/>{dots}'


def _grid(x_range: tuple[float, float], y_range: tuple[float, float], x_text: Callable[[float], str]) -> str:
    left, top, right, bottom = BOX
    parts = []
    for value in nice_ticks(*y_range, 4):
        y = _place(value, y_range, bottom, top)
        parts.append(f'<path class="grid" d="M{left:g} {y:.1f}H{right:g}"/>')
        parts.append(f'<text x="{left - 6:g}" y="{y + 4:.1f}" text-anchor="end">{number(float(value))}</text>')
    for value in filter(x_text, nice_ticks(*x_range, 5)):
        x = _place(value, x_range, left, right)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 17:g}" text-anchor="middle">{escape(x_text(value))}</text>')
    return "".join(parts)
