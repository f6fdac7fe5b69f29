"""Key frames of a window: the frames whose keypoints are extracted, matched and mapped.

Tracks tell how far the camera goes on from one frame to the next before anything else is known; key frames are near
enough to each other to share tracks, and far enough apart that each tells something new.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .pairs import match_tracks
from .tracks import TrackedPoints

LONGEST = 3  # frames from one key frame to the next
MOVED = 0.15  # share of the image's width by which tracks move from one key frame to the next, at most
FOLLOWED, LEAST_TRACKS = 0.3, 100  # share and number of the tracks that two neighbouring key frames have in common

FEWEST = 12  # key frames; a window with fewer is mapped with all of its frames: too little would hold it together


def keyframe_rows(tracked: Sequence[TrackedPoints], width: int, longest: int = LONGEST) -> NDArray[np.int64]:
    """The rows [K] (ascending, the first and the last among them) that are key frames, of images of this width; all of
    them where these would be few."""
    longest = min(longest, max(LONGEST, (len(tracked) - 1) // (FEWEST - 1)))  # a short window has closer ones
    rows = [0]
    while rows[-1] < len(tracked) - 1:
        rows.append(_next_row(tracked, rows[-1], width, longest))
    return np.array(rows, np.int64) if len(rows) >= FEWEST else np.arange(len(tracked))


def _next_row(tracked: Sequence[TrackedPoints], row: int, width: int, longest: int) -> int:
    """The key frame after one."""
    last = min(row + longest, len(tracked) - 1)
    for other in range(row + 1, last):
        if not _is_near(tracked[row], tracked[other + 1], MOVED * width):
            return other
    return last


def _is_near(first: TrackedPoints, second: TrackedPoints, moved_px: float) -> bool:
    """Whether the second of two frames may be the key frame after the first."""
    common = match_tracks(first, second)
    if len(common) < max(LEAST_TRACKS, FOLLOWED * len(first.track)):
        return False
    motions = second.xy[common[:, 1]] - first.xy[common[:, 0]]
    return float(np.median(np.linalg.norm(motions, axis=1))) < moved_px
