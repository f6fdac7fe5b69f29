"""Whether the camera is at a constant height over the ground (the setting `auto`), and scale observations from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry.robust_statistics import mad_sigma
from ..types import Float64, ScaleObservation
from .camera_height import HeightObservation, Refusal

MIN_FOUND = 0.6  # share of the frames of all windows
MAX_SPREAD = 0.12  # of single frames' log heights, in the median window
MAX_SWAY_DEG = 2.5  # standard deviation of pitch and of roll over all frames
MAX_JUMP = 0.2  # median change of log height between neighbouring windows, in units of the world


@dataclass(frozen=True)
class HeightDecision:
    """Whether camera heights are used as scale observations, and the statistics behind the decision."""

    on: bool
    reason: str


def check_constant_height(
    results: Sequence[HeightObservation | Refusal], log_scales: Sequence[float]
) -> HeightDecision:
    """Decide for a run from its windows' results so far, in order: the ground seen often, little spread and sway.

    `log_scales` are the windows' scales by the chain of alignments: the log of world units per unit of the window.
    """
    observed = [(r, s) for r, s in zip(results, log_scales, strict=True) if isinstance(r, HeightObservation)]
    share = sum(r.found for r, _ in observed) / max(len(results), 1)
    if not observed or share < MIN_FOUND:
        return HeightDecision(False, f"the ground was found in {share:.0%} of the frames{_commonest_reason(results)}")
    spread = float(np.median([r.spread for r, _ in observed]))
    pitch, roll = (_sway_deg(np.concatenate([getattr(r, name) for r, _ in observed])) for name in ("pitches", "rolls"))
    jump = float(np.median(np.abs(np.diff([r.log_height + s for r, s in observed])))) if len(observed) > 1 else 0.0
    limits = (
        (spread <= MAX_SPREAD, f"heights of single frames spread by {spread:.0%}"),
        (max(pitch, roll) <= MAX_SWAY_DEG, f"the camera sways by {pitch:.1f} degrees in pitch and {roll:.1f} in roll"),
        (jump <= MAX_JUMP, f"neighbouring windows differ by {jump:.0%}"),
    )
    failed = [text for holds, text in limits if not holds]
    texts = failed or [f"the ground was found in {share:.0%} of the frames", *(text for _, text in limits)]
    return HeightDecision(not failed, ", ".join(texts))


def height_observations(
    results: Sequence[HeightObservation | Refusal], metres: float | None = None
) -> list[ScaleObservation]:
    """Scale observations from the windows' camera heights: absolute where the height is known in metres.

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
