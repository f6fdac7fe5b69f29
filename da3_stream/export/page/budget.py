"""Which of a run's points a page of a bounded size holds: everywhere as dense as everywhere else.

Nodes of all submaps' octrees come coarse before fine, by the distance between their points in the world, as long as
they fit. Where not even the roots do, each of them is thinned to a spacing that is the same over the whole run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import Float64
from .document import base64_size

POINT_BYTES = 12  # position, row of the frame, colour and confidence
_HALVINGS = 60  # of the interval in which the spacing is sought: to the last bit


@dataclass(frozen=True, eq=False)
class SubmapNodes:
    """The nodes of a submap's octree, breadth first."""

    submap: int
    points: NDArray[np.int64]  # [N]
    spacing: Float64  # [N] between points, in the world
    entry_bytes: NDArray[np.int64]  # [N] what a node's entry takes in the header, with the comma behind it

    @property
    def cost(self) -> NDArray[np.int64]:
        """Bytes [N] of a page that each node takes, at most."""
        return base64_size(POINT_BYTES * self.points) + base64_size(self.entry_bytes)


@dataclass(frozen=True)
class Chosen:
    """The first nodes of a submap that a page holds, and how many points of each."""

    submap: int
    points: tuple[int, ...]


def choose_points(submaps: Sequence[SubmapNodes], room: int) -> list[Chosen]:
    """What fits into so many bytes, for each of the submaps; nothing of any where `room` is not enough for the entries
    of the roots."""
    if not submaps:
        return []
    counts = _leading_nodes(submaps, room)
    if min(counts) > 0:
        return [Chosen(each.submap, tuple(each.points[:n].tolist())) for each, n in zip(submaps, counts, strict=True)]
    return [
        Chosen(each.submap, (n,) if n else ()) for each, n in zip(submaps, _thinned_roots(submaps, room), strict=True)
    ]


def _leading_nodes(submaps: Sequence[SubmapNodes], room: int) -> list[int]:
    """How many nodes of each submap: the coarsest of the run that fit."""
    # a child is never taken before its parent, whatever spacings say
    spacing = np.concatenate([np.minimum.accumulate(each.spacing) for each in submaps])
    number = np.concatenate([np.arange(len(each.points)) for each in submaps])
    owner = np.repeat(np.arange(len(submaps)), [len(each.points) for each in submaps])
    order = np.lexsort((owner, number, -spacing))  # of equals, the first ones of all submaps come first
    costs = np.concatenate([each.cost for each in submaps])[order]
    fitting = int(np.searchsorted(np.cumsum(costs), room, "right"))
    return np.bincount(owner[order[:fitting]], minlength=len(submaps)).tolist()


def _thinned_roots(submaps: Sequence[SubmapNodes], room: int) -> list[int]:
    """Points of each root at the densest spacing, the same for all, at which they fit."""
    points = np.array([each.points[0] for each in submaps])
    spacing = np.array([each.spacing[0] for each in submaps])
    left = room - sum(int(base64_size(each.entry_bytes[:1])[0]) for each in submaps)

    def thinned(log_spacing: float) -> NDArray[np.int64]:
        """Points lie on surfaces, so that their number falls with the square of their distance."""
        return np.floor(points * np.minimum(1.0, (spacing / np.exp(log_spacing)) ** 2)).astype(np.int64)

    dense, sparse = np.log(spacing.min()), np.log(spacing.max()) + np.log(points.max() + 1.0)
    for _ in range(_HALVINGS):
        middle = (dense + sparse) / 2
        fits = int(base64_size(POINT_BYTES * thinned(middle)).sum()) <= left
        dense, sparse = (dense, middle) if fits else (middle, sparse)
    return thinned(sparse).tolist() if left > 0 else [0] * len(submaps)
