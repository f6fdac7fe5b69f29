"""Which edges stay in the image, and of which the scene's motion proves that they are not the scene's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .evidence import Evidence

Float32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

EDGE_LEVELS, WEAK_LEVELS = 2.5, 1.5  # gray levels a pixel: well above compressed noise; at its upper end
HARD_LEVELS = 8.0  # gray levels a pixel: no cloud has such edges
COHERENT, RIM_COHERENT = 0.8, 0.6  # length of the mean gradient over the mean of its lengths: noise takes off up to 0.4
SPREAD_PX = 4.0  # of the scene's motion across an edge: more than an edge is wide
SPREAD_SHARE = (0.25, 0.5)  # of the scene's motion; edges at less than 15 (30) degrees to it may slide along themselves
DOUBTS = 2.0  # the motion's uncertain share of which that is at least, as directions are as uncertain
NEAR_SHARE = 0.5  # of the looks in which the ground must have been near
STEADY_LEVELS, STEADY_SHARE = (3.0, 9.0), 0.3  # deviation of a pixel that stays; as a share of the image's median
STEP_SHARE, STEP_RIDGE = 0.4, 1.3  # of `steady` that the deviation jumps by; how an edge stands out of its surroundings
COVER_SHARE = 0.8  # the same of a step so large that what changes is seen to be covered
CHANGE_SHARE = 2.5  # of `steady`: the deviation of what changes
RESTLESS_SHARE = 0.7  # of `steady`: deviations that few pixels have of what stays, many of flat ground that slides by
BESIDE_PX, BESIDE_SHARE = 5, 0.35  # a neighbourhood, and how much of it changes beside a straight edge


@dataclass(frozen=True, eq=False)
class Edges:
    """Pixels [h,w]: `steady` ones, and edges.

    `stays`: edges that are where they were; `rim`: those of them that would have left if they were the scene's, however
    far away above the middle of the image; `likely`: the same if they were as near as the corners around; `seeds`: the
    surest of `rim`; `beside_change`: with much change near by; `hard`: of a strong gradient; `restless`: hardly
    steady. `threshold` is the
    deviation, in gray levels, up to which a pixel is steady.
    """

    steady: Bool
    stays: Bool
    rim: Bool
    likely: Bool
    seeds: Bool
    beside_change: Bool
    hard: Bool
    restless: Bool
    threshold: float


def static_edges(evidence: Evidence) -> Edges:
    """The edges of what was seen."""
    import cv2

    threshold = float(np.clip(STEADY_SHARE * np.median(evidence.deviation), *STEADY_LEVELS))
    steady = evidence.deviation <= threshold
    length = cv2.magnitude(*evidence.gradient)
    coherence = length / np.maximum(evidence.strength, 1e-3)
    edge = (length >= EDGE_LEVELS) & (coherence >= RIM_COHERENT)
    proven, likely = _moved_across(evidence, *evidence.gradient)
    stepped, covers, x, y = _steps(evidence, threshold)
    step_proven, step_likely = _moved_across(evidence, x, y)
    changes = (evidence.deviation >= CHANGE_SHARE * threshold).astype(np.float32)
    beside = cv2.blur(changes, (BESIDE_PX, BESIDE_PX)) >= BESIDE_SHARE
    rim = edge & proven | stepped & step_proven | covers & step_likely
    near_steady = cv2.dilate(steady.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    seeds = edge & proven & (coherence >= COHERENT) & near_steady & (evidence.deviation <= 2 * threshold)
    stays = rim | (length >= WEAK_LEVELS) & (coherence >= RIM_COHERENT)
    return Edges(
        steady=steady,
        stays=stays,
        rim=rim,
        likely=edge & likely | stepped & step_likely,
        seeds=seeds,
        beside_change=beside,
        hard=length >= HARD_LEVELS,
        restless=evidence.deviation > RESTLESS_SHARE * threshold,
        threshold=threshold,
    )


def _steps(evidence: Evidence, threshold: float) -> tuple[Bool, Bool, Float32, Float32]:
    """Where a steady part ends at an edge of every look, of whatever sign; and the direction across it."""
    import cv2

    capped = cv2.blur(np.minimum(evidence.deviation, 4 * threshold), (3, 3))
    x, y = (cv2.Sobel(capped, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    ridge = evidence.strength >= STEP_RIDGE * cv2.blur(evidence.strength, (13, 13))
    step = cv2.magnitude(x, y)
    return (step >= STEP_SHARE * threshold) & ridge, (step >= COVER_SHARE * threshold) & ridge, x, y


def _moved_across(evidence: Evidence, x: Float32, y: Float32) -> tuple[Bool, Bool]:
    """Whether the scene has moved far enough along the directions x, y [h,w] that an edge across them had gone.

    First however far away it were: in the upper half may be sky, roofs and hills, which only turns of the camera move,
    and in the lower half is nothing beyond the ground, unless that is far away too (`SceneFlow.is_near`). Then as near
    as the corners around.
    """
    import cv2

    size, far = x.shape[::-1], len(x) // 2
    spread = [cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) for part in evidence.spread]
    doubtful = float(np.clip(DOUBTS * evidence.doubt, *SPREAD_SHARE))
    likely = _across(spread, x, y, doubtful)
    proven = _across(evidence.turn_spread, x, y, SPREAD_SHARE[0])
    likely[far:] &= cv2.resize(evidence.near, size, interpolation=cv2.INTER_LINEAR)[far:] >= NEAR_SHARE
    proven[far:] |= likely[far:]
    return proven, likely


def _across(spread: list[Float32] | Float32, x: Float32, y: Float32, share: float) -> Bool:
    xx, xy, yy = spread
    along = x * x * xx + 2 * x * y * xy + y * y * yy
    return along >= (x * x + y * y) * np.maximum(SPREAD_PX**2, share**2 * (xx + yy))  # type: ignore[no-any-return]
