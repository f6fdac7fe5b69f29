"""SIFT keypoints of single images, with RootSIFT descriptors.

Lowe, "Distinctive image features from scale-invariant keypoints" (IJCV 2004); Arandjelovic and Zisserman, "Three
things everyone should know to improve object retrieval" (CVPR 2012) for RootSIFT. All keypoints have
their first pixel centre at 0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_KEYPOINTS = 1800  # strongest first; more change nothing but the time that matching takes
# Smaller images are enlarged: with 400 keypoints a frame, windows of kitti00 drift by up to 9 % of scale to one side,
# with 1800 from the doubled image by under 1 %; at 640 x 193 and above nothing is gained.
FEW_PIXELS = 100_000
CONTRAST = 0.02  # below OpenCV's 0.04: dim facades and indoor walls need the weak ones too


@dataclass(frozen=True, eq=False)
class Keypoints:
    """Keypoints of one frame: positions [n,2] float32 in pixels and root-SIFT descriptors [n,128] uint8."""

    xy: NDArray[np.float32]
    descriptors: NDArray[np.uint8]


def extract_keypoints(grays: Sequence[NDArray[np.uint8]]) -> list[Keypoints]:
    """SIFT keypoints of each gray image [H,W]."""
    cv2.setNumThreads(1)
    sift = cv2.SIFT.create(nfeatures=MAX_KEYPOINTS, contrastThreshold=CONTRAST, enable_precise_upscale=True)
    return [_keypoints(sift, gray) for gray in grays]


def _keypoints(sift: cv2.SIFT, gray: NDArray[np.uint8]) -> Keypoints:
    factor = 2 if gray.size < FEW_PIXELS else 1
    enlarged = gray if factor == 1 else cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    found, descriptors = sift.detectAndCompute(enlarged, None)
    if descriptors is None:
        return Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))
    xy = ((np.array([point.pt for point in found]) + 0.5) / factor).astype(np.float32)
    root = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9))
    return Keypoints(xy, np.round(root * 512.0).clip(0, 255).astype(np.uint8))
