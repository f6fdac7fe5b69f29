"""Edges of the pose graph from alignments, and edges as plain values for the checkpoint."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3, inverse_of_definite
from ..posegraph import Edge

DRIFT_SIGMAS = (0.02, 0.005, 0.02)  # share of the path between submaps, radians, log-scale
BELIEVED = 0.5  # confidence from which an edge counts in full
LEAST_CONFIDENCE = 0.02
MIN_LENGTH = 1e-9  # the path of a camera that stands


def odometry_edge(a: int, b: int, a_from_b: Sim3, information: NDArray[np.float64], confidence: float = 1.0) -> Edge:
    """The edge of an alignment with its information [7,7], loosened by the drift within a window.

    Where the join or the poses at it are more likely wrong than right, its standard deviations grow as the probability
    falls.

    An overlap tells how two submaps lie to each other there; how far a submap is bent between one overlap and the
    next, no overlap tells.
    """
    length = float(np.linalg.norm(a_from_b.translation)) / a_from_b.scale
    shift, turn, scale = DRIFT_SIGMAS
    drift = np.square([max(shift * length, MIN_LENGTH)] * 3 + [turn] * 3 + [scale])
    doubt = max(1.0, BELIEVED / max(confidence, LEAST_CONFIDENCE))
    loosened = inverse_of_definite(inverse_of_definite(information) + np.diag(drift)) / doubt**2
    return Edge(a, b, a_from_b, (loosened + loosened.T) / 2)


def pack_edge(edge: Edge) -> dict[str, Any]:
    """The edge as numbers and arrays."""
    return {
        "nodes": (edge.a, edge.b),
        "a_from_b": edge.a_from_b.numbers(),
        "information": edge.information,
        "loop": edge.loop,
    }


def unpack_edge(packed: dict[str, Any]) -> Edge:
    """Inverse of `pack_edge`, without loss."""
    a, b = packed["nodes"]
    return Edge(a, b, Sim3.from_numbers(packed["a_from_b"]), np.array(packed["information"]), packed["loop"])
