"""When a recording follows another: by its frames that are there twice, by a clock, or at once."""

from __future__ import annotations

from dataclasses import dataclass

from ..chain import Link
from ..recording import Recording
from .joints import Joint

CLOCK_S = 2.0  # how far clocks that tell whole seconds may be off


@dataclass(frozen=True, eq=False)
class Following:
    """A recording as it follows another. `lead_s` is how much later than at once it begins by the clock (0 without one,
    negative where that is impossible); beyond `CLOCK_S` it is believed."""

    link: Link
    lead_s: float = 0.0


def follow(before: Link, recording: Recording, joint: Joint, clock: float | None) -> Following:
    """How a recording follows the one before; `clock` is when it began in seconds of the input, if a clock tells."""
    offset = (before.offset_s or 0.0) + joint.ends + joint.step_s - joint.begins
    if joint.repeated or clock is None:
        return Following(Link(recording, joint.repeated, not joint.goes_on, offset))
    lead = clock - joint.begins - offset
    return Following(Link(recording, 0, not joint.goes_on, offset + (lead if lead > CLOCK_S else 0.0)), lead)
