"""/splats/ROW: the splats of a frame as they lie on the disk, so that a page that has them only needs poses.

The answer is little endian: four uint32 (splats in it, splats of the frame, degree of the harmonics, 0), the frame's
`range` in float64, and one column after the other in the layout of `splats.packing`: rotation uint32 [n], direction
uint16 [n,2], depth uint16 [n], size uint8 [n,3], opacity uint8 [n], colour uint8 [n,3], rest int8 [n,3,K-1].
"""

from __future__ import annotations

import math

import numpy as np

from ..splats import read_packed
from .snapshot import Snapshot
from .tables import little_endian

MOST_SPLATS = 1 << 18  # of an answer: 41 bytes each with harmonics of degree 2
_COLUMNS = ("rotation", "direction", "depth", "size", "opacity", "colour", "rest")
_NOTHING = np.zeros(4, "<u4").tobytes()


def frame_splats(now: Snapshot, row: int, most: int = MOST_SPLATS) -> bytes:
    """Of a row of the table of frames, `most` of them at most, taken evenly from all; only the header where the frame
    has none.

    Raises IndexError for a row that is not there, StoreError for a damaged file.
    """
    if now.reader is None or not 0 <= row < len(now.frames):
        raise IndexError(row)
    submap = int(now.frames.submap[row])
    if not now.submaps[submap].splats:
        return _NOTHING
    packed = read_packed(now.reader.run, submap, int(now.frames.source_index[row]))
    if packed is None:
        return _NOTHING
    of = len(packed["depth"])
    count = min(of, most)
    taken = np.arange(count) * of // max(count, 1)
    degree = math.isqrt(packed["rest"].shape[2] + 1) - 1
    head = np.array([count, of, degree, 0], "<u4").tobytes() + packed["range"].astype("<f8").tobytes()
    return head + b"".join(little_endian(packed[name][taken]) for name in _COLUMNS)
