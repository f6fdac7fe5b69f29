"""The verified pairs of a window under the lenses that its solver tries: each is computed once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from ..matching.consistency import Limited, limit_far_pairs
from ..matching.correspondences import Correspondences
from ..matching.pairs import MIN_INLIERS, TwoView, restrict_to_kind, verify_chunk
from ..processes.workers import Workers, chunks
from .calibration import focal_shift

PAIRS_PER_PIECE = 64

TwoViews = dict[tuple[int, int], TwoView]


class VerifiedPairs:
    """Epipolar geometry of the pairs of a window that one explains and no nearer pair contradicts, by lens."""

    def __init__(
        self, workers: Workers, correspondences: Correspondences, known: dict[Lens, Limited] | None = None
    ) -> None:
        self._workers, self._correspondences, self._known = workers, correspondences, known or {}

    def under(self, lens: Lens) -> Limited:
        """The pairs under a lens, and what the nearer ones contradicted."""
        if lens not in self._known:
            found = self._correspondences
            views = self.verify(lens)
            limited = self._workers.submit(limit_far_pairs, found.xy, found.tracked_from, found.matches, views, lens)
            self._known[lens] = limited.result()
        return self._known[lens]

    def keypoints(self, lens: Lens) -> TwoViews:
        """The pairs under a lens, with their SIFT keypoints only."""
        return self.keypoints_of(self.under(lens).views)

    def tracks(self, lens: Lens) -> TwoViews:
        """The same with their tracked points only."""
        return restrict_to_kind(self.under(lens).views, self._correspondences.tracked_from, tracked=True)

    def keypoints_of(self, views: TwoViews) -> TwoViews:
        """The SIFT keypoints of pairs."""
        return restrict_to_kind(views, self._correspondences.tracked_from, tracked=False)

    def nearest(self, lens: Lens) -> TwoViews:
        """The pairs under that of the lenses so far whose focal length is nearest."""
        return self._known[min(self._known, key=lambda other: focal_shift(other, lens))].views

    def rows(self, keep: NDArray[np.int64], correspondences: Correspondences) -> VerifiedPairs:
        """Those of some of the rows (ascending), counted anew as in their correspondences."""
        known = {lens: limited.rows(keep) for lens, limited in self._known.items()}
        return VerifiedPairs(self._workers, correspondences, known)

    def verify(self, lens: Lens) -> TwoViews:
        """Epipolar geometry of all pairs, whatever nearer ones say, in pieces over the workers."""
        xy, matches = self._correspondences.xy, self._correspondences.matches
        pairs = [pair for pair, matched in matches.items() if len(matched) >= MIN_INLIERS]
        futures = []
        for chunk in chunks(sorted(pairs, key=lambda pair: pair[1]), PAIRS_PER_PIECE):
            points = {row: xy[row] for row in {row for pair in chunk for row in pair}}
            futures.append(self._workers.submit(verify_chunk, points, {pair: matches[pair] for pair in chunk}, lens))
        return {pair: view for future in futures for pair, view in future.result().items()}
