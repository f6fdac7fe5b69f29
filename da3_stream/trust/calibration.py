"""Calibration of the judge: poses of which the truth is known -> the coefficients of a logistic model.

Logistic regression with a ridge, every weight held so that more doubt is never less doubt, and after it isotonic
regression (Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability estimates", KDD
2002), on runs that the regression did not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize

from .logistic import LEAST, IsotonicMap, LogisticModel, Term, standardised, worst_near
from .witnesses import witness

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]

RIDGES = (10.0, 100.0, 1000.0, 10000.0)  # of the weights, in poses: those of one run are alike
FOLDS = 5
KNOTS = 20  # of the isotonic map at most
RUNS_OF_KNOT = 3  # at least: a map that follows single runs is no calibration
LEAST_SPREAD = 0.05


@dataclass(frozen=True, eq=False)
class Poses:
    """N poses of which the truth is known, those of a run and of a part of it consecutive."""

    values: Mapping[str, Array]  # [N] by witness
    right: Mask  # [N]
    run: Numbers  # [N] each run counts as much as any other
    part: Numbers  # [N] of all runs together: stretches that are judged apart
    group: Numbers  # [N] runs that are alike, like steps of one trouble

    def of(self, chosen: Mask) -> Poses:
        """Some [N] of them."""
        values = {name: column[chosen] for name, column in self.values.items()}
        return Poses(values, self.right[chosen], self.run[chosen], self.part[chosen], self.group[chosen])

    def told_by(self, names: Iterable[str]) -> Poses:
        """What the witnesses `names` say, of poses of which any of them knows anything."""
        values = {name: np.asarray(self.values[name], np.float64) for name in names if name in self.values}
        told = np.any([np.isfinite(column) for column in values.values()], axis=0)
        return replace(self, values=values).of(told)


def fit(
    poses: Poses,
    names: Sequence[str],
    prior: LogisticModel | None = None,
    lie: float = 1.0,
    ridges: Sequence[float] = RIDGES,
) -> LogisticModel:
    """The model of the witnesses `names`, from poses that are right or not.

    Of the `ridges` that one is taken with which models say most of groups that they were not fitted to, and of what
    those say the isotonic map is made. A pose that is wrong counts `lie` times: to believe it costs more than to doubt
    a right one. Weights are drawn to those of `prior` (to 0 without one), by the ridge: what the poses cannot tell
    stays what is known of the witnesses. Poses of which no witness knows anything are left out.
    """
    poses = poses.told_by(names)
    weight = _weights(poses.run) * np.where(poses.right, 1.0, lie)
    known = _known_terms(prior)
    scales = {
        name: (known[name].centre, known[name].spread) if name in known else _scale(name, column, poses.right)
        for name, column in poses.values.items()
    }
    design = _design(poses.values, scales, poses.part)
    sample = _Sample(design, poses.right, weight, _start(prior, known, list(poses.values)))
    fold = _folds(poses)
    unseen = {ridge: _held_out(sample, fold, ridge) for ridge in ridges}
    best = min(ridges, key=lambda ridge: _log_loss(unseen[ridge], sample))
    count = max(2, min(KNOTS, len(np.unique(poses.run)) // RUNS_OF_KNOT))
    honest = isotonic_map(unseen[best], poses.right, count, weight)
    return replace(_model(_regress(sample, best), scales), honest=honest)


@dataclass(frozen=True, eq=False)
class _Sample:
    """Poses: what the regression sees of each [N, 1 + 3K], whether it is right [N], and what it counts [N]; and the
    weights [1 + 3K] that it is drawn to."""

    design: Array
    right: Mask
    weight: Array
    start: Array

    def rows(self, chosen: Mask) -> _Sample:
        return _Sample(self.design[chosen], self.right[chosen], self.weight[chosen], self.start)


def _known_terms(prior: LogisticModel | None) -> dict[str, Term]:
    """The terms of a model that weigh anything."""
    terms = prior.terms if prior is not None else {}
    return {name: term for name, term in terms.items() if term.own or term.near or term.missing}


def _start(prior: LogisticModel | None, known: Mapping[str, Term], names: Sequence[str]) -> Array:
    """Bias and weights [1 + 3K] of a model, 0 for terms that it does not know."""
    nothing = Term(0.0, 1.0, 0.0)
    of_terms = [(t.own, t.near, t.missing) for t in (known.get(name, nothing) for name in names)]
    return np.concatenate([[prior.bias if prior is not None else 0.0], np.ravel(of_terms)])


def _weights(run: Numbers) -> Array:
    """Weights [N] of mean 1 by which every run counts as much as any other."""
    _, which, counts = np.unique(run, return_inverse=True, return_counts=True)
    return len(run) / (len(counts) * counts[which])


def _folds(poses: Poses) -> Numbers:
    """A fold [N] for every pose; those of one group are in one fold, those of one run where there is one group."""
    whole = poses.run if len(np.unique(poses.group)) < 2 else poses.group
    return np.unique(whole, return_inverse=True)[1] % FOLDS


def isotonic_map(scores: Array, right: Mask, count: int = KNOTS, weight: Array | None = None) -> IsotonicMap:
    """The map from scores [N] to how often poses were right.

    Scores are gathered into `count` groups of equal size; each end of the map goes on to 0 and 1 as it ends.
    """
    weight = np.ones(len(scores)) if weight is None else weight
    order = np.argsort(scores, kind="stable")
    groups = [group for group in np.array_split(order, min(count, len(order))) if len(group)]
    sizes = np.array([weight[group].sum() for group in groups])
    # (k + 1/2) / (n + 1): a group of which all are right is not a promise
    shares = (np.array([(weight * right)[group].sum() for group in groups]) + 0.5) / (sizes + 1.0)
    fitted = np.clip(isotonic_regression(shares, weights=sizes).x, LEAST, 1 - LEAST)
    middles = np.maximum.accumulate([float(np.average(scores[g], weights=weight[g])) for g in groups])
    inside = np.concatenate([[True], np.diff(middles) > 1e-9])
    knots, levels = middles[inside], fitted[inside]
    return IsotonicMap((0.0, *knots.tolist(), 1.0), (float(levels[0]), *levels.tolist(), float(levels[-1])))


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


def _design(columns: Mapping[str, Array], scales: Mapping[str, tuple[float, float]], part: Numbers) -> Array:
    """Bias, and of every witness less its own doubt, less the worst near, less whether it is missing: [N, 1 + 3K]."""
    out = [np.ones(len(part))]
    for name, column in columns.items():
        own = standardised(name, *scales[name], column)
        near = worst_near(own, part)
        out += [-np.nan_to_num(own), -np.nan_to_num(near), -np.isnan(own).astype(np.float64)]
    return np.stack(out, axis=1)


def _held_out(sample: _Sample, fold: Numbers, ridge: float) -> Array:
    """What models say of the poses [N] of each fold that were fitted to the other folds."""
    out = np.full(len(fold), float(np.average(sample.right, weights=sample.weight)))
    for k in np.unique(fold) if len(np.unique(fold)) > 1 else ():
        out[fold == k] = _sigmoid(sample.design[fold == k] @ _regress(sample.rows(fold != k), ridge))
    return out


def _log_loss(probability: Array, sample: _Sample) -> float:
    told = np.clip(np.where(sample.right, probability, 1 - probability), LEAST, 1)
    return float(-np.average(np.log(told), weights=sample.weight))


def _regress(sample: _Sample, ridge: float) -> Array:
    """Weights of least logistic loss, drawn to where they start; those of doubts are not negative."""
    design, sign = sample.design, np.where(sample.right, 1.0, -1.0)

    def loss(weights: Array) -> tuple[float, Array]:
        margin = sign * (design @ weights)
        slope = -sign * sample.weight * _sigmoid(-margin)
        penalty = weights - sample.start
        penalty[0] = 0.0
        total = (sample.weight * np.logaddexp(0.0, -margin)).sum() + 0.5 * ridge * (penalty @ penalty)
        return float(total), design.T @ slope + ridge * penalty

    doubts = np.arange(design.shape[1])
    free = (doubts == 0) | (doubts % 3 == 0)  # bias, and what a missing value adds
    bounds = [(None, None) if of else (0.0, None) for of in free]
    return minimize(loss, sample.start, jac=True, method="L-BFGS-B", bounds=bounds).x


def _model(weights: Array, scales: Mapping[str, tuple[float, float]]) -> LogisticModel:
    terms = {name: Term(*scales[name], *weights[1 + 3 * k : 4 + 3 * k].tolist()) for k, name in enumerate(scales)}
    return LogisticModel(float(weights[0]), terms)


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -60, 60)))
