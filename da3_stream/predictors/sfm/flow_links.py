"""Dense optical flow between neighbouring frames, and to frames farther away by links put together.

Flow: Kroeger et al., "Fast optical flow using dense inverse search" (ECCV 2016), as in OpenCV.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

DESCENT_ITERATIONS = 12  # of a patch; the preset's 25 find nearly the same
PATCH_STRIDE = 4  # pixels; the preset's 3 take a quarter longer, and pull the median error of depth down by 4-6 %
SMOOTHNESS = 12.0  # weight in the variational refinement; the preset's 20 pulls depth of slanted ground off

Gray = NDArray[np.uint8]
Map = NDArray[np.float32]


class FlowLinks:
    """Where pixels of frames [n][H,W] are in the frames before and after.

    A link is the flow between two neighbours, checked both ways; it is computed when it is first needed, and kept until
    it is forgotten. Farther frames are reached from link to link: flow between neighbours is surer than any other. A
    pixel is lost where a link and the one back end `return_px` or more from it.
    """

    def __init__(self, grays: Sequence[Gray], return_px: float) -> None:
        self._engine, self._grays, self._return_px = _dense_inverse_search(), grays, return_px
        height, width = grays[0].shape
        self._pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
        self._links: dict[tuple[int, int], Map] = {}

    def follow(self, row: int, sources: Iterable[int]) -> Iterator[tuple[int, Map]]:
        """The frames that come one after the other from a row on, each with where it shows the row's pixels: x and y
        [H,W,2] with centres at integers, NaN = lost. `sources` begin at a neighbour."""
        places, last = self._pixels, row
        for source in sources:
            link = self._link(last, source)
            places = places + (link if last == row else _sample(link, places))
            yield source, places
            last = source

    def forget_before(self, row: int) -> None:
        """Drop the links of frames before this one."""
        self._links = {pair: link for pair, link in self._links.items() if min(pair) >= row}

    def _link(self, first: int, second: int) -> Map:
        """Flow [H,W,2] in pixels from the first frame to the second, NaN where it does not come back."""
        if (first, second) not in self._links:
            there, back = self._flow(first, second), self._flow(second, first)
            self._links[first, second] = self._checked(there, back)
            self._links[second, first] = self._checked(back, there)
        return self._links[first, second]

    def _flow(self, first: int, second: int) -> Map:
        return np.asarray(self._engine.calc(self._grays[first], self._grays[second], None), np.float32)

    def _checked(self, there: Map, back: Map) -> Map:
        missed = there + _sample(back, self._pixels + there)
        returns = np.einsum("ijk,ijk->ij", missed, missed) < self._return_px**2
        return np.where(returns[..., None], there, np.float32(np.nan))


def _dense_inverse_search() -> cv2.DISOpticalFlow:
    """Flow as fine as the images. The faster presets are three times less accurate. Patches keep their mean normalised:
    without it, flow is lost in a third of the pixels where a camera sets its exposure."""
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    engine.setFinestScale(0)
    engine.setPatchStride(PATCH_STRIDE)
    engine.setGradientDescentIterations(DESCENT_ITERATIONS)
    engine.setVariationalRefinementAlpha(SMOOTHNESS)
    return engine


def _sample(flow: Map, places: Map) -> Map:
    """The flow at places [H,W,2] of its frame; NaN outside, and where it is not known all around."""
    nan = (float("nan"), float("nan"))
    return np.asarray(cv2.remap(flow, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=nan))
