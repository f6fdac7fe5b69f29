"""cloud/%06d.laz: a node's points in its own frame (LAS 1.4, point format 7, extra dimensions confidence and frame).

Points lie in levels: every 1024th of the original order first, then those between them, and so on, so that the
beginning of a page is an even sample of it. Within a level the order of frames and pixels stays, which compresses
well. Confidence keeps 8 significant bits. Equal points give equal bytes.
"""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..store import Run
from ..store.files import replacing
from ..types import Float32
from .points import Points

COARSEST = 1024  # the first level holds every 1024th point
_FINEST_SHARE = 2.0**-14  # coordinates are rounded to this share of the voxel's edge


def write_page(run: Run, node: int, points: Points) -> None:
    """Store a node's points in one step; a node without points has a page without points."""
    import laspy

    ordered = points.take(level_order(len(points)))
    header = _header(ordered)
    records = laspy.LasData(header)
    records.xyz = ordered.xyz.astype(np.float64)
    records.red, records.green, records.blue = (ordered.rgb.astype(np.uint16) * 257).T
    records.confidence = _eight_bits(ordered.confidence)
    records.frame = ordered.frame
    buffer = io.BytesIO()
    records.write(buffer, do_compress=True, laz_backend=laspy.LazBackend.Lazrs)
    with replacing(run.page_path(node)) as file:
        file.write(buffer.getvalue())


def read_page(run: Run, node: int, every: int = 1) -> Points:
    """A node's points, or evenly every n-th (n a power of two up to 1024) at a cost in proportion.

    Raises StoreError if the page is absent or damaged.
    """
    with _opened(run.page_path(node)) as reader:
        records = reader.read_points(-(-reader.header.point_count // every))
        return Points(
            np.stack([records.x, records.y, records.z], axis=-1).astype(np.float32),
            (np.stack([records.red, records.green, records.blue], axis=-1) // 257).astype(np.uint8),
            np.array(records.frame, np.int32),
            np.array(records.confidence, np.float32),
            float(reader.header.scales[0]) / _FINEST_SHARE,
        )


def count_points(run: Run, node: int) -> int:
    """How many points a node's page holds. Raises StoreError if the page is absent or damaged."""
    with _opened(run.page_path(node)) as reader:
        return int(reader.header.point_count)


def level_order(count: int) -> NDArray[np.int64]:
    """A permutation of 0..count-1 whose first ceil(count / n) entries are the multiples of n, n = 1024, 512, ..., 1."""
    levels = [np.arange(0, count, COARSEST)]
    step = COARSEST
    while step > 1:
        levels.append(np.arange(step // 2, count, step))
        step //= 2
    return np.concatenate(levels)


def _header(points: Points) -> Any:
    import laspy

    header = laspy.LasHeader(point_format=7, version="1.4")
    header.creation_date = date(2000, 1, 1)
    header.generating_software = "da3_stream"
    header.add_extra_dims([laspy.ExtraBytesParams("confidence", np.float32), laspy.ExtraBytesParams("frame", np.int32)])
    farthest = float(np.abs(points.xyz).max(initial=0.0))
    header.scales = np.full(3, max(points.voxel * _FINEST_SHARE, farthest / 2.0**30))
    header.offsets = np.zeros(3)
    return header


def _eight_bits(confidence: Float32) -> Float32:
    """Rounded down to 8 significant bits (half the bytes once compressed)."""
    return (confidence.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import laspy

    damage = (laspy.errors.LaspyException, RuntimeError, OSError, ValueError, struct.error)  # lazrs: RuntimeError
    try:
        with laspy.open(path, laz_backend=laspy.LazBackend.Lazrs) as reader:
            yield reader
    except FileNotFoundError:
        raise StoreError(f"{path} is missing: the run directory is incomplete") from None
    except damage as error:
        raise StoreError(f"{path} is damaged: {type(error).__name__} {error}") from None
