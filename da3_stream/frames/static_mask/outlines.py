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
    """Connected parts 1 to n-1 of an image (0 is the rest), and their outer outlines but for the image's border.

    `labels` [h,w]; `area` [n] in pixels; `box` [4,n]: left, top, width, height; `outline` [3,k]: label, x, y.
    """

    labels: Int32
    area: Int32
    box: Int32
    outline: Int32

    @property
    def at_top(self) -> Bool:
        """Whether each part touches the image's upper border [n]."""
        return self.box[1] <= 1  # type: ignore[no-any-return]

    @property
    def inside(self) -> Bool:
        """Whether each part touches no border of the image [n]."""
        (left, top, width, height), (rows, columns) = self.box, self.labels.shape
        return (left > 1) & (top > 1) & (left + width < columns - 1) & (top + height < rows - 1)  # type: ignore[no-any-return]

    def chosen(self, which: Bool) -> Bool:
        """The pixels [h,w] of the parts `which` [n]."""
        which = which.copy()
        which[0] = False
        return which[self.labels]

    def bounded(self, edges: Bool) -> NDArray[np.float64]:
        """The share [n] of each outline that lies near `edges` [h,w]."""
        which, x, y = self.outline
        count = len(self.area)
        return np.bincount(which, _near(edges)[y, x], count) / np.maximum(np.bincount(which, minlength=count), 1)

    def reached(self, edges: Bool) -> Bool:
        """Whether the outline near `edges` [h,w] reaches from end to end [n]; ends at the image's border need none."""
        which, *places = self.outline[:, _near(edges)[self.outline[2], self.outline[1]]]
        rows, columns = self.labels.shape
        across = _reaches(which, places[0], self.box[0], self.box[2], columns)
        return across & _reaches(which, places[1], self.box[1], self.box[3], rows)

    def share_of(self, whole: Bool, share: Bool) -> NDArray[np.float64]:
        """The share [n] that `share` [h,w] has of the pixels `whole` [h,w] of each part."""
        count = len(self.area)
        counts = [np.bincount(self.labels[pixels], minlength=count) for pixels in (whole & share, whole)]
        return counts[0] / np.maximum(counts[1], 1)  # type: ignore[no-any-return]


def parts_of(image: Bool) -> Parts:
    """The connected parts of what is True in an image [h,w]."""
    import cv2

    flat = image.view(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(flat, connectivity=8)
    labels = labels.astype(np.int32)
    return Parts(labels, stats[:, 4], stats[:, :4].T, np.stack(_outer_outlines(flat, labels)))


def _near(edges: Bool) -> Bool:
    import cv2

    return cv2.dilate(edges.view(np.uint8), np.ones((NEAR_PX, NEAR_PX), np.uint8)) > 0


def _reaches(which: Int32, place: Int32, first: Int32, length: Int32, size: int) -> Bool:
    """Whether the places [k] of each part reach from its `first` [n] over its length [n]; borders need no place."""
    low, high = np.full(len(first), 1 << 20, np.int32), np.full(len(first), -1, np.int32)
    np.minimum.at(low, which, place)
    np.maximum.at(high, which, place)
    last = first + length - 1
    low, high = np.where(first <= 1, first, low), np.where(last >= size - 2, last, high)
    return high - low + 1 >= END_SHARE * length  # type: ignore[no-any-return]


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
