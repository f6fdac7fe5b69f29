"""Which loops between runs are believed: first by the runs' own positions, then by the graph around those in doubt."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from benchmarks.city.world import EDGE_SIGMAS, GPS_SIGMA, Array, City, Mask
from da3_stream.geometry import Sim3Array

FAR = float(chi2.isf(1e-6, 2))  # of two numbers: one true loop in a million lies beyond


def near_enough(city: City, start: Sim3Array) -> Mask:
    """Mask [E] of the edges that agree with where each run alone has its submaps; chains always do.

    Compared are places on the ground. A fit of a similarity to n positions knows a submap's place with GPS_SIGMA^2
    (1/n + |w|^2 / sum |w|^2), w its distance from the middle of the run.
    """
    a, b = city.ends.T
    predicted = start[a] @ city.b_from_a.inverse()
    off = predicted.translation[:, :2] - start.translation[b, :2]
    variance = GPS_SIGMA**2 * (_leverages(city, start)[city.ends]).sum(axis=1) + EDGE_SIGMAS[0] ** 2
    return ~city.loop | (np.sum(off**2, axis=1) / variance <= FAR)


def _leverages(city: City, start: Sim3Array) -> Array:
    """By how much of a position's variance the place of each submap [N] varies."""
    places = start.translation[:, :2].reshape(int(city.run[-1]) + 1, -1, 2)
    square = np.sum((places - places.mean(axis=1, keepdims=True)) ** 2, axis=2)
    return (1 / places.shape[1] + square / square.sum(axis=1, keepdims=True)).ravel()
