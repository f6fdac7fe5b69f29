"""Candidates -> loops or refusals: the predictor looks at both places together, and geometry decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3, inverse_of_definite
from ..stitching import align_windows
from ..types import (
    Alignment,
    Float64,
    Frame,
    LoopCandidate,
    LoopEdge,
    LoopRefusal,
    PairPredictor,
    Status,
    UInt8,
    WindowGeometry,
)
from .drift import POSSIBLE, USUAL, Drift
from .geometric_check import Agreement, agreement
from .keyframes import middle, scene_depth

LOOKED_AT = 11  # frames of a neighbourhood, evenly spread: all of them tell no more, and cost as much as half a window
APART = 20  # usual gaps between the frames of two neighbourhoods, below which nothing is revisited
MIN_INLIERS = 0.5
MAX_RESIDUAL = 0.1  # of depth
# Two streets laid upon each other agree in up to 0.6 of their depths, in their pictures in up to 0.3: it takes both.
MIN_DEPTH, SURE_DEPTH = 0.25, 0.4  # share of pixels found again at their depth
MIN_PICTURE, SURE_PICTURE = 0.3, 0.45  # correlation of the pictures there
# How far the one prediction of both places may be off between them, which no half can tell: depths, radians, log-scale.
CHECK_SIGMAS = (0.02, 0.005, 0.01)


class MapQuery(Protocol):
    """What verification must know of the run."""

    def submap_of(self, frame: int) -> int:
        """The window in which a frame is best known."""
        ...

    def frames_of(self, window: int) -> Sequence[int]:
        """The frames that are best known in a window."""
        ...

    def geometry(self, window: int, frames: Sequence[int] | None = None) -> WindowGeometry:
        """The stored geometry of a window, or of some frames of it only; its pictures do not matter."""
        ...

    def frames(self, indices: Sequence[int]) -> Sequence[Frame]:
        """Frames by their indices, as the predictor takes them."""
        ...

    def world_from_window(self, window: int) -> Sim3:
        """Where a window is now."""
        ...

    def path_length(self, earlier: int, later: int) -> float:
        """Length of the camera's way between two frames, in the world's units; NaN where they are in two segments."""
        ...


@dataclass(frozen=True, eq=False)
class _Side:
    """A neighbourhood: the number of its window, and the stored geometry of these frames only."""

    window: int
    geometry: WindowGeometry

    def showing(self, images: UInt8) -> _Side:
        """The same with these pictures, which lie on the depth as the stored ones need not."""
        return replace(self, geometry=replace(self.geometry, images=images))


class LoopVerifier:
    """Looks at one candidate after the other; holds nothing itself."""

    def __init__(self, predictor: PairPredictor, map_so_far: MapQuery, reach: int) -> None:
        """`reach` frames on either side of both frames are looked at."""
        self._predictor, self._map, self._reach = predictor, map_so_far, reach

    def verify(self, candidate: LoopCandidate) -> LoopEdge | LoopRefusal:
        """The loop, or why it is none; see `LoopEdge.certain`. Errors of the predictor are passed on."""
        a, b = self._side(candidate.earlier), self._side(candidate.later)
        if a.window == b.window:
            return LoopRefusal(candidate, "both frames are best known in one window")
        first, second = a.geometry.frame_indices, b.geometry.frame_indices
        if not _apart_in_time(first, second):
            return LoopRefusal(candidate, "the neighbourhoods are hardly apart in time")
        count = len(first)
        frames = self._map.frames([*first.tolist(), *second.tolist()])
        check = self._predictor.predict_pair(frames[:count], frames[count:]).check(frames)
        reason = _unusable(check, a.geometry) or _unusable(check, b.geometry)
        if reason:
            return LoopRefusal(candidate, reason)
        a, b = a.showing(check.images[:count]), b.showing(check.images[count:])
        a_from_check = align_windows(a.geometry, check.rows(np.arange(count)))
        b_from_check = align_windows(b.geometry, check.rows(np.arange(count, len(frames))))
        return self._judged(candidate, (a, b), (a_from_check, b_from_check), check)

    def submaps_of(self, candidate: LoopCandidate) -> tuple[int, int]:
        """The windows in which the two frames of a candidate are best known."""
        return self._map.submap_of(candidate.earlier), self._map.submap_of(candidate.later)

    def _side(self, frame: int) -> _Side:
        """The neighbourhood of a frame, thinned out, moved inwards at the ends of its window."""
        window = self._map.submap_of(frame)
        known = np.asarray(self._map.frames_of(window))
        span = min(2 * self._reach + 1, len(known))
        first = int(np.clip(np.searchsorted(known, frame) - self._reach, 0, len(known) - span))
        rows = first + np.linspace(0, span - 1, min(span, LOOKED_AT)).round().astype(np.int64)
        return _Side(window, self._map.geometry(window, known[rows].tolist()))

    def _judged(
        self,
        candidate: LoopCandidate,
        sides: tuple[_Side, _Side],
        fits: tuple[Alignment, Alignment],
        check: WindowGeometry,
    ) -> LoopEdge | LoopRefusal:
        (a, b), (fit_a, fit_b) = sides, fits
        evidence = {
            "inlier_ratio": min(fit_a.inlier_ratio, fit_b.inlier_ratio),
            "residual": max(fit_a.residual, fit_b.residual),
        }
        if not _fits(fits, evidence):
            return LoopRefusal(candidate, "a half does not fit its window", evidence)
        a_from_b = fit_a.previous_from_current @ fit_b.previous_from_current.inverse()
        found = agreement(a.geometry, b.geometry, a_from_b)
        evidence |= {"depth_agreement": found.depth, "picture_agreement": found.picture}
        if found.depth < MIN_DEPTH:
            return LoopRefusal(candidate, "the geometry does not overlap", evidence)
        if found.picture < MIN_PICTURE:
            return LoopRefusal(candidate, "the pictures differ where the geometry overlaps", evidence)
        drift, possible, usual = self._drift(candidate, sides, a_from_b)
        evidence |= asdict(drift)
        if not possible:
            return LoopRefusal(candidate, "no map drifts so far on such a way", evidence)
        information = combined_information(fit_a, fit_b, scene_depth(check))
        return LoopEdge(candidate, (a.window, b.window), a_from_b, information, evidence, usual and _sure(found))

    def _drift(self, candidate: LoopCandidate, sides: tuple[_Side, _Side], a_from_b: Sim3) -> tuple[Drift, bool, bool]:
        """What the loop implies, whether that is possible, and usual; between segments nothing is known."""
        a, b = sides
        world_from_a, world_from_b = self._map.world_from_window(a.window), self._map.world_from_window(b.window)
        drift = Drift.implied(world_from_a, a_from_b, world_from_b, middle(b.geometry))
        travelled = self._map.path_length(candidate.earlier, candidate.later)
        if not np.isfinite(travelled):
            return drift, True, False
        windows, depth = b.window - a.window, scene_depth(a.geometry) * world_from_a.scale
        possible, usual = (drift.within(bounds, windows, travelled, depth) for bounds in (POSSIBLE, USUAL))
        return drift, possible, usual


def _apart_in_time(first: NDArray[np.int64], second: NDArray[np.int64]) -> bool:
    """Whether the gap between two neighbourhoods (frame indices) is their longest, and far above the usual one."""
    gaps = np.diff([*first, *second])
    between = len(first) - 1
    return int(gaps.argmax()) == between and gaps[between] > APART * max(np.median(gaps), 1)


def _unusable(check: WindowGeometry, stored: WindowGeometry) -> str | None:
    """Why a prediction of both places says nothing of how they lie to each other."""
    if check.status == Status.FAILED:
        return "the predictor found no geometry for both places together"
    if check.status == Status.HELD:
        return "the predictor saw no motion"
    if check.breaks:
        return "the predictor made two separate models"
    if check.depth.shape[1:] != stored.depth.shape[1:]:
        return "the predictor gave depth maps of another size"
    return None


def _fits(fits: tuple[Alignment, Alignment], evidence: dict[str, float]) -> bool:
    return (
        Status.FAILED not in (fits[0].status, fits[1].status)
        and evidence["inlier_ratio"] >= MIN_INLIERS
        and evidence["residual"] <= MAX_RESIDUAL
    )


def _sure(found: Agreement) -> bool:
    return found.depth >= SURE_DEPTH and found.picture >= SURE_PICTURE


def combined_information(fit_a: Alignment, fit_b: Alignment, depth: float) -> Float64:
    """Information [7,7] of a_from_b: both halves' uncertainties and that of the prediction between them.

    With a_from_b = A B^-1 and errors on the right of A and B, the edge's own error on the right is Ad_B (e_A - e_B).
    """
    length, turn, scale = CHECK_SIGMAS
    check = np.square([length * depth] * 3 + [turn] * 3 + [scale])
    covariance = inverse_of_definite(fit_a.information) + inverse_of_definite(fit_b.information) + np.diag(check)
    into_check = fit_b.previous_from_current.inverse().adjoint()
    information = into_check.T @ inverse_of_definite(covariance) @ into_check
    return (information + information.T) / 2
