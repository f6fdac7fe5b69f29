"""Candidates -> loops or refusals: where a loop is refused, and why.

`LoopVerifier.verify` makes these checks in order, and the first that fails is the reason of the refusal:

1. the pair: two submaps, far enough apart in time that this is a revisit (`_refuse_pair`);
2. the predictor sees both neighbourhoods in one prediction, which must be usable (`_refuse_prediction`);
3. either half of the prediction must align with its submap (`_refuse_alignments`);
4. both submaps, laid upon each other by the loop, must show the same surfaces (`_refuse_agreement`);
5. the drift that the loop implies must be possible (`LoopVerifier._drift`).

Four more refusals are made elsewhere: `slam.loop_closing` verifies no candidate of two submaps that have enough loops,
none that would tell the map little (`slam.loop_information`), and none for which the predictor fails;
`temporal_consistency` refuses an uncertain loop that no neighbour agrees with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

import numpy as np

from ..geometry import Sim3
from ..stitching import align_windows
from ..types import (
    Alignment,
    Frame,
    LoopCandidate,
    LoopEdge,
    LoopRefusal,
    PairPredictor,
    Status,
    UInt8,
    WindowGeometry,
)
from .drift import POSSIBLE_DRIFT, USUAL_DRIFT, Drift
from .edge_information import combined_information
from .geometric_check import Agreement, measure_agreement
from .keyframes import median_camera_centre, scene_depth

NEIGHBOURHOOD_FRAMES = 11  # evenly spread: all frames of it tell no more, and cost as much as half a window
MIN_GAP_RATIO = 20  # median gaps between frames; two neighbourhoods closer in time are no revisit
MIN_INLIERS = 0.5
MAX_RESIDUAL = 0.1  # share of depth
# Two different streets laid upon each other agree in up to 0.6 of their depths, and correlate by up to 0.3 in their
# images: it takes both.
MIN_DEPTH_AGREEMENT, CERTAIN_DEPTH_AGREEMENT = 0.25, 0.4  # share of pixels shown at the same depth
MIN_IMAGE_CORRELATION, CERTAIN_IMAGE_CORRELATION = 0.3, 0.45  # of the images there


class MapQuery(Protocol):
    """What loop verification asks of the map; `slam.SubmapStore` answers."""

    def submap_of(self, frame: int) -> int:
        """The submap that owns a frame."""
        ...

    def frames_of(self, submap: int) -> Sequence[int]:
        """The frames that a submap owns."""
        ...

    def geometry(self, submap: int, frames: Sequence[int] | None = None) -> WindowGeometry:
        """The stored geometry of a submap, or of some of its frames only; its images do not matter."""
        ...

    def frames(self, indices: Sequence[int]) -> Sequence[Frame]:
        """Frames by their indices, as the predictor takes them."""
        ...

    def world_from_window(self, submap: int) -> Sim3:
        """Where a submap lies now."""
        ...

    def path_length(self, earlier: int, later: int) -> float:
        """Length of the camera's path between two frames, in the world's units; NaN where they are in two segments."""
        ...


@dataclass(frozen=True, eq=False)
class _Neighbourhood:
    """Frames around one end of a candidate, with the geometry that their submap has stored."""

    submap: int
    geometry: WindowGeometry

    def with_images(self, images: UInt8) -> _Neighbourhood:
        """The same with these images, which have the size of the depth maps, as the stored ones need not."""
        return replace(self, geometry=replace(self.geometry, images=images))


class LoopVerifier:
    """Verifies one candidate after the other; holds no state."""

    def __init__(self, predictor: PairPredictor, map_query: MapQuery, reach: int) -> None:
        """`reach` frames on either side of both frames of a candidate are predicted."""
        self._predictor, self._map, self._reach = predictor, map_query, reach

    def verify(self, candidate: LoopCandidate) -> LoopEdge | LoopRefusal:
        """The loop, or why it is refused; see `LoopEdge.certain`. Errors of the predictor are passed on."""
        a, b = self._neighbourhood(candidate.earlier), self._neighbourhood(candidate.later)
        if reason := _refuse_pair(a, b):
            return LoopRefusal(candidate, reason)
        prediction = self._predict(a, b)
        if reason := _refuse_prediction(prediction, a) or _refuse_prediction(prediction, b):
            return LoopRefusal(candidate, reason)
        count = len(a.geometry.frame_indices)
        a, b = a.with_images(prediction.images[:count]), b.with_images(prediction.images[count:])
        alignments = _align_halves(prediction, a, b)
        evidence = _alignment_evidence(alignments)
        if reason := _refuse_alignments(alignments, evidence):
            return LoopRefusal(candidate, reason, evidence)
        a_from_b = alignments[0].previous_from_current @ alignments[1].previous_from_current.inverse()
        agreement = measure_agreement(a.geometry, b.geometry, a_from_b)
        evidence |= {"depth_agreement": agreement.depth, "picture_agreement": agreement.image}
        if reason := _refuse_agreement(agreement):
            return LoopRefusal(candidate, reason, evidence)
        drift, possible, usual = self._drift(candidate, (a, b), a_from_b)
        evidence |= asdict(drift)
        if not possible:
            return LoopRefusal(candidate, "no map drifts so far on such a way", evidence)
        information = combined_information(*alignments, scene_depth(prediction))
        certain = usual and _is_certain(agreement)
        return LoopEdge(candidate, (a.submap, b.submap), a_from_b, information, evidence, certain)

    def submaps_of(self, candidate: LoopCandidate) -> tuple[int, int]:
        """The submaps that own the two frames of a candidate."""
        return self._map.submap_of(candidate.earlier), self._map.submap_of(candidate.later)

    def _neighbourhood(self, frame: int) -> _Neighbourhood:
        """The frames around a frame, thinned out, moved inwards at the ends of its submap."""
        submap = self._map.submap_of(frame)
        owned = np.asarray(self._map.frames_of(submap))
        span = min(2 * self._reach + 1, len(owned))
        first = int(np.clip(np.searchsorted(owned, frame) - self._reach, 0, len(owned) - span))
        rows = first + np.linspace(0, span - 1, min(span, NEIGHBOURHOOD_FRAMES)).round().astype(np.int64)
        return _Neighbourhood(submap, self._map.geometry(submap, owned[rows].tolist()))

    def _predict(self, a: _Neighbourhood, b: _Neighbourhood) -> WindowGeometry:
        """One prediction of both neighbourhoods together, the rows of a first."""
        first, second = a.geometry.frame_indices, b.geometry.frame_indices
        frames = self._map.frames([*first.tolist(), *second.tolist()])
        return self._predictor.predict_pair(frames[: len(first)], frames[len(first) :]).check(frames)

    def _drift(
        self, candidate: LoopCandidate, sides: tuple[_Neighbourhood, _Neighbourhood], a_from_b: Sim3
    ) -> tuple[Drift, bool, bool]:
        """What the loop implies, whether that is possible, and usual. Between segments any drift is possible, and none
        is usual: nothing is known of how they lie to each other."""
        a, b = sides
        world_from_a, world_from_b = self._map.world_from_window(a.submap), self._map.world_from_window(b.submap)
        drift = Drift.of_loop(world_from_a, a_from_b, world_from_b, median_camera_centre(b.geometry))
        path_length = self._map.path_length(candidate.earlier, candidate.later)
        if not np.isfinite(path_length):
            return drift, True, False
        submaps, depth = b.submap - a.submap, scene_depth(a.geometry) * world_from_a.scale
        possible, usual = (
            drift.within(bounds, submaps, path_length, depth) for bounds in (POSSIBLE_DRIFT, USUAL_DRIFT)
        )
        return drift, possible, usual


def _refuse_pair(a: _Neighbourhood, b: _Neighbourhood) -> str | None:
    """Why two neighbourhoods are no revisit. They are one if the gap between them is their longest, and far above the
    usual one between frames."""
    if a.submap == b.submap:
        return "both frames are best known in one window"
    first, second = a.geometry.frame_indices, b.geometry.frame_indices
    gaps = np.diff([*first, *second])
    between = len(first) - 1
    if int(gaps.argmax()) != between or gaps[between] <= MIN_GAP_RATIO * max(np.median(gaps), 1):
        return "the neighbourhoods are hardly apart in time"
    return None


def _refuse_prediction(prediction: WindowGeometry, side: _Neighbourhood) -> str | None:
    """Why a prediction of both neighbourhoods does not tell how they lie to each other."""
    if prediction.status == Status.FAILED:
        return "the predictor found no geometry for both places together"
    if prediction.status in (Status.HELD, Status.TURNED):
        return "the predictor saw no motion"
    if prediction.breaks:
        return "the predictor made two separate models"
    if prediction.depth.shape[1:] != side.geometry.depth.shape[1:]:
        return "the predictor gave depth maps of another size"
    return None


def _align_halves(prediction: WindowGeometry, a: _Neighbourhood, b: _Neighbourhood) -> tuple[Alignment, Alignment]:
    """The halves of the prediction aligned with the submaps: a_from_prediction and b_from_prediction."""
    count, total = len(a.geometry.frame_indices), len(prediction.frame_indices)
    first, second = prediction.rows(np.arange(count)), prediction.rows(np.arange(count, total))
    return align_windows(a.geometry, first), align_windows(b.geometry, second)


def _alignment_evidence(alignments: tuple[Alignment, Alignment]) -> dict[str, float]:
    """The worse of both alignments."""
    return {
        "inlier_ratio": min(alignment.inlier_ratio for alignment in alignments),
        "residual": max(alignment.residual for alignment in alignments),
    }


def _refuse_alignments(alignments: tuple[Alignment, Alignment], evidence: dict[str, float]) -> str | None:
    """Why the halves of the prediction contradict the submaps."""
    aligned = Status.FAILED not in (alignments[0].status, alignments[1].status)
    if aligned and evidence["inlier_ratio"] >= MIN_INLIERS and evidence["residual"] <= MAX_RESIDUAL:
        return None
    return "a half does not fit its window"


def _refuse_agreement(agreement: Agreement) -> str | None:
    """Why the submaps, laid upon each other by the loop, do not show the same surfaces."""
    if agreement.depth < MIN_DEPTH_AGREEMENT:
        return "the geometry does not overlap"
    if agreement.image < MIN_IMAGE_CORRELATION:
        return "the pictures differ where the geometry overlaps"
    return None


def _is_certain(agreement: Agreement) -> bool:
    return agreement.depth >= CERTAIN_DEPTH_AGREEMENT and agreement.image >= CERTAIN_IMAGE_CORRELATION
