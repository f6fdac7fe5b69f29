"""Blocks of a submap's octree as a page holds them: the chosen points of its nodes, of the frames that are selected."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...cloud.levels.layout import POINT_BYTES

_PLACE_BYTES = 8  # of a point; its colour and confidence follow behind the places of all


def cut_block(block: bytes, count: int, shown: NDArray[np.bool_]) -> tuple[bytes, int]:
    """The first `count` points of a node's block, an even sample; of these the ones whose frame is shown ([rows]), and
    how many these are."""
    total = len(block) // POINT_BYTES
    place = np.frombuffer(block, "<u2", 4 * total).reshape(total, 4)
    colour = np.frombuffer(block, np.uint8, offset=_PLACE_BYTES * total).reshape(total, 4)
    place, colour = place[:count], colour[:count]
    seen = shown[place[:, 3]]
    return place[seen].tobytes() + colour[seen].tobytes(), int(seen.sum())


def cut_node(node: dict[str, Any], points: int, offset: int) -> dict[str, Any]:
    """The header's entry of a node of which so many points are in the file, at this byte of its submap's blocks."""
    wider = float(np.sqrt(node["points"] / points)) if points else 1.0
    return {**node, "points": points, "offset": offset, "spacing": node["spacing"] * wider}
