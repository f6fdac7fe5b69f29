"""A rival motion: what two frames match beside their epipolar geometry, where another one explains that, too.

Wrong matches agree on nothing. Where many of them agree on a second epipolar geometry two things move apart, the scene
and a body in it, a crowd or a wave, and the larger of both need not be the scene (motion segmentation by sequential
RANSAC: Torr, "Geometric motion segmentation and model selection", Phil. Trans. 1998).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ....geometry import homogeneous
from ....geometry.lens import Lens
from ..matching.correspondences import Pair
from ..matching.pairs import EPIPOLAR_PX, Matches, TwoView, find_essential
from .turn_evidence import sampson

Array = NDArray[np.float64]

OFFSETS = (2, 4)  # of the pairs: near enough to match all that moves, far enough for it to move apart
CLEAR_PX = 2 * EPIPOLAR_PX  # a match farther off its epipolar line is not one that is merely inexact
TRIES = 300  # samples: a motion of half of what the first leaves is found surely, and most pairs have none


def rival_witnesses(
    straight: Sequence[Array], matches: Mapping[Pair, Matches], views: Mapping[Pair, TwoView], lens: Lens
) -> dict[str, Array]:
    """`rival_share` [N]: of what a frame matches, the share that a second epipolar geometry explains, the mean of its
    pairs; NaN without one. `straight` are the points [n,2] of every row in pixels, free of distortion."""
    found: list[list[float]] = [[] for _ in straight]
    for (a, b), view in views.items():
        if b - a in OFFSETS and len(matches[a, b]):
            share = _rival_share(straight[a], straight[b], matches[a, b], view, lens)
            found[a].append(share)
            found[b].append(share)
    return {"rival_share": np.array([np.mean(of_row) if of_row else np.nan for of_row in found])}


def _rival_share(first: Array, second: Array, matches: Matches, view: TwoView, lens: Lens) -> float:
    """Share of a pair's matches that one epipolar geometry explains beside that of the pair."""
    points = (first[matches[:, 0]], second[matches[:, 1]])
    a, b = (homogeneous(lens.normalised(xy)) for xy in points)
    rotation, _, heading = cv2.decomposeEssentialMat(view.essential)  # any of the four has the same epipolar lines
    left = matches[lens.fx * np.abs(sampson(rotation, heading[:, 0], a, b)) > CLEAR_PX]
    rival = find_essential(first, second, left, lens.matrix(), TRIES)
    return 0.0 if rival is None else len(rival[1]) / len(matches)
