"""A logistic model over witnesses: values [N] by name -> the probability [N] that a pose is right.

The log-odds are a bias less what every witness adds in doubt, its own value's and that of the worst frame near it: a
pose is right or wrong together with those around it. A witness's standardised doubt is clipped, so that none decides
alone, and more closely where it finds nothing: many that cannot see a fault must not outvote the one that does. One
that has nothing to tell adds a constant. An isotonic map makes probabilities of the model honest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from .witnesses import witness

Array = NDArray[np.float64]

REACH = 10  # rows on either side that a pose is judged with
LEAST_DOUBT, MOST_DOUBT = -1.0, 4.0  # standard deviations of a witness's doubt that count
LEAST = 0.005  # no probability is nearer to 0 or 1


@dataclass(frozen=True)
class IsotonicMap:
    """A map of probabilities that rises through knots (`scores`, `probabilities`), ascending; by itself identity."""

    scores: tuple[float, ...] = (0.0, 1.0)
    probabilities: tuple[float, ...] = (0.0, 1.0)

    def __call__(self, score: Array) -> Array:
        """What scores [N] are mapped to."""
        return np.clip(np.interp(score, self.scores, self.probabilities), LEAST, 1.0 - LEAST)

    @staticmethod
    def from_json(tree: Mapping[str, Any]) -> IsotonicMap:
        """Inverse of `to_json`; other names are ignored."""
        return IsotonicMap(tuple(tree["scores"]), tuple(tree["probabilities"]))

    def to_json(self) -> dict[str, Any]:
        """Knots by name."""
        return {"scores": list(self.scores), "probabilities": list(self.probabilities)}


@dataclass(frozen=True, slots=True)
class Term:
    """The part of one witness: its doubt at right poses (`centre`, `spread`), and the log-odds per standardised doubt
    of a frame's own value, of the worst near it, and of a missing value."""

    centre: float
    spread: float
    own: float
    near: float = 0.0
    missing: float = 0.0


@dataclass(frozen=True)
class LogisticModel:
    """Bias and terms by witness, and the map that makes its probabilities honest."""

    bias: float
    terms: Mapping[str, Term]
    honest: IsotonicMap = IsotonicMap()

    @staticmethod
    def from_json(tree: Mapping[str, Any]) -> LogisticModel:
        """Inverse of `to_json`."""
        terms = {name: Term(**term) for name, term in tree["terms"].items()}
        return LogisticModel(tree["bias"], terms, IsotonicMap.from_json(tree))

    def to_json(self) -> dict[str, Any]:
        """Numbers by name, the map's beside the others."""
        terms = {name: asdict(term) for name, term in sorted(self.terms.items())}
        return {"bias": self.bias, "terms": terms, **self.honest.to_json()}

    def probability(self, values: Mapping[str, Array], part: NDArray[np.int64]) -> Array:
        """Probability [N] that each pose is right; `part` [N] numbers the stretches that are judged apart."""
        return self.honest(self.score(values, part))

    def score(self, values: Mapping[str, Array], part: NDArray[np.int64]) -> Array:
        """The logistic model's own probability [N], before the isotonic map."""
        log_odds = np.full(len(part), self.bias)
        for name, term in self.terms.items():
            log_odds -= _doubt(name, term, values.get(name), part)
        return 1.0 / (1.0 + np.exp(-log_odds))


def standardised(name: str, centre: float, spread: float, values: Array) -> Array:
    """Doubt [N] of a witness in standard deviations of that at right poses, clipped; NaN where it tells nothing."""
    return np.clip((witness(name).doubts(values) - centre) / spread, LEAST_DOUBT, MOST_DOUBT)


def worst_near(doubt: Array, part: NDArray[np.int64], reach: int = REACH) -> Array:
    """The largest doubt [N] within so many rows of the same part; NaN where there is none at all."""
    out = np.full(len(doubt), np.nan)
    known = np.where(np.isfinite(doubt), doubt, -np.inf)
    for number in np.unique(part):
        rows = part == number
        out[rows] = maximum_filter1d(known[rows], 2 * reach + 1, mode="nearest")
    return np.where(np.isfinite(out), out, np.nan)


def _doubt(name: str, term: Term, values: Array | None, part: NDArray[np.int64]) -> Array:
    if values is None:
        return np.full(len(part), term.missing)
    own = standardised(name, term.centre, term.spread, np.asarray(values, np.float64))
    near = worst_near(own, part)
    doubt = term.own * np.nan_to_num(own) + term.near * np.nan_to_num(near)
    return np.where(np.isfinite(own), doubt, term.missing + term.near * np.nan_to_num(near))
