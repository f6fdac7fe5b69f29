"""The points of a submap as the nodes of a file with levels of detail."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...errors import StoreError
from ...types import UInt8
from ..octree.division import key_level
from ..points import Points
from .division import Division, divide, node_cube
from .layout import MOST_FRAMES, MOST_IN_NODE, STEPS, LevelNode, encode_confidence


def build_nodes(points: Points) -> tuple[list[LevelNode], list[int]]:
    """The nodes that hold points, breadth first, and the frames that their rows mean.

    Raises StoreError for points that are not finite, or of more frames than a row can tell.
    """
    if not np.isfinite(points.xyz).all():
        raise StoreError("a point of a submap lies nowhere: expected finite coordinates")
    frames, rows = _frame_rows(points.frame)
    return (list(_nodes(points, rows, divide(points))) if len(points) else []), frames


def _frame_rows(frame: NDArray[np.int32]) -> tuple[list[int], NDArray[np.uint16]]:
    """The frames that points [M] are of, ascending, and each one's place among them [M]."""
    firsts = np.flatnonzero(np.diff(frame, prepend=frame[:1] - 1))  # points come frame by frame, mostly
    frames, places = np.unique(frame[firsts], return_inverse=True)
    if len(frames) > MOST_FRAMES:
        raise StoreError(f"a submap has points of {len(frames)} frames: expected at most {MOST_FRAMES}")
    return frames.tolist(), np.repeat(places.astype(np.uint16), np.diff(firsts, append=len(frame)))


def _nodes(points: Points, rows: NDArray[np.uint16], division: Division) -> Iterator[LevelNode]:
    order, first = division.order, 0
    xyz, rows, colour = points.xyz.take(order, axis=0), rows.take(order), _colours(points, order)
    for key, end, spacing in zip(division.keys, division.ends, division.spacing, strict=True):
        corner, size = node_cube(key, division.cube)
        place = np.empty((end - first, 4), np.uint16)
        steps = xyz[first:end] - corner
        steps *= STEPS / size
        place[:, :3] = np.rint(steps, out=steps)
        place[:, 3] = rows[first:end]
        x, y, z = (corner + size / 2).tolist()
        node = LevelNode(_path(key), (x, y, z), size, float(f"{spacing:.4g}"), place, colour[first:end])
        yield from _chain(node)
        first = end


def _colours(points: Points, order: NDArray[np.int64]) -> UInt8:
    """[M,4] red, green, blue and the code of the confidence, in order."""
    colour = np.empty((len(order), 4), np.uint8)
    colour[:, :3], colour[:, 3] = points.rgb, encode_confidence(points.confidence)
    return colour.view(np.uint32)[:, 0].take(order).view(np.uint8).reshape(-1, 4)


def _path(key: int) -> str:
    level = key_level(key)
    return "r" + "".join(str((key >> 3 * (level - k - 1)) & 7) for k in range(level))


def _chain(node: LevelNode) -> Iterator[LevelNode]:
    """The node; or several, where more points lie in one place than one may hold."""
    for k, first in enumerate(range(0, len(node.place), MOST_IN_NODE)):
        part = slice(first, first + MOST_IN_NODE)
        place, colour = node.place[part], node.colour[part]
        yield LevelNode(node.key + k * "0", node.centre, node.size, node.spacing, place, colour)
