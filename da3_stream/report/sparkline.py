"""Numbers along a way as one line of signs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..types import Float64

BLOCKS, ASCII = "▁▂▃▄▅▆▇█", "_.-:=+*#"
GAP = " "


def sparkline(values: Float64, signs: str = BLOCKS, low: float | None = None, high: float | None = None) -> str:
    """A sign for every value [N], the first of `signs` for `low` (None: the least value), the last for `high`; NaN is a
    gap. Values that are all alike lie in the middle."""
    known = values[np.isfinite(values)]
    if not len(known):
        return GAP * len(values)
    bottom = float(known.min()) if low is None else low
    top = float(known.max()) if high is None else high
    share = (values - bottom) / (top - bottom) if top > bottom else np.where(np.isfinite(values), 0.5, np.nan)
    steps = np.clip(np.nan_to_num(share) * len(signs), 0, len(signs) - 1).astype(int)
    return "".join(
        signs[step] if finite else GAP for step, finite in zip(steps.tolist(), np.isfinite(values), strict=True)
    )


def binned(at: Float64, values: Float64, count: int, join: Callable[[Float64], float]) -> Float64:
    """Values [N] at ascending places, joined in so many stretches of equal length; NaN where a stretch has none.

    Stretches between two that have values take the earlier one's where values are fewer than stretches.
    """
    known = np.isfinite(values) & np.isfinite(at)
    found = np.full(count, np.nan)
    if not known.any():
        return found
    first, last = float(at[0]), float(at[-1])
    place = np.zeros(len(at), int) if last <= first else ((at - first) / (last - first) * count).astype(int)
    place = np.minimum(place, count - 1)
    for stretch in np.unique(place[known]).tolist():
        found[stretch] = join(values[known & (place == stretch)])
    return _filled(found, place, known) if len(at) < count else found


def _filled(found: Float64, place: np.ndarray, known: np.ndarray) -> Float64:
    """Gaps that only come of there being fewer values than stretches are closed."""
    for k in range(len(place) - 1):
        if known[k]:
            found[place[k] : place[k + 1]] = found[place[k]]
    return found
