"""Extra edges: a window on those before its neighbour with which it shares frames too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..types import Alignment, Status, WindowGeometry
from .alignment import align_windows

SAME_EVIDENCE = 0.5  # of its information that an extra edge keeps


def align_earlier(earlier: Sequence[WindowGeometry], current: WindowGeometry) -> list[tuple[int, Alignment]]:
    """Place in `earlier` and `earlier[place]`_from_current for every window there that `current` shares frames with.

    For windows at distance two and more, and for a window of strided key frames on all those that its frames come
    from. Only sure edges (OK) are worth having besides the neighbours'. They look at depth and cameras that the
    neighbours' edges have counted already, so they keep half of their information.
    """
    edges = []
    for place, window in enumerate(earlier):
        if not np.isin(window.frame_indices, current.frame_indices).any():
            continue
        alignment = align_windows(window, current)
        if alignment.status is Status.OK:
            edges.append((place, replace(alignment, information=SAME_EVIDENCE * alignment.information)))
    return edges
