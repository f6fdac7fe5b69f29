"""Points for octrees: records with a number each, on a lattice in UTM."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from da3_stream.cloud.octree.buckets import OctreeLimits
from da3_stream.cloud.octree.building import build_octree
from da3_stream.cloud.octree.lattice import Lattice

LATTICE = Lattice(0.001, np.array([691_000.0, 5_334_000.0, 500.0]))
RECORD = np.dtype([("xyz", "<i4", 3), ("rgb", "u1", 3), ("number", "<i4")])
SMALL = OctreeLimits(leaf=500)
TINY_MEMORY = OctreeLimits(leaf=500, bucket=2000, chunk=700, sample=300)


def records_at(steps: np.ndarray) -> np.ndarray:
    """Records at steps [M,3], numbered; their colours hang on their numbers."""
    records = np.zeros(len(steps), RECORD)
    records["xyz"], records["number"] = steps, np.arange(len(steps))
    records["rgb"] = records["number"][:, None] % [251, 241, 239]
    return records


def hills(count: int, seed: int = 0) -> np.ndarray:
    """Records on a hilly surface of 400 m, in an order without pattern."""
    steps = np.random.default_rng(seed).integers(-200_000, 200_000, (count, 3))
    steps[:, 2] = 2000 * np.sin(steps[:, 0] / 30_000)
    return records_at(steps)


def built(records: np.ndarray, folder: Path, limits: OctreeLimits, chunk: int = 1000):
    """The octree without its nodes, and its nodes as (level, position, records)."""
    chunks = (records[first : first + chunk] for first in range(0, len(records), chunk))
    with build_octree(chunks, LATTICE, folder, limits) as tree:
        nodes = [(node.level, node.position, np.concatenate(list(node.parts))) for node in tree.nodes]
    assert list(folder.iterdir()) == []
    return tree, nodes
