"""The layout of a file with levels of detail.

8 bytes "DA3LVLS1"; the length of the header, uint32; the header, JSON; zeros up to a multiple of 8 bytes; the blocks of
the nodes. Numbers are little endian. The header:

    points      how many there are
    confidence  {"low": L, "high": H}: code c stands for L (H / L)^(c / 255)
    frames      source indices, ascending: a point's row is its frame's place here
    nodes       breadth first, parents before children; each with
        key       path from the root: "r", then the number 0 to 7 of an octant for each level, 4 x + 2 y + z
        level     0 is the root
        centre    [3] of its cube
        size      edge of its cube
        spacing   typical distance between its points and those that the nodes above it show in its cube
        points    n
        offset    of its block, in bytes from the first block

The block of a node is n times uint16 x, y, z, row, then n times uint8 red, green, blue, confidence: 12 n bytes. A point
lies at centre - size / 2 + (x, y, z) / 65535 size, in the submap's frame. A point is in one node only: what a node
shows is its points and those of the nodes above it. Every node has points, and all but the root have their parent in
the list. The first points of a block are an even sample of it. No node has more than 65536 points: where more lie in
one place, nodes with the same cube follow each other, their keys longer by zeros.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...types import Float32, Float64, UInt8

MAGIC = b"DA3LVLS1"
HEAD = struct.Struct("<8sI")
MOST_IN_NODE = 65_536
MOST_FRAMES = 65_536  # a row has 16 bits
POINT_BYTES = 12
STEPS = 65_535  # along the edge of a node's cube
CONFIDENCE_LOW, CONFIDENCE_HIGH = 1.0, 1024.0


@dataclass(frozen=True, eq=False)
class LevelNode:
    """A node, and its points [n] as the file holds them."""

    key: str
    centre: tuple[float, float, float]
    size: float
    spacing: float
    place: NDArray[np.uint16]  # [n,4] x, y, z in steps from the lowest corner, row
    colour: UInt8  # [n,4] red, green, blue, confidence

    def entry(self, offset: int) -> dict[str, Any]:
        """Of the header."""
        return {
            "key": self.key,
            "level": len(self.key) - 1,
            "centre": self.centre,
            "size": self.size,
            "spacing": self.spacing,
            "points": len(self.place),
            "offset": offset,
        }


def pack_header(entries: Sequence[dict[str, Any]], frames: Sequence[int]) -> bytes:
    """All that stands before the first block."""
    header = {
        "points": sum(entry["points"] for entry in entries),
        "confidence": {"low": CONFIDENCE_LOW, "high": CONFIDENCE_HIGH},
        "frames": frames,
        "nodes": entries,
    }
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    head = HEAD.pack(MAGIC, len(text)) + text
    return head + bytes(-len(head) % 8)


def blocks(nodes: Sequence[LevelNode]) -> Iterator[bytes]:
    """The blocks of nodes, in parts."""
    for node in nodes:
        yield node.place.astype("<u2", copy=False).tobytes()
        yield node.colour.tobytes()


def encode_confidence(confidence: Float32) -> UInt8:
    """Codes [M] of confidences: 0 for 1 and less and for what is none, 255 for 1024 and more, 26 for twice as much."""
    known = np.where(confidence > CONFIDENCE_LOW, confidence, np.float32(CONFIDENCE_LOW))
    steps = np.log2(known / np.float32(CONFIDENCE_LOW)) * np.float32(255 / np.log2(CONFIDENCE_HIGH / CONFIDENCE_LOW))
    return np.minimum(np.rint(steps), 255).astype(np.uint8)


def decode_confidence(code: UInt8) -> Float64:
    """Confidences [M] of codes."""
    return CONFIDENCE_LOW * (CONFIDENCE_HIGH / CONFIDENCE_LOW) ** (code.astype(np.float64) / 255)
