"""From what pixels showed to the regions that go with the camera: static edges, and the flat parts that they bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...types import UInt8
from .evidence import Evidence

Float32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

MIN_LOOKS = 14  # before which nothing is said
EDGE_LEVELS, WEAK_LEVELS = 2.5, 1.5  # gray levels a pixel: of an edge that is evidence, and of one at all
COHERENT = 0.8  # length of the mean gradient over the mean of its lengths, of an edge that stays
MIN_SPREAD_PX, MIN_SPREAD_SHARE, DOUBTS = (
    4.0,
    (0.15, 0.5),
    2.0,
)  # of the scene's motion along the gradient: in pixels, and of its motion
STEADY_LEVELS, STEADY_SHARE = (3.0, 9.0), 0.3  # deviation of a pixel that stays; as a share of the image's median
RIM_SHARE, STAYS_SHARE = 0.5, 0.6  # of a flat part's outline: static edges, and edges that stay
BLACK_LEVELS, BLACK_CHANGE, BLACK_SHARE = 28.0, 2.0, 0.98  # of black bars
RIM_COHERENT = 0.6
STEP_SHARE, STEP_RIDGE = 0.4, 1.3
CLOSED_SHARE, CLOSED_RIM = 0.85, 0.1
OPEN_SHARE = 0.002  # of the image; a flat part as large that is not bounded is scene
GAP_SHARE = 0.7  # of a steady part's outline that must be found to fill it
KEPT_SHARE = 1.0  # of the deviation of a steady pixel, up to which what was found is kept
AROUND_SHARE = 1.5  # of the deviation of a steady pixel, up to which a pixel beside a region belongs to it
MIN_AREA = 12  # pixels of a region
MIN_EDGES = 0.02  # share of a region's pixels that must be static edges by themselves


def static_regions(evidence: Evidence, before: Bool) -> Bool:
    """Where the image goes with the camera [h,w]; nowhere until enough was seen.

    What was found `before` [h,w] stays until it is seen to change: a car that drives straight on shows no more of it.
    """
    import cv2

    if evidence.looks < MIN_LOOKS:
        return np.zeros(evidence.mean.shape, np.bool_)
    threshold = float(np.clip(STEADY_SHARE * np.median(evidence.deviation), *STEADY_LEVELS))
    steady = evidence.deviation <= threshold
    length = cv2.magnitude(*evidence.gradient)
    coherence = length / np.maximum(evidence.strength, 1e-3)
    edge = (length >= EDGE_LEVELS) & _spread_along(evidence, *evidence.gradient)
    seeds = edge & (coherence >= COHERENT) & _near(steady) & (evidence.deviation <= 2 * threshold)
    rim = edge & (coherence >= RIM_COHERENT) | _steps(evidence, threshold)
    stays = rim | (length >= WEAK_LEVELS) & (coherence >= RIM_COHERENT)
    kept = before & (evidence.deviation <= KEPT_SHARE * threshold)
    found = _tidy(_filled(seeds | kept | _bounded(steady, rim, stays), steady), seeds | kept)
    around = cv2.dilate(found.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    edges = around & ~steady & (evidence.deviation <= AROUND_SHARE * threshold)  # mixed pixels at a border
    return found | edges | _bars(evidence)


def _near(part: Bool, size: int = 3) -> Bool:
    import cv2

    return cv2.dilate(part.view(np.uint8), np.ones((size, size), np.uint8)) > 0


def _steps(evidence: Evidence, threshold: float) -> Bool:
    """Where a steady part ends at an edge that was there at every look, though its sign may have changed."""
    import cv2

    capped = cv2.blur(np.minimum(evidence.deviation, 4 * threshold), (3, 3))
    x, y = (cv2.Sobel(capped, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    ridge = evidence.strength >= STEP_RIDGE * cv2.blur(evidence.strength, (13, 13))
    return (cv2.magnitude(x, y) >= STEP_SHARE * threshold) & ridge & _spread_along(evidence, x, y)


def _spread_along(evidence: Evidence, x: Float32, y: Float32) -> Bool:
    """Whether the scene has moved far enough along the directions x, y [h,w] that an edge across them had gone."""
    import cv2

    size = x.shape[::-1]
    xx, xy, yy = (cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) for part in evidence.spread)
    share = float(np.clip(DOUBTS * evidence.doubt, *MIN_SPREAD_SHARE))  # directions are as uncertain
    along = (x * x * xx + 2 * x * y * xy + y * y * yy) / np.maximum(x * x + y * y, 1e-9)
    return along >= np.maximum(MIN_SPREAD_PX**2, share**2 * (xx + yy))


def _bars(evidence: Evidence) -> Bool:
    """Black rows and columns at the image's borders: they show nothing, whether or not the scene has moved."""
    bars = np.zeros(evidence.mean.shape, np.bool_)
    black = (evidence.mean <= BLACK_LEVELS) & (evidence.deviation <= BLACK_CHANGE)
    for axis, view in ((1, bars), (0, bars.T)):
        lines, levels = black.mean(axis) >= BLACK_SHARE, evidence.mean.mean(axis)
        view[: _bar(lines, levels)] = True
        view[len(lines) - _bar(lines[::-1], levels[::-1]) :] = True
    return bars


def _bar(black: Bool, levels: Float32) -> int:
    """How many lines the bar has that black lines [n] begin, by their mean gray levels [n]: its edge lies half-way."""
    first = int(np.argmin(black))
    if first == 0 or first + 4 > len(levels):
        return 0
    half = (levels[first - 1] + levels[first + 3]) / 2
    return first + int(np.argmin(levels[first : first + 4] < half))


def _bounded(steady: Bool, rim: Bool, stays: Bool) -> Bool:
    """The flat parts of whose outline, where it is not the image's border, enough is rim, and most an edge that stays.

    A part that does not touch the border, and all of whose outline stays, needs less of a rim; so does one with edges
    of its own, unless it reaches the upper border as the sky does.
    """
    flat, near = steady & ~stays, (_near(rim, 5), _near(stays, 5))
    labels, stats, total, good, fixed = _outlined(flat, *near)
    closed = (fixed >= CLOSED_SHARE * total) & (good >= np.maximum(CLOSED_RIM * total, 4))
    accepted = (good >= RIM_SHARE * total) & (fixed >= STAYS_SHARE * total) | _inside(stats, flat.shape) & closed
    accepted[0] = False
    found = accepted[labels]
    open_parts = ~accepted & (stats[:, 4] >= OPEN_SHARE * flat.size)  # a road or the sky is no part of what lies on it
    open_parts[0] = False
    labels, stats, total, good, fixed = _outlined(steady & ~open_parts[labels], *near)
    accepted = (fixed >= CLOSED_SHARE * total) & (good >= np.maximum(CLOSED_RIM * total, 8)) & (stats[:, 1] > 1)
    accepted[0] = False
    return found | accepted[labels]


def _outlined(
    part: Bool, near_rim: Bool, near_edge: Bool
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Connected parts: labels [h,w], statistics [n,5], pixels of each outer outline [n], and how many near the rest."""
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(part.view(np.uint8), connectivity=8)
    which, x, y = _outer_outlines(part.view(np.uint8), labels)
    total = np.maximum(np.bincount(which, minlength=len(stats)), 1)
    good, fixed = (np.bincount(which, near[y, x], len(stats)) for near in (near_rim, near_edge))
    return labels, stats, total, good, fixed  # type: ignore[return-value]


def _outer_outlines(flat: UInt8, labels: NDArray[np.int32]) -> tuple[NDArray[np.int32], ...]:
    """The outer outline of each part but for the image's border: its label, x and y, [n] each."""
    import cv2

    contours, hierarchy = cv2.findContours(flat, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outer = [c[:, 0] for c, links in zip(contours, hierarchy[0], strict=True) if links[3] < 0] if contours else []
    points = np.concatenate(outer) if outer else np.zeros((0, 2), np.int32)
    height, width = flat.shape
    inner = (points[:, 0] > 0) & (points[:, 1] > 0) & (points[:, 0] < width - 1) & (points[:, 1] < height - 1)
    x, y = points[inner].T
    return labels[y, x], x, y


def _filled(found: Bool, steady: Bool) -> Bool:
    """With the steady parts that lie within what was found: flat, or with edges of which nothing is known."""
    import cv2

    count, labels = cv2.connectedComponents((steady & ~found).view(np.uint8), connectivity=4)
    grown = cv2.dilate(labels.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.int32)
    ring = (grown > 0) & (labels == 0)
    share = np.bincount(grown[ring & found], minlength=count) / np.maximum(np.bincount(grown[ring], minlength=count), 1)
    gaps = share >= GAP_SHARE
    gaps[0] = False
    return found | gaps[labels]


def _inside(stats: NDArray[np.int32], shape: tuple[int, int]) -> Bool:
    """Which parts [n] do not touch the image's border."""
    left, top, width, height = stats[:, :4].T
    return (left > 1) & (top > 1) & (left + width < shape[1] - 1) & (top + height < shape[0] - 1)


def _tidy(found: Bool, seeds: Bool) -> Bool:
    """Without specks, and with pinholes closed."""
    import cv2

    closed = cv2.morphologyEx(found.view(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    edges = np.bincount(labels[seeds], minlength=count)
    kept = (stats[:, cv2.CC_STAT_AREA] >= MIN_AREA) & (edges >= MIN_EDGES * stats[:, cv2.CC_STAT_AREA])
    kept[0] = False
    return kept[labels]
