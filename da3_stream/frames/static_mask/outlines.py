"""Connected parts of an image, and how much of their outlines lies at edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import UInt8

Bool = NDArray[np.bool_]
Int32 = NDArray[np.int32]

NEAR_PX = 5  # width of the neighbourhood in which an outline is at an edge
END_SHARE = 0.85  # of a part's width and height, over which its rim reaches from end to end


@dataclass(frozen=True, eq=False)
class Parts:
    """Connected parts 1 to n-1 of an image (0 is the rest), and of their outer outlines but for the image's border:

    `rim`, `stays` [n]: the shares near a rim and near an edge that stays; `rim_at_ends` [n]: whether the rim reaches
    from end to end; `inside`, `at_top` [n]: whether the part touches no border, or the upper one; `labels` [h,w].
    """

    labels: Int32
    area: Int32
    rim: NDArray[np.float64]
    stays: NDArray[np.float64]
    rim_at_ends: Bool
    inside: Bool
    at_top: Bool

    def chosen(self, which: Bool) -> Bool:
        """The pixels [h,w] of the parts `which` [n]."""
        which = which.copy()
        which[0] = False
        return which[self.labels]

    def share_of(self, whole: Bool, share: Bool) -> NDArray[np.float64]:
        """The share [n] that `share` [h,w] has of the pixels `whole` [h,w] of each part."""
        count = len(self.area)
        counts = [np.bincount(self.labels[pixels], minlength=count) for pixels in (whole & share, whole)]
        return counts[0] / np.maximum(counts[1], 1)  # type: ignore[no-any-return]


def outlined(part: Bool, rim: Bool, stays: Bool) -> Parts:
    """The connected parts of `part` [h,w], against edges [h,w]."""
    import cv2

    kernel = np.ones((NEAR_PX, NEAR_PX), np.uint8)
    near_rim, near_edge = (cv2.dilate(edges.view(np.uint8), kernel) > 0 for edges in (rim, stays))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(part.view(np.uint8), connectivity=8)
    which, x, y = _outer_outlines(part.view(np.uint8), labels)
    total = np.maximum(np.bincount(which, minlength=len(stats)), 1)
    shares = [np.bincount(which, near[y, x], len(stats)) / total for near in (near_rim, near_edge)]
    left, top, width, height = stats[:, :4].T
    inside = (left > 1) & (top > 1) & (left + width < part.shape[1] - 1) & (top + height < part.shape[0] - 1)
    at = near_rim[y, x]
    ends = (_extent(which[at], x[at], len(stats)) >= END_SHARE * width) & (
        _extent(which[at], y[at], len(stats)) >= END_SHARE * height
    )
    return Parts(labels.astype(np.int32), stats[:, 4], shares[0], shares[1], ends, inside, top <= 1)


def _extent(which: Int32, place: Int32, count: int) -> Int32:
    """How far the places [k] of each of `count` parts reach."""
    low, high = np.full(count, 1 << 20, np.int32), np.full(count, -1, np.int32)
    np.minimum.at(low, which, place)
    np.maximum.at(high, which, place)
    return high - low + 1


def _outer_outlines(flat: UInt8, labels: Int32) -> tuple[Int32, Int32, Int32]:
    """The outer outline of each part but for the image's border: its label, x and y, [k] each."""
    import cv2

    contours, hierarchy = cv2.findContours(flat, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outer = [c[:, 0] for c, links in zip(contours, hierarchy[0], strict=True) if links[3] < 0] if contours else []
    points = np.concatenate(outer) if outer else np.zeros((0, 2), np.int32)
    height, width = flat.shape
    inner = (points[:, 0] > 0) & (points[:, 1] > 0) & (points[:, 0] < width - 1) & (points[:, 1] < height - 1)
    x, y = points[inner].T
    return labels[y, x], x, y
