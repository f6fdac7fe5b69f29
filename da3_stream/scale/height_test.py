"""Does the camera stand at a constant height over the ground? What `auto` decides, and the observations that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry.robust_statistics import mad_sigma
from ..types import Float64, ScaleObservation
from .camera_height import HeightObservation, Refusal

MIN_FOUND = 0.6  # share of the frames of all windows
MAX_SPREAD = 0.12  # of single frames' log heights, the middle window
MAX_SWAY_DEG = 2.5  # standard deviation of pitch and of roll over all frames
MAX_JUMP = 0.2  # of log height between neighbouring windows in the chain's units, at the median


@dataclass(frozen=True)
class HeightDecision:
    """Whether the heights are worth being tied together, and the figures that say so."""

    on: bool
    reason: str


def check_constant_height(
    results: Sequence[HeightObservation | Refusal], log_scales: Sequence[float]
) -> HeightDecision:
    """Judge a run by what its windows say, all so far and in order: what is on holds for all of them.

    `log_scales` are the windows' own, as the chain of alignments has them: log of world units per unit of the window.
    """
    found = [(r, s) for r, s in zip(results, log_scales, strict=True) if isinstance(r, HeightObservation)]
    share = sum(r.found for r, _ in found) / max(len(results), 1)
    if not found or share < MIN_FOUND:
        return HeightDecision(False, f"the ground was found in {share:.0%} of the frames{_commonest_reason(results)}")
    spread = float(np.median([r.spread for r, _ in found]))
    pitch, roll = (_sway_deg(np.concatenate([getattr(r, name) for r, _ in found])) for name in ("pitches", "rolls"))
    jump = float(np.median(np.abs(np.diff([r.log_height + s for r, s in found])))) if len(found) > 1 else 0.0
    limits = (
        (spread <= MAX_SPREAD, f"heights of single frames spread by {spread:.0%}"),
        (max(pitch, roll) <= MAX_SWAY_DEG, f"the camera sways by {pitch:.1f} degrees in pitch and {roll:.1f} in roll"),
        (jump <= MAX_JUMP, f"neighbouring windows differ by {jump:.0%}"),
    )
    broken = [text for holds, text in limits if not holds]
    texts = broken or [f"the ground was found in {share:.0%} of the frames", *(text for _, text in limits)]
    return HeightDecision(not broken, ", ".join(texts))


def height_observations(
    results: Sequence[HeightObservation | Refusal], metres: float | None = None
) -> list[ScaleObservation]:
    """What the heights say of the windows' scales: absolute where the height is known in metres.

    Without it they are relative to one common unknown, the height itself: its logarithm per unit of the window.
    """
    length = 0.0 if metres is None else float(np.log(metres))
    return [
        ScaleObservation(window, length - r.log_height, r.sigma, "camera height", metres is not None)
        for window, r in enumerate(results)
        if isinstance(r, HeightObservation)
    ]


def _sway_deg(angles: Float64) -> float:
    return float(np.degrees(mad_sigma(angles, float(np.median(angles)))))


def _commonest_reason(results: Sequence[HeightObservation | Refusal]) -> str:
    reasons = [r.reason for r in results if isinstance(r, Refusal)]
    return f": {max(sorted(set(reasons)), key=reasons.count)}" if reasons else ""
