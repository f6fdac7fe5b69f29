"""Calibration of the judge: poses of which the truth is known -> the coefficients of a logistic model.

Logistic regression with a ridge, every weight held so that more doubt is never less doubt, and after it isotonic
regression (Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability estimates", KDD
2002), on runs that the regression did not see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize

from .logistic import LEAST, LogisticModel, Term, standardised, worst_near
from .witnesses import witness

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

RIDGES = (1.0, 10.0, 100.0, 1000.0)  # of the weights, in poses: those of one run are alike
FOLDS = 5
KNOTS = 20  # of the isotonic map at most
LEAST_SPREAD = 0.05


def fit(
    values: Mapping[str, Array],
    right: Mask,
    run: NDArray[np.int64],
    part: NDArray[np.int64],
    names: Sequence[str],
    ridges: Sequence[float] = RIDGES,
) -> LogisticModel:
    """The model of the witnesses `names`, from poses [N] that are `right` [N] or not.

    Of the `ridges` that one is taken with which models say most of runs that they were not fitted to.

    `part` [N] numbers stretches that are judged apart (of all runs together, consecutive), `run` [N] the runs: the
    isotonic map is made of what models say of runs that they were not fitted to. Poses of which no witness knows
    anything are left out.
    """
    told = np.any([np.isfinite(values[name]) for name in names if name in values], axis=0)
    right, run, part = right[told], run[told], part[told]
    chosen = {name: np.asarray(values[name], np.float64)[told] for name in names if name in values}
    scales = {name: _scale(name, column, right) for name, column in chosen.items()}
    design = _design(chosen, scales, part)
    unseen = {ridge: _held_out(design, right, run % FOLDS, ridge) for ridge in ridges}
    best = min(ridges, key=lambda ridge: _log_loss(unseen[ridge], right))
    scores, probabilities = isotonic_knots(unseen[best], right)
    return replace(_model(_regress(design, right, best), scales), scores=scores, probabilities=probabilities)


def isotonic_knots(scores: Array, right: Mask, count: int = KNOTS) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Knots (scores, probabilities), ascending, of the isotonic map from scores [N] to how often poses were right.

    Scores are gathered into `count` groups of equal size; each end of the map goes on to 0 and 1 as it ends.
    """
    order = np.argsort(scores, kind="stable")
    groups = [group for group in np.array_split(order, min(count, len(order))) if len(group)]
    # (k + 1/2) / (n + 1): a group of which all are right is not a promise
    shares = np.array([(right[group].sum() + 0.5) / (len(group) + 1.0) for group in groups])
    sizes = np.array([len(group) for group in groups], np.float64)
    fitted = np.clip(isotonic_regression(shares, weights=sizes).x, LEAST, 1 - LEAST)
    middles = np.maximum.accumulate([float(np.mean(scores[group])) for group in groups])
    inside = np.concatenate([[True], np.diff(middles) > 1e-9])
    knots, levels = middles[inside], fitted[inside]
    return (0.0, *knots.tolist(), 1.0), (float(levels[0]), *levels.tolist(), float(levels[-1]))


def calibration_error(probability: Array, right: Mask, bins: int = 10) -> float:
    """Expected calibration error: mean distance between probability and how often it was right, over equal bins."""
    which = np.minimum((probability * bins).astype(np.int64), bins - 1)
    gaps = [abs(probability[which == b].sum() - right[which == b].sum()) for b in range(bins)]
    return float(sum(gaps) / max(len(right), 1))


def roc_area(score: Array, right: Mask) -> float:
    """The probability that a right pose has a higher score than a wrong one; ties count half."""
    from scipy.stats import rankdata

    positive, negative = int(right.sum()), int((~right).sum())
    if not positive or not negative:
        return float("nan")
    return float((rankdata(score)[right].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _scale(name: str, column: Array, right: Mask) -> tuple[float, float]:
    """Median and spread of a witness's doubt at right poses."""
    doubts = witness(name).doubts(column[right & np.isfinite(column)])
    if not len(doubts):
        return 0.0, 1.0
    low, centre, high = np.percentile(doubts, [16, 50, 84])
    return float(centre), max(float(high - low) / 2, LEAST_SPREAD)


def _design(columns: Mapping[str, Array], scales: Mapping[str, tuple[float, float]], part: NDArray[np.int64]) -> Array:
    """Bias, and of every witness less its own doubt, less the worst near, less whether it is missing: [N, 1 + 3K]."""
    out = [np.ones(len(part))]
    for name, column in columns.items():
        own = standardised(name, *scales[name], column)
        near = worst_near(own, part)
        out += [-np.nan_to_num(own), -np.nan_to_num(near), -np.isnan(own).astype(np.float64)]
    return np.stack(out, axis=1)


def _held_out(design: Array, right: Mask, fold: NDArray[np.int64], ridge: float) -> Array:
    """What models say of the poses [N] of each fold that were fitted to the other folds."""
    out = np.full(len(right), float(np.mean(right)))
    for k in np.unique(fold) if len(np.unique(fold)) > 1 else ():
        out[fold == k] = _sigmoid(design[fold == k] @ _regress(design[fold != k], right[fold != k], ridge))
    return out


def _log_loss(probability: Array, right: Mask) -> float:
    told = np.clip(np.where(right, probability, 1 - probability), LEAST, 1)
    return float(-np.log(told).mean())


def _regress(design: Array, right: Mask, ridge: float) -> Array:
    """Weights of least regularised logistic loss; those of doubts are not negative."""
    sign = np.where(right, 1.0, -1.0)

    def loss(weights: Array) -> tuple[float, Array]:
        margin = sign * (design @ weights)
        slope = -sign * _sigmoid(-margin)
        penalty = weights.copy()
        penalty[0] = 0.0
        total = np.logaddexp(0.0, -margin).sum() + 0.5 * ridge * (penalty @ penalty)
        return float(total), design.T @ slope + ridge * penalty

    doubts = np.arange(design.shape[1])
    free = (doubts == 0) | (doubts % 3 == 0)  # bias, and what a missing value adds
    bounds = [(None, None) if of else (0.0, None) for of in free]
    return minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds).x


def _model(weights: Array, scales: Mapping[str, tuple[float, float]]) -> LogisticModel:
    terms = {name: Term(*scales[name], *weights[1 + 3 * k : 4 + 3 * k].tolist()) for k, name in enumerate(scales)}
    return LogisticModel(float(weights[0]), terms)


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -60, 60)))
