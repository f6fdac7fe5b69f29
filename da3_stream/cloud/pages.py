"""Pages: a page is cloud/%06d.laz, the file with the points of one submap, in the submap's own frame.

Its format is LAZ 1.4, point format 7, with the extra dimensions confidence and frame (source index). Since points are
stored in the submap's frame, a corrected pose moves them without a page being written again.

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
from .files.laz import NORMAL, LasLayout, create_las, open_laz
from .points import Points

COARSEST = 1024  # the first level holds every 1024th point
CHUNK = 1 << 18  # points read at once
_FINEST_SHARE = 2.0**-8  # coordinates are rounded to this share of the voxel's edge
_EXTRAS = {"confidence": np.float32, "frame": np.int32}


def write_page(run: Run, submap: int, points: Points) -> None:
    """Store a submap's points atomically; a submap without points has a page without points."""
    ordered = points.take(level_order(len(points)))
    farthest = float(np.abs(ordered.xyz).max(initial=0.0))
    scale = max(ordered.voxel * _FINEST_SHARE, farthest / 2.0**30)
    layout = LasLayout(scale, normals=points.normal is not None, extras=_EXTRAS)
    with create_las(run.page_path(submap), layout) as page:
        page.write(
            ordered.xyz,
            ordered.rgb,
            ordered.normal,
            confidence=_round_to_eight_bits(ordered.confidence),
            frame=ordered.frame,
        )


def read_page(run: Run, submap: int, every: int = 1) -> Points:
    """A submap's points, or evenly every n-th (n a power of two up to 1024) at a cost in proportion.

    Raises StoreError if the page is absent or damaged.
    """
    with open_laz(run.page_path(submap)) as reader:
        return _read_points(reader, -(-reader.header.point_count // every))


def page_chunks(run: Run, submap: int, max_points: int = CHUNK) -> Iterator[Points]:
    """A submap's points in the order of the page, in chunks of at most `max_points`: the first is an even sample.

    Raises StoreError if the page is absent or damaged.
    """
    with open_laz(run.page_path(submap)) as reader:
        remaining = reader.header.point_count
        while remaining > 0:
            yield _read_points(reader, min(remaining, max_points))
            remaining -= max_points


def count_points(run: Run, submap: int) -> int:
    """How many points a submap's page holds. Raises StoreError if the page is absent or damaged."""
    with open_laz(run.page_path(submap)) as reader:
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


def _read_points(reader: Any, count: int) -> Points:
    """The next `count` points of a page."""
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


def _round_to_eight_bits(confidence: Float32) -> Float32:
    """Confidence [M] rounded down to 8 significant bits, which halves its bytes once compressed."""
    return (confidence.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
