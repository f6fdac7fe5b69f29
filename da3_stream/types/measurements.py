"""Measurements between and within windows: alignments, scale observations and loops, for the pose graph to join."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from .window import Float64, Status


@dataclass(frozen=True, eq=False)
class Alignment:
    """How the current window lies in the previous one.

    `information` is [7,7] in the order of `Sim3.log` of the edge's residual, `residual` the median relative one.
    """

    previous_from_current: Sim3
    information: Float64
    inlier_ratio: float
    residual: float
    status: Status
    shared: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class ScaleObservation:
    """What one window knows of its own scale, to be a prior of the graph.

    `log_scale` is the logarithm of metres (absolute) or of one common unknown length (relative) per unit of the
    window, `sigma` its standard deviation, `source` who says so.
    """

    submap: int
    log_scale: float
    sigma: float
    source: str
    absolute: bool


@dataclass(frozen=True)
class LoopCandidate:
    """Two frames (by index, `earlier` before `later`) that may show one place.

    `similarity` is 1 where they look as alike as frames next to each other and 0 where as alike as frames of any two
    places; `support` counts the hits of the run in which it was found.
    """

    earlier: int
    later: int
    similarity: float
    support: int


@dataclass(frozen=True, eq=False)
class LoopEdge:
    """A verified loop: how the window of the later frame lies in that of the earlier one.

    `information` is [7,7] in the order of `Sim3.log` of the edge's residual; `evidence` are the figures it rests on;
    `certain` is False where it takes a neighbour that says the same before it may be believed.
    """

    candidate: LoopCandidate
    submaps: tuple[int, int]  # a of the earlier frame, b of the later one
    a_from_b: Sim3
    information: Float64
    evidence: Mapping[str, float]
    certain: bool


@dataclass(frozen=True, eq=False)
class LoopRefusal:
    """A candidate that is not believed, why, and the figures that say so."""

    candidate: LoopCandidate
    reason: str
    evidence: Mapping[str, float] = field(default_factory=dict)
