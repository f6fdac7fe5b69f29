"""At most so many points: those of the smallest shuffled voxel keys, an even sample of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..voxels import shuffled, voxel_keys
from .spill import Scratch

_BUCKETS = 1 << 16

Tile = tuple[int, NDArray[np.void]]


def within_limit(tiles: Iterable[Tile], limit: int, voxel: float, scratch: Scratch) -> Iterator[Tile]:
    """The tiles with exactly `limit` records left in all, or all of them where there are no more.

    Records lie in `scratch` until all are counted. Keys are told apart by their leading 16 bits; of those that share
    the last bits that fit, the first ones stay.
    """
    counts = np.zeros(_BUCKETS, np.int64)
    for tile, records in tiles:
        counts += np.bincount(_bucket(records, voxel), minlength=_BUCKETS)
        scratch.add(np.full(len(records), tile), records)
    before = np.cumsum(counts) - counts
    last = int(np.searchsorted(before, limit)) - 1  # the bucket that is cut
    room = limit - int(before[last])
    for tile in scratch.tiles():
        for records in scratch.chunks(tile, scratch.count):
            bucket = _bucket(records, voxel)
            cut = np.flatnonzero(bucket == last)[:room]
            room -= len(cut)
            stays = bucket < last
            stays[cut] = True
            yield tile, records[stays]


def _bucket(records: NDArray[np.void], voxel: float) -> NDArray[np.int64]:
    return (shuffled(voxel_keys(records["xyz"], voxel)) >> np.uint64(48)).astype(np.int64)
