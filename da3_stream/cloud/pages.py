"""cloud/%06d.laz: a node's points in its own frame (LAS 1.4, point format 7, extra dimensions confidence and frame).

Points lie in levels: every 1024th of the original order first, then those between them, and so on, so that the
beginning of a page is an even sample of it. Within a level the order of frames and pixels stays, which compresses
well. Confidence keeps 8 significant bits, coordinates 8 bits below a voxel; normals, where there are any, are the
extra dimensions NormalX, NormalY and NormalZ in steps of 1/127. Equal points give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..store import Run
from ..types import Float32
from .files.laz import NORMAL, LasFile, reading_laz, writing_las
from .points import Points

COARSEST = 1024  # the first level holds every 1024th point
CHUNK = 1 << 18  # points read at once
_FINEST_SHARE = 2.0**-8  # coordinates are rounded to this share of the voxel's edge
_EXTRAS = {"confidence": np.float32, "frame": np.int32}


def write_page(run: Run, submap: int, points: Points) -> None:
    """Store a node's points in one step; a submap without points has a page without points."""
    ordered = points.take(level_order(len(points)))
    farthest = float(np.abs(ordered.xyz).max(initial=0.0))
    scale = max(ordered.voxel * _FINEST_SHARE, farthest / 2.0**30)
    kind = LasFile(scale, normals=points.normal is not None, extras=_EXTRAS)
    with writing_las(run.page_path(submap), kind) as page:
        page.write(
            ordered.xyz,
            ordered.rgb,
            ordered.normal,
            confidence=_eight_bits(ordered.confidence),
            frame=ordered.frame,
        )


def read_page(run: Run, submap: int, every: int = 1) -> Points:
    """A node's points, or evenly every n-th (n a power of two up to 1024) at a cost in proportion.

    Raises StoreError if the page is absent or damaged.
    """
    with reading_laz(run.page_path(submap)) as reader:
        return _points(reader, -(-reader.header.point_count // every))


def page_chunks(run: Run, submap: int, most: int = CHUNK) -> Iterator[Points]:
    """A node's points in the order of the page, at most so many at a time: the first chunk is an even sample.

    Raises StoreError if the page is absent or damaged.
    """
    with reading_laz(run.page_path(submap)) as reader:
        left = reader.header.point_count
        while left > 0:
            yield _points(reader, min(left, most))
            left -= most


def count_points(run: Run, submap: int) -> int:
    """How many points a node's page holds. Raises StoreError if the page is absent or damaged."""
    with reading_laz(run.page_path(submap)) as reader:
        return int(reader.header.point_count)


def level_order(count: int, every: int = 1) -> NDArray[np.int64]:
    """The numbers 0..count-1 by level: the first ceil(count / n) are the multiples of n, n = 1024, 512, ..., 1.

    With `every`, one of these n, only its multiples.
    """
    levels = [np.arange(0, count, COARSEST)]
    step = COARSEST
    while step > every:
        levels.append(np.arange(step // 2, count, step))
        step //= 2
    return np.concatenate(levels)


def _points(reader: Any, count: int) -> Points:
    """The next points of a page."""
    records = reader.read_points(count)
    has_normals = NORMAL[0] in reader.header.point_format.extra_dimension_names
    return Points(
        np.stack([records.x, records.y, records.z], axis=-1).astype(np.float32),
        (np.stack([records.red, records.green, records.blue], axis=-1) >> 8).astype(np.uint8),
        np.array(records.frame, np.int32),
        np.array(records.confidence, np.float32),
        float(reader.header.scales[0]) / _FINEST_SHARE,
        np.stack([records[name] for name in NORMAL], axis=-1).astype(np.float32) if has_normals else None,
    )


def _eight_bits(confidence: Float32) -> Float32:
    """Rounded down to 8 significant bits (half the bytes once compressed)."""
    return (confidence.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
