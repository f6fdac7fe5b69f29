"""Where the bulk of many values lies when up to nearly a half of them are off, perhaps all to one side."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDS = 60
FIRST_SHARE = 0.75
SHARES = (0.5, 0.99)  # of the values in the bulk, at least and at most


@dataclass(frozen=True, eq=False)
class Bulk:
    """Where each of F rows of C values has its bulk, and the sigma and share of all bulks."""

    centres: Array  # [F], NaN without values
    sigma: float
    share: float
    members: Array  # [F,C], from 0 to 1: how surely a value belongs to its row's bulk


def bulk_locations(values: Array, weights: Array, floor: float) -> Bulk:
    """The bulk of each row of values [F,C] with weights >= 0, its sigma at least `floor`.

    A normal distribution amid evenly scattered others, by expectation-maximisation (Torr and Zisserman, "MLESAC",
    CVIU 2000, section 3) from each row's shortest half; a median or a wide redescending weight would be dragged along
    by values that are all off to one side. Sigma and share are common to all rows, whose own values are few.
    """
    used = np.where(weights > 0, values, 0.0)
    bulk = _first(used, weights, floor)
    off = (used - bulk.centres[:, None])[weights > 0]
    density = 1 / max(float(np.subtract(*np.quantile(off, [0.98, 0.02]))), floor)
    for _ in range(ROUNDS):
        members = np.where(weights > 0, _membership(used, bulk, density), 0.0)
        improved = _refitted(used, weights, members, bulk, floor)
        step = np.nanmax(np.abs(improved.centres - bulk.centres))
        bulk = improved
        if step <= 1e-4 * bulk.sigma:
            break
    return bulk


def _first(values: Array, weights: Array, floor: float) -> Bulk:
    halves = [shortest_half(row, weight) for row, weight in zip(values, weights, strict=True)]
    centres, sigmas = np.array(halves).T
    return Bulk(centres, max(float(np.nanmedian(sigmas)), floor), FIRST_SHARE, np.zeros_like(values))


def _membership(values: Array, bulk: Bulk, density: float) -> Array:
    """The chance that a value comes from its row's bulk rather than from the scattered ones."""
    distances = (values - bulk.centres[:, None]) / bulk.sigma
    inside = bulk.share / (np.sqrt(2 * np.pi) * bulk.sigma) * np.exp(-np.square(distances) / 2)
    return inside / (inside + (1 - bulk.share) * density)


def _refitted(values: Array, weights: Array, members: Array, bulk: Bulk, floor: float) -> Bulk:
    """Centres, sigma and share that make these memberships most likely; a row that lost all keeps its centre."""
    pull = weights * members
    totals = pull.sum(axis=1)
    means = (pull * values).sum(axis=1) / np.where(totals > 0, totals, 1.0)
    centres = np.where(totals > 0, means, bulk.centres)
    misfit = np.where(weights > 0, np.square(values - centres[:, None]), 0.0)
    sigma = np.sqrt((pull * misfit).sum() / max(totals.sum(), 1e-300))
    share = np.clip(totals.sum() / weights.sum(), *SHARES)
    return replace(bulk, centres=centres, sigma=max(float(sigma), floor), share=float(share), members=members)


def shortest_half(values: Array, weights: Array) -> tuple[float, float]:
    """Middle of the shortest interval with half of the weight, and the sigma of a normal distribution that has it.

    NaN without any weight.
    """
    order = np.argsort(values, kind="stable")
    order = order[weights[order] > 0]
    if not len(order):
        return np.nan, np.nan
    x, below = values[order], np.cumsum(weights[order])
    starts = below - weights[order]
    ends = np.searchsorted(below, starts + below[-1] / 2, "left")
    inside = ends < len(x)
    lengths = x[ends[inside]] - x[inside]
    best = int(np.argmin(lengths))
    return float(x[best] + lengths[best] / 2), float(lengths[best] / 2 / 0.6745)
