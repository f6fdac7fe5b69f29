"""Times for people: they count from the first frame of the input, whatever its clock says."""

from __future__ import annotations

DIGITS = 6  # microseconds: of clocks that count from 1970, float64 seconds hold a bit more


def elapsed(seconds: float, since: float) -> float:
    """Seconds from `since` until then."""
    return round(seconds - since, DIGITS) if since else seconds
