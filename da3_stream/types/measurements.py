"""Measurements between and within windows: alignments, scale observations and loops, for the pose graph to join."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from .window import Float64, Status


@dataclass(frozen=True, eq=False)
class Alignment:
    """The transform from the current window to the previous one, by their shared frames.

    `information` is [7,7] in the order of `Sim3.log` of the edge's residual, `residual` the median relative one.
    Without `scale_known` the windows share only frames in which the camera turns on the spot: the scale is 1 for want
    of knowledge, `centre` the place of the shared cameras in the current window.
    """

    previous_from_current: Sim3
    information: Float64
    inlier_ratio: float
    residual: float
    status: Status
    shared: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    scale_known: bool = True
    centre: Float64 = field(default_factory=lambda: np.zeros(3))  # [3]

    def with_scale(self, scale: float) -> Alignment:
        """The same with another scale about the centre."""
        old = self.previous_from_current
        shift = old.apply(self.centre[None])[0] - scale * old.rotation @ self.centre
        return replace(self, previous_from_current=Sim3(scale, old.rotation, shift))


@dataclass(frozen=True, slots=True)
class ScaleObservation:
    """An observation of one window's scale, for a prior factor of the pose graph.

    `log_scale` is the logarithm of metres (absolute) or of one common unknown length (relative) per unit of the
    window, `sigma` its standard deviation, `source` the method that observed it.
    """

    submap: int
    log_scale: float
    sigma: float
    source: str
    absolute: bool


@dataclass(frozen=True)
class LoopCandidate:
    """Two frames (by index, `earlier` before `later`) that may show the same place.

    `similarity` is that of the descriptors: 1 if typical of consecutive frames, 0 if typical of frames at different
    places; `support` counts the hits in the sequence of matches that the candidate belongs to, `rank` the candidates
    before it that compare the same later place with other visits.
    """

    earlier: int
    later: int
    similarity: float
    support: int
    rank: int = 0


@dataclass(frozen=True, eq=False)
class LoopEdge:
    """A verified loop: the transform from the submap of the later frame to that of the earlier one.

    `information` is [7,7] in the order of `Sim3.log` of the edge's residual; `evidence` has the figures of the
    verification; `certain` is False if a second, consistent loop is required before it is added to the graph.
    """

    candidate: LoopCandidate
    submaps: tuple[int, int]  # a of the earlier frame, b of the later one
    a_from_b: Sim3
    information: Float64
    evidence: Mapping[str, float]
    certain: bool


@dataclass(frozen=True, eq=False)
class LoopRefusal:
    """A rejected loop candidate, the reason, and the figures of the verification."""

    candidate: LoopCandidate
    reason: str
    evidence: Mapping[str, float] = field(default_factory=dict)
