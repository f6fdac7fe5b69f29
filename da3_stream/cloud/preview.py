"""cloud.ply while a run goes on: an even sample of all pages, with the places of now.

The sample is kept in cloud/samples.bin, so that a renewal opens only the pages that are new. It holds every n-th point
of each page; where it would outgrow the preview, n doubles and every second point leaves. A renewal costs the reading
and writing of at most `preview_points` points, however long the run is. A file that is absent, torn or of more submaps
than there are is made anew from all pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..settings import CloudSettings
from ..store import Run, RunGeometry
from ..store.files import replacing
from .files.ply import writing_ply
from .pages import COARSEST, count_points, level_order, read_page
from .transform import moved, moves, positions

_HEAD = np.dtype([("magic", "S8"), ("nodes", "<u8"), ("every", "<u8"), ("count", "<u8")])
_SAMPLE = np.dtype([("number", "<u4"), ("frame", "<i4"), ("xyz", "<f4", 3), ("rgb", "u1", 3)])
_MAGIC = b"da3s01"
_CHUNK = 1 << 17


def preview_cloud(run: Run, geometry: RunGeometry, settings: CloudSettings) -> int:
    """Write cloud.ply from an even sample of every page, at most `settings.preview_points` points, or one of
    each page; returns how many.

    Raises StoreError if a page is absent or damaged.
    """
    path = _samples_path(run)
    _renew(run, path, len(geometry.submaps), settings.preview_points)
    placed = np.flatnonzero(geometry.frame_poses.has_pose)
    frames, matrices = geometry.frame_poses.source_index[placed], moves(geometry, placed)
    with open(path, "rb") as file, writing_ply(run.path / "cloud.ply", f"da3_stream, {geometry.scene.units}") as ply:
        for samples in _chunks(file):
            which, found = positions(frames, samples["frame"])
            ply.write(moved(samples["xyz"][found], matrices, which[found]), samples["rgb"][found])
    return ply.count


def drop_samples(run: Run) -> None:
    """Remove the sample: the next preview makes it anew."""
    _samples_path(run).unlink(missing_ok=True)


def _samples_path(run: Run) -> Path:
    return run.path / "cloud" / "samples.bin"


@dataclass(frozen=True)
class _Held:
    """What samples.bin holds: every `every`-th point of pages 0 to `nodes` - 1, `count` in all."""

    submaps: int
    every: int
    count: int


def _renew(run: Run, path: Path, submaps: int, most: int) -> None:
    """Bring samples.bin up to the pages 0 to `nodes` - 1."""
    held = _held(path)
    if held is None or held.submaps > submaps or held.count > max(most, held.submaps):
        total = sum(count_points(run, submap) for submap in range(submaps))
        held = _Held(0, 1 << max(0, (-(-total // most) - 1).bit_length()), 0)
        _write(path, held, [])
    for submap in range(held.submaps, submaps):
        samples = _sampled(run, submap, held.every)
        while held.count + len(samples) > max(most, submap + 1):  # one point of each page always stays
            held = _halved(path, held)
            samples = samples[samples["number"] % held.every == 0]
        held = _Held(submap + 1, held.every, held.count + len(samples))
        _append(path, held, samples)


def _held(path: Path) -> _Held | None:
    """What the file says of itself; None where there is none or it is not whole."""
    try:
        with open(path, "rb") as file:
            head = np.fromfile(file, _HEAD, 1)
        size = path.stat().st_size
    except FileNotFoundError:
        return None
    if not len(head) or head["magic"][0] != _MAGIC:
        return None
    held = _Held(int(head["nodes"][0]), int(head["every"][0]), int(head["count"][0]))
    return held if size == _HEAD.itemsize + held.count * _SAMPLE.itemsize else None


def _head(held: _Held) -> bytes:
    return np.array((_MAGIC, held.submaps, held.every, held.count), _HEAD).tobytes()


def _write(path: Path, held: _Held, parts: list[NDArray[np.void]]) -> None:
    with replacing(path) as file:
        file.write(_head(held))
        for part in parts:
            file.write(part.data)


def _append(path: Path, held: _Held, samples: NDArray[np.void]) -> None:
    with open(path, "r+b") as file:
        file.seek(0, 2)
        file.write(samples.data)
        file.seek(0)
        file.write(_head(held))


def _halved(path: Path, held: _Held) -> _Held:
    every = 2 * held.every
    with open(path, "rb") as file:
        parts = [samples[samples["number"] % every == 0] for samples in _chunks(file)]
    held = _Held(held.submaps, every, sum(len(part) for part in parts))
    _write(path, held, parts)
    return held


def _sampled(run: Run, submap: int, every: int) -> NDArray[np.void]:
    """Every n-th point of a page in its own frame."""
    points = read_page(run, submap, min(every, COARSEST))
    samples = np.empty(len(points), _SAMPLE)
    samples["number"] = level_order(count_points(run, submap), min(every, COARSEST))
    samples["frame"], samples["xyz"], samples["rgb"] = points.frame, points.xyz, points.rgb
    return samples[samples["number"] % every == 0]


def _chunks(file: BinaryIO) -> Iterator[NDArray[np.void]]:
    file.seek(_HEAD.itemsize)
    while len(samples := np.fromfile(file, _SAMPLE, _CHUNK)):
        yield samples
