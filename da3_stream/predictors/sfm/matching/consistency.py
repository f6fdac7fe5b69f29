"""What near pairs of frames say of far ones: where things repeat, far pairs verify against a shifted copy.

A point is carried from one frame to a later one in small steps: between neighbours by KLT tracks, over twice the
distance by the correspondences of the two halves. A match of two far frames that ends somewhere else shows another
copy of what it began on. The epipolar geometry does not tell: along a corridor it is the same for every copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ....geometry.lens import Lens
from .correspondences import of_rows
from .pairs import Matches, TwoView, verify_pair

BASE_PX = 2.0  # what keypoints, tracks and interpolation are off by
SPREAD = 2.0  # deviations of the near controls that a match may be off by
OF_MOTION = 0.05  # share of a motion that its interpolation is off by
NEAREST = 6  # controls from which a motion is interpolated
REACH_PX = 32.0  # controls farther off say nothing
CLOSE_PX = 1.0  # as exact as epipolar geometry asks for
LINK_SIGMA_PX = 1.0  # of a match or a track between two frames
JOIN_PX = 3.0  # two correspondences that meet in a frame this close go on as one
MAX_LINKS = 600
SAMPLE = 200  # matches of a pair that are looked at first
SUSPECT = 0.05  # share of a pair's telling matches that is contradicted; below it the pair is taken as it is
DOUBTED = 0.2  # above it a pair does not free itself of the doubt of those that it is carried over
REFUTED = 0.5  # above it nothing of the pair is believed
MIN_TELLING = 15  # with fewer a pair is judged by the pairs that it is carried over

Pair = tuple[int, int]
Points = NDArray[np.float64]
CONSISTENT, CLOSE, UNTOLD, CONTRADICTED = 2, 1, 0, -1


@dataclass(frozen=True, eq=False)
class Links:
    """Where points [n,2] of one frame are in another [n,2], and how far that may be off [n], pixels."""

    start: Points
    end: Points
    sigma: NDArray[np.float64]

    def then(self, later: Links) -> Links:
        """Links across both: those that end near the start of one of the later ones."""
        if not len(self.start) or not len(later.start):
            return NO_LINKS
        gap, nearest = _nearest(later.start, self.end, 1)
        met = gap[:, 0] < JOIN_PX
        which = nearest[met, 0]
        end = later.end[which] + self.end[met] - later.start[which]
        sigma: NDArray[np.float64] = self.sigma[met] + later.sigma[which] + 0.5 * gap[met, 0]
        return Links(self.start[met], end, sigma)

    def and_also(self, other: Links) -> Links:
        """Both together, evenly thinned to the most that is kept."""
        parts = zip((self.start, self.end, self.sigma), (other.start, other.end, other.sigma), strict=True)
        start, end, sigma = (np.concatenate(pair) for pair in parts)
        kept = np.linspace(0, len(start) - 1, min(len(start), MAX_LINKS)).astype(np.int64)
        return Links(start[kept], end[kept], sigma[kept])

    def judge(self, start: Points, end: Points) -> NDArray[np.int8]:
        """For matches [m,2] each: CONTRADICTED, CONSISTENT where another copy would be told apart, CLOSE where it would
        not, or UNTOLD."""
        verdict = np.full(len(start), UNTOLD, np.int8)
        if len(self.start) < NEAREST or not len(start):
            return verdict
        distance, near = _nearest(self.start, start, NEAREST)
        told = distance[:, -1] < REACH_PX
        if not told.any():
            return verdict
        expected, tolerance = self._interpolate(start[told], near[told])
        moved = end[told] - start[told]
        off = np.linalg.norm(moved - expected, axis=1)
        # a match may also move as two of its neighbours do: at the edge of a near thing they disagree
        shifts = (self.end - self.start)[near[told]]
        off = np.minimum(off, np.partition(np.linalg.norm(moved[:, None] - shifts, axis=2), 1)[:, 1])
        telling = np.linalg.norm(expected, axis=1) > 2 * tolerance
        verdict[told] = np.where(
            off > tolerance, CONTRADICTED, np.where(telling, CONSISTENT, np.where(off < CLOSE_PX, CLOSE, UNTOLD))
        )
        return verdict

    def _interpolate(self, at: Points, near: NDArray[np.int64]) -> tuple[Points, NDArray[np.float64]]:
        """Motion [m,2] of points by an affine field through their nearest links, and how far it may be off [m]."""
        shifts = (self.end - self.start)[near]  # (m, k, 2)
        design = np.concatenate([np.ones((*near.shape, 1)), (self.start[near] - at[:, None]) / REACH_PX], axis=2)
        # the small ridge on the gradient keeps links in a row from being extrapolated to the side
        normal = design.transpose(0, 2, 1) @ design + np.diag([0.0, 0.01, 0.01])
        field = np.linalg.solve(normal, design.transpose(0, 2, 1) @ shifts)
        spread = np.sqrt(((design @ field - shifts) ** 2).sum(axis=2).mean(axis=1))
        moved = np.linalg.norm(field[:, 0], axis=1)
        return field[:, 0], BASE_PX + SPREAD * spread + self.sigma[near].mean(axis=1) + OF_MOTION * moved


NO_LINKS = Links(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))


@dataclass(frozen=True, eq=False)
class Limited:
    """The pairs of a window without what near ones contradict, and for every frame [rows] the share of the telling
    matches of its pairs that was contradicted, of all pairs and of those with its neighbours alone (by tracks)."""

    views: dict[Pair, TwoView]
    contradiction: NDArray[np.float64]
    of_neighbours: NDArray[np.float64]

    def rows(self, keep: NDArray[np.int64]) -> Limited:
        """The same of some of the rows (ascending), counted anew."""
        return Limited(of_rows(self.views, keep), self.contradiction[keep], self.of_neighbours[keep])


def limit_far_pairs(
    xy: Sequence[NDArray[np.float32]],
    tracked_from: Sequence[int],
    matches: Mapping[Pair, Matches],
    views: Mapping[Pair, TwoView],
    lens: Lens,
) -> Limited:
    """Hold the verified pairs of a window against what is carried from frame to frame.

    `xy` [n,2] are the points of every row, tracked ones from `tracked_from` on, `matches` those of all pairs before
    verification, among which a doubted pair looks for another geometry.
    """
    limiter = _Limiter(xy, tracked_from, matches, lens)
    kept = {pair: limiter.limit(pair, views.get(pair)) for pair in sorted(matches, key=lambda pair: pair[1] - pair[0])}
    limited = {pair: view for pair in views if (view := kept[pair]) is not None}
    return Limited(limited, limiter.contradiction(), limiter.contradiction_of_neighbours())


class _Limiter:
    """Goes through the pairs of a window from near to far and remembers what each links and how doubtful it is."""

    def __init__(
        self,
        xy: Sequence[NDArray[np.float32]],
        tracked_from: Sequence[int],
        matches: Mapping[Pair, Matches],
        lens: Lens,
    ) -> None:
        self._raw, self._xy = xy, [points.astype(np.float64) for points in xy]
        self._tracked_from, self._matches, self._lens = tracked_from, matches, lens
        self._links: dict[Pair, Links] = {}
        self._doubt: dict[Pair, float] = {}
        self._told = np.zeros((len(xy), 2))  # of each frame: telling matches, contradicted ones
        self._told_near = np.zeros((len(xy), 2))  # of its pairs with neighbours alone

    def limit(self, pair: Pair, view: TwoView | None) -> TwoView | None:
        """What can be believed of one pair, after all nearer ones."""
        carried = self._carried(pair, view)
        if view is None:
            self._links[pair], self._doubt[pair] = carried, self._inherited(pair)
            return None
        verdict = self._judge(carried, pair, _thin(view.matches))
        own, told = _contradicted(verdict)
        self._told[list(pair)] += told, own * told
        doubt = self._doubt[pair] = self._weigh(pair, own, told)
        far = pair[1] - pair[0] > 1
        if not far:
            self._told_near[list(pair)] += told, own * told
        if far and doubt > REFUTED:
            self._links[pair] = NO_LINKS
            return None
        if doubt > SUSPECT and not doubt > REFUTED:
            view = self._clean(pair, view, carried, doubt)
        believed = NO_LINKS if view is None else self._ends(pair, view.matches)
        self._links[pair] = believed.and_also(carried)
        return view

    def contradiction(self) -> NDArray[np.float64]:
        """Of each frame [rows], the share of the telling matches of its pairs that was contradicted."""
        return self._told[:, 1] / np.maximum(self._told[:, 0], 1.0)

    def contradiction_of_neighbours(self) -> NDArray[np.float64]:
        """The same of its pairs with neighbouring frames alone, where tracks contradict keypoints; NaN without any."""
        told = self._told_near[:, 0]
        return np.where(told > 0, self._told_near[:, 1] / np.maximum(told, 1.0), np.nan)

    def _carried(self, pair: Pair, view: TwoView | None) -> Links:
        """Links of the pair that owe nothing to its own keypoints: tracks of neighbours, or those of its two halves."""
        if pair[1] - pair[0] > 1:
            first, second = _halves(pair)
            return self._links.get(first, NO_LINKS).then(self._links.get(second, NO_LINKS))
        if view is None:
            return NO_LINKS
        return self._ends(pair, view.matches[view.matches[:, 0] >= self._tracked_from[pair[0]]])

    def _inherited(self, pair: Pair) -> float:
        if pair[1] - pair[0] == 1:
            return 0.0
        return max(self._doubt.get(half, 0.0) for half in _halves(pair))

    def _weigh(self, pair: Pair, own: float, told: int) -> float:
        """The doubt of a pair: only many telling matches of its own free it from what it inherits."""
        if told >= MIN_TELLING and own <= DOUBTED:
            return own
        return max(own if told >= MIN_TELLING else 0.0, self._inherited(pair))

    def _clean(self, pair: Pair, view: TwoView, carried: Links, doubt: float) -> TwoView | None:
        """The pair from those of all its matches that are not contradicted."""
        matches = self._matches[pair]
        verdict = self._judge(carried, pair, matches)
        left = matches[verdict > UNTOLD]
        a, b = (self._lens.undistort(self._raw[row]) for row in pair)
        return verify_pair(a, b, left, self._lens.matrix())

    def _judge(self, carried: Links, pair: Pair, matches: Matches) -> NDArray[np.int8]:
        return carried.judge(self._xy[pair[0]][matches[:, 0]], self._xy[pair[1]][matches[:, 1]])

    def _ends(self, pair: Pair, matches: Matches) -> Links:
        start, end = self._xy[pair[0]][matches[:, 0]], self._xy[pair[1]][matches[:, 1]]
        return Links(start, end, np.full(len(matches), LINK_SIGMA_PX))


def _nearest(points: Points, to: Points, count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distances and indices [m, count] of the points that are nearest to each of m others."""
    distance, index = KDTree(points).query(to, list(range(1, count + 1)))
    return np.asarray(distance, np.float64), np.asarray(index, np.int64)


def _halves(pair: Pair) -> tuple[Pair, Pair]:
    middle = (pair[0] + pair[1]) // 2
    return (pair[0], middle), (middle, pair[1])


def _thin(matches: Matches) -> Matches:
    """At most the sample of matches, evenly chosen: keypoints and tracks in their shares."""
    return matches[np.linspace(0, len(matches) - 1, min(len(matches), SAMPLE)).astype(np.int64)]


def _contradicted(verdict: NDArray[np.int8]) -> tuple[float, int]:
    """The share of the telling matches that is contradicted, one of them for nothing, and how many tell."""
    contradicted, consistent = int((verdict == CONTRADICTED).sum()), int((verdict == CONSISTENT).sum())
    told = contradicted + consistent
    return max(contradicted - 1, 0) / max(told, 1), told
