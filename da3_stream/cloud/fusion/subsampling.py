"""An even sample of a cloud: the points of the smallest shuffled voxel keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..voxels import shuffle_keys, voxel_keys
from .spill import SpillFile

_BUCKETS = 1 << 16

Tile = tuple[int, NDArray[np.void]]


def subsample(tiles: Iterable[Tile], limit: int, voxel: float, spill: SpillFile) -> Iterator[Tile]:
    """The tiles with exactly `limit` records in all, or every record where there are no more.

    Records lie in `spill` until all are counted. Keys are sorted into buckets by their leading 16 bits; of the last
    bucket that fits, the first records stay.
    """
    counts = np.zeros(_BUCKETS, np.int64)
    for tile, records in tiles:
        counts += np.bincount(_bucket(records, voxel), minlength=_BUCKETS)
        spill.add(np.full(len(records), tile), records)
    before = np.cumsum(counts) - counts
    last = int(np.searchsorted(before, limit)) - 1  # the bucket of which only some records stay
    room = limit - int(before[last])
    for tile in spill.tiles():
        for records in spill.chunks(tile, spill.count):
            bucket = _bucket(records, voxel)
            cut = np.flatnonzero(bucket == last)[:room]
            room -= len(cut)
            keep = bucket < last
            keep[cut] = True
            yield tile, records[keep]


def _bucket(records: NDArray[np.void], voxel: float) -> NDArray[np.int64]:
    return (shuffle_keys(voxel_keys(records["xyz"], voxel)) >> np.uint64(48)).astype(np.int64)
