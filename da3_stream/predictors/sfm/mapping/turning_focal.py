"""The focal length of a camera that turns: the one with which rotations alone explain most pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from ..matching.pairs import TwoView
from .turning import MIN_MATCHES, Pair, angles_of, fit_rotation

SAMPLES, FOCAL_MATCHES = 30, 60  # pairs that tell the focal length, and matches of each
FOCALS = np.geomspace(0.35, 2.5, 12)  # in widths of the image: 110 to 23 degrees
NEAR_PX = 4.0  # what a rotation may leave (median) at the nearest of these focal lengths
TURNED_PX = 0.5  # and at the best
MIN_ANGLE = np.radians(3.0)  # by which a pair turns that tells the focal length
MIN_SHARE = 0.2  # of the pairs: below, it is not the turns that tell the focal length

Array = NDArray[np.float64]


def find_focal(
    xy: Sequence[NDArray[np.float32]], views: Mapping[Pair, TwoView], lens: Lens, width: int, offsets: Sequence[int]
) -> Lens | None:
    """The lens with the focal length at which rotations alone explain most pairs; None where they explain too few."""
    pairs = [pair for pair in sorted(views) if pair[1] - pair[0] in offsets and len(views[pair].matches) >= MIN_MATCHES]
    sample = pairs[:: max(1, len(pairs) // SAMPLES)]
    if not sample:
        return None
    seen = _seen(xy, views, sample)
    lenses = [replace(lens, fx=f * width, fy=f * width * lens.fy / lens.fx) for f in FOCALS]
    left = _left(seen, lenses)[0]
    best = int(np.minimum(left, NEAR_PX).sum(axis=1).argmin())
    near = seen[:, left[best] < NEAR_PX]
    if near.shape[1] < MIN_SHARE * len(sample):
        return None
    found = _refined(near, lenses[max(best - 1, 0)], lenses[min(best + 1, len(lenses) - 1)])
    px, angles = _left(near, [found])
    telling = np.sum((px < TURNED_PX) & (angles > MIN_ANGLE))
    return found if telling >= MIN_SHARE * len(sample) else None


def _seen(
    xy: Sequence[NDArray[np.float32]], views: Mapping[Pair, TwoView], pairs: Sequence[Pair]
) -> NDArray[np.float32]:
    """Keypoints [2,p,m,2] of the first and second rows of pairs: the same number of all, evenly of what is matched."""
    evenly = np.linspace(0, 1, FOCAL_MATCHES)
    picked = [
        matches[np.rint(evenly * (len(matches) - 1)).astype(int)] for matches in (views[p].matches for p in pairs)
    ]
    rows = zip(pairs, picked, strict=True)
    return np.stack([[xy[a][m[:, 0]], xy[b][m[:, 1]]] for (a, b), m in rows], axis=1)


def _refined(seen: NDArray[np.float32], low: Lens, high: Lens) -> Lens:
    """The lens between two others at which rotations leave least of the pairs [2,p,m,2]."""
    from scipy.optimize import minimize_scalar

    def lens_at(log_factor: float) -> Lens:
        factor = float(np.exp(log_factor))
        return replace(low, fx=low.fx * factor, fy=low.fy * factor)

    def left(log_factor: float) -> float:
        return float(np.minimum(_left(seen, [lens_at(log_factor)])[0], NEAR_PX).sum())

    found = minimize_scalar(left, bounds=(0.0, np.log(high.fx / low.fx)), method="bounded", options={"xatol": 3e-3})
    return lens_at(float(found.x))


def _left(seen: NDArray[np.float32], lenses: Sequence[Lens]) -> tuple[Array, Array]:
    """The median distances [l,p] in pixels that the best rotations leave of pairs [2,p,m,2] under each lens, and the
    angles [l,p] of these (rad)."""
    rays = np.stack([lens.rays(seen.reshape(-1, 2)).reshape(*seen.shape[:3], 3) for lens in lenses], axis=1)
    rotations, left = fit_rotation(*rays)
    return np.array([[lens.fx] for lens in lenses]) * np.median(left, axis=-1), angles_of(rotations)
