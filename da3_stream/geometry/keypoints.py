"""SIFT keypoints of single images, with RootSIFT descriptors.

Lowe, "Distinctive image features from scale-invariant keypoints" (IJCV 2004); Arandjelovic and Zisserman, "Three
things everyone should know to improve object retrieval" (CVPR 2012) for RootSIFT. All keypoints have
their first pixel centre at 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .masks import Mask, distance_px

MAX_KEYPOINTS = 1500  # strongest first; more change nothing but the time that matching takes
# Smaller images are enlarged: with 400 keypoints a frame, windows of kitti00 drift by up to 9 % of scale to one side,
# with 1800 from the doubled image by under 1 %; at 640 x 193 and above nothing is gained.
FEW_PIXELS = 100_000
CONTRAST = 0.02  # below OpenCV's 0.04: dim facades and indoor walls need the weak ones too

Detected = tuple[Sequence[cv2.KeyPoint], NDArray[np.float32] | None]  # n keypoints, their descriptors [n,128]


@dataclass(frozen=True, eq=False)
class Keypoints:
    """Keypoints of one frame: positions [n,2] float32 in pixels and root-SIFT descriptors [n,128] uint8."""

    xy: NDArray[np.float32]
    descriptors: NDArray[np.uint8]


NO_KEYPOINTS = Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))


def extract_keypoints(
    grays: Sequence[NDArray[np.uint8]], masks: Sequence[Mask | None] = (), most: int = MAX_KEYPOINTS
) -> list[Keypoints]:
    """SIFT keypoints of each gray image [H,W], of what its mask [H,W] lets count (None, or no masks: all of it); the
    strongest where there are more than `most`."""
    cv2.setNumThreads(1)
    masks = masks or [None] * len(grays)
    return [_keypoints(gray, mask, most) for gray, mask in zip(grays, masks, strict=True)]


def _keypoints(gray: NDArray[np.uint8], mask: Mask | None, most: int) -> Keypoints:
    factor = _enlargement(gray, most)
    enlarged = gray if factor == 1 else cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    strongest = _detect(enlarged, most) if mask is None else detect_inside(_sift(0), enlarged, mask, most)
    found, descriptors = strongest
    if descriptors is None:
        return NO_KEYPOINTS
    xy = (_places(found) / factor).astype(np.float32)
    root = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9))
    return Keypoints(xy, np.round(root * 512.0).clip(0, 255).astype(np.uint8))


def _enlargement(gray: NDArray[np.uint8], most: int) -> float:
    """By how much an image is enlarged: twofold for all keypoints that are to be had, else no more than need be."""
    if gray.size >= FEW_PIXELS:
        return 1
    return 2 if most >= MAX_KEYPOINTS else min(2.0, math.sqrt(FEW_PIXELS / gray.size))


def _detect(gray: NDArray[np.uint8], most: int) -> Detected:
    """The strongest keypoints of an image with their descriptors."""
    return _sift(most).detectAndCompute(gray, None)


def detect_inside(sift: cv2.SIFT, gray: NDArray[np.uint8], mask: Mask, count: int) -> Detected:
    """The `count` strongest keypoints of an image whose blobs touch nothing masked, with their descriptors.

    `sift` must not limit the count itself: OpenCV does that before it applies a mask, so that what is masked would use
    up the count. The mask [h,w] may be smaller than the image.
    """
    factor = gray.shape[1] / mask.shape[1]
    distance = distance_px(mask) * factor
    found = sift.detect(gray, None)
    xy = _places(found) / factor
    column, row = np.minimum(xy.astype(np.int64), [mask.shape[1] - 1, mask.shape[0] - 1]).T
    free = distance[row, column] > [p.size / 2 for p in found]
    inside = [found[k] for k in np.flatnonzero(free).tolist()]
    inside.sort(key=lambda point: -point.response)
    return sift.compute(gray, inside[:count]) if inside else ((), None)


def _places(found: Sequence[cv2.KeyPoint]) -> NDArray[np.float64]:
    """Positions [n,2] of keypoints, the first pixel centre at 0.5."""
    return np.asarray(cv2.KeyPoint.convert(found), np.float64).reshape(-1, 2) + 0.5


def _sift(count: int) -> cv2.SIFT:
    """The detector of at most so many keypoints (0: all)."""
    return cv2.SIFT.create(nfeatures=count, contrastThreshold=CONTRAST, enable_precise_upscale=True)
