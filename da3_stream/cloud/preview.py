"""cloud.ply while a run goes on: an even sample of all pages, by the poses of now.

The sample is kept in cloud/samples.bin, so that an update opens only the pages that are new. It holds every n-th point
of each page; where it would outgrow the preview, n doubles and every second point is dropped. An update reads and
writes at most `preview_points` points, however long the run is. A file that is absent, torn or of more submaps than
there are is made anew from all pages.
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
from .axes import FileAxes
from .files.ply import create_ply, ply_comments
from .pages import COARSEST, count_points, level_order, read_page
from .transform import find_sorted, submap_transforms, transform_points

_HEADER = np.dtype([("magic", "S8"), ("submaps", "<u8"), ("every", "<u8"), ("count", "<u8")])
_SAMPLE = np.dtype([("number", "<u4"), ("frame", "<i4"), ("xyz", "<f4", 3), ("rgb", "u1", 3)])
_MAGIC = b"da3s01"
_CHUNK = 1 << 17


def preview_cloud(run: Run, geometry: RunGeometry, settings: CloudSettings) -> int:
    """Write cloud.ply from an even sample of every page, at most `settings.preview_points` points (but one of each page
    in any case); returns how many.

    Raises StoreError if a page is absent or damaged.
    """
    path = _samples_path(run)
    _update_samples(run, path, len(geometry.submaps), settings.preview_points)
    posed_rows = np.flatnonzero(geometry.frame_poses.has_pose)
    frames, matrices = geometry.frame_poses.source_index[posed_rows], submap_transforms(geometry, posed_rows)
    comments = ply_comments(FileAxes.world(geometry.scene.units))
    with open(path, "rb") as file, create_ply(run.path / "cloud.ply", comments) as ply:
        for samples in _sample_chunks(file):
            which, posed = find_sorted(frames, samples["frame"])
            ply.write(transform_points(samples["xyz"][posed], matrices, which[posed]), samples["rgb"][posed])
    return ply.count


def drop_samples(run: Run) -> None:
    """Remove the stored sample: the next preview makes it anew."""
    _samples_path(run).unlink(missing_ok=True)


def _samples_path(run: Run) -> Path:
    return run.path / "cloud" / "samples.bin"


@dataclass(frozen=True)
class _SampleHeader:
    """The header of samples.bin: it holds every `every`-th point of pages 0 to `submaps` - 1, `count` in all."""

    submaps: int
    every: int
    count: int


def _update_samples(run: Run, path: Path, submaps: int, max_points: int) -> None:
    """Make samples.bin hold the pages 0 to `submaps` - 1."""
    header = _read_header(path)
    if header is None or header.submaps > submaps or header.count > max(max_points, header.submaps):
        total = sum(count_points(run, submap) for submap in range(submaps))
        header = _SampleHeader(0, 1 << max(0, (-(-total // max_points) - 1).bit_length()), 0)
        _write_samples(path, header, [])
    for submap in range(header.submaps, submaps):
        samples = _sample_page(run, submap, header.every)
        while header.count + len(samples) > max(max_points, submap + 1):  # one point of each page always stays
            header = _halve(path, header)
            samples = samples[samples["number"] % header.every == 0]
        header = _SampleHeader(submap + 1, header.every, header.count + len(samples))
        _append_samples(path, header, samples)


def _read_header(path: Path) -> _SampleHeader | None:
    """The header of samples.bin; None where the file is absent, torn or of another format."""
    try:
        with open(path, "rb") as file:
            head = np.fromfile(file, _HEADER, 1)
        size = path.stat().st_size
    except FileNotFoundError:
        return None
    if not len(head) or head["magic"][0] != _MAGIC:
        return None
    header = _SampleHeader(int(head["submaps"][0]), int(head["every"][0]), int(head["count"][0]))
    return header if size == _HEADER.itemsize + header.count * _SAMPLE.itemsize else None


def _header_bytes(header: _SampleHeader) -> bytes:
    return np.array((_MAGIC, header.submaps, header.every, header.count), _HEADER).tobytes()


def _write_samples(path: Path, header: _SampleHeader, parts: list[NDArray[np.void]]) -> None:
    with replacing(path) as file:
        file.write(_header_bytes(header))
        for part in parts:
            file.write(part.data)


def _append_samples(path: Path, header: _SampleHeader, samples: NDArray[np.void]) -> None:
    with open(path, "r+b") as file:
        file.seek(0, 2)
        file.write(samples.data)
        file.seek(0)
        file.write(_header_bytes(header))


def _halve(path: Path, header: _SampleHeader) -> _SampleHeader:
    """Drop every second point from the file, and return its new header."""
    every = 2 * header.every
    with open(path, "rb") as file:
        parts = [samples[samples["number"] % every == 0] for samples in _sample_chunks(file)]
    header = _SampleHeader(header.submaps, every, sum(len(part) for part in parts))
    _write_samples(path, header, parts)
    return header


def _sample_page(run: Run, submap: int, every: int) -> NDArray[np.void]:
    """Every n-th point of a page, in the submap's frame."""
    points = read_page(run, submap, min(every, COARSEST))
    samples = np.empty(len(points), _SAMPLE)
    samples["number"] = level_order(count_points(run, submap), min(every, COARSEST))
    samples["frame"], samples["xyz"], samples["rgb"] = points.frame, points.xyz, points.rgb
    return samples[samples["number"] % every == 0]


def _sample_chunks(file: BinaryIO) -> Iterator[NDArray[np.void]]:
    file.seek(_HEADER.itemsize)
    while len(samples := np.fromfile(file, _SAMPLE, _CHUNK)):
        yield samples
