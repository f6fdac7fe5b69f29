"""splats/%06d.npz: the Gaussians of the frames that a submap owns, each in the frame of the camera that made it.

Any reader of npz opens them. `frames` [F] are source indices, `count` [F] how many Gaussians each has, and for every
frame there are the arrays of `packing.pack` by source index: direction_%06d and so on; lengths are in the submap's
unit. So a corrected pose moves splats without a file being written again, and one frame is read without the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..store import Run
from ..store.npz import opened_npz, write_npz
from ..store.run import make_folder
from ..types import Gaussians
from .packing import Packed, pack, unpack

OfFrame = tuple[int, Gaussians[NDArray[Any]]]  # source index, and Gaussians in the frame of the camera
ARRAYS = ("direction", "depth", "size", "rotation", "opacity", "colour", "rest", "range")


def write_splats(run: Run, submap: int, splats: Iterable[OfFrame]) -> None:
    """Store those of a submap in one step, frame by frame. Raises StoreError where the disk refuses."""
    make_folder(run.splats_path(submap).parent)
    write_npz(run.splats_path(submap), _entries(splats))


def read_splats(run: Run, submap: int, frames: Sequence[int] | None = None) -> Iterator[OfFrame]:
    """Those of a submap's frames that have any, or of some of them, one after the other.

    Raises StoreError if the file is absent or damaged.
    """
    with opened_npz(run.splats_path(submap)) as entries:
        for frame in entries["frames"][entries["count"] > 0].tolist():
            if frames is None or frame in frames:
                yield frame, unpack({name: entries[_entry(name, frame)] for name in ARRAYS})


def read_packed(run: Run, submap: int, frame: int) -> Packed | None:
    """The arrays of `packing.pack` of one frame as they are stored, None where the submap keeps no splat of it.

    Raises StoreError if the file is absent or damaged.
    """
    with opened_npz(run.splats_path(submap)) as entries:
        if frame not in entries["frames"][entries["count"] > 0]:
            return None
        return {name: entries[_entry(name, frame)] for name in ARRAYS}


def count_splats(run: Run, submap: int) -> int:
    """How many a submap has. Raises StoreError if the file is absent or damaged."""
    with opened_npz(run.splats_path(submap)) as entries:
        return int(entries["count"].sum())


def has_splats(run: Run) -> bool:
    """Whether a run keeps splats, of any submap: where a file of them is missing, reading says so."""
    return bool(_submaps(run))


def splats_degree(run: Run) -> int:
    """The degree of the harmonics that a run keeps; 0 where it has no splat. Raises StoreError as `read_splats`."""
    for submap in _submaps(run):
        for _, gaussians in read_splats(run, submap):
            return gaussians.degree
    return 0


def _submaps(run: Run) -> list[int]:
    """Those that have a file."""
    return sorted(int(path.stem) for path in run.splats_path(0).parent.glob("*.npz") if path.stem.isdecimal())


def _entries(splats: Iterable[OfFrame]) -> Iterator[tuple[str, NDArray[Any]]]:
    counts: dict[int, int] = {}
    for frame, gaussians in splats:
        counts[frame] = len(gaussians)
        yield from ((_entry(name, frame), values) for name, values in pack(gaussians).items())
    yield "frames", np.array(list(counts), np.int64)
    yield "count", np.array(list(counts.values()), np.int64)


def _entry(name: str, frame: int) -> str:
    return f"{name}_{frame:06d}"
