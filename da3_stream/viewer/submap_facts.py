"""What is known of each submap without its pixels and points, read once as long as its files stay the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..cloud.files.laz import open_laz
from ..cloud.levels import SubmapLevels
from ..splats import count_splats
from ..store import Run, SubmapCameras
from ..store.npz import open_npz, reading
from ..store.submap_files import cameras_of, image_entry
from ..types import Float64
from .run_files import Stamp, revision_of, stamp


@dataclass(frozen=True, eq=False)
class SubmapFacts:
    """The sphere about its points is in its own frame; `nodes` is None where levels of detail are not stored."""

    cameras: SubmapCameras
    has_images: bool
    points: int
    nodes: int | None
    bytes: int
    centre: Float64  # [3]
    radius: float
    revision: int  # another one when points are
    splats: int
    splats_revision: int  # another one when splats are


class FactsOfSubmaps:
    """Keeps them, a few kilobytes each."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._known: dict[int, tuple[tuple[Stamp, ...], SubmapFacts]] = {}

    def read(self, count: int) -> dict[int, SubmapFacts]:
        """Of submaps 0 to `count` - 1. Raises StoreError if a file is absent or damaged."""
        for number in [number for number in self._known if number >= count]:
            del self._known[number]
        return {number: self._facts(number) for number in range(count)}

    def _facts(self, submap: int) -> SubmapFacts:
        run = self._run
        files = (run.submap_path(submap), run.page_path(submap), run.levels_path(submap), run.splats_path(submap))
        stamps = tuple(stamp(file) for file in files)
        known = self._known.get(submap)
        if known is None or known[0] != stamps:
            known = stamps, _read(run, submap, stamps)
            self._known[submap] = known
        return known[1]


def _read(run: Run, submap: int, stamps: tuple[Stamp, ...]) -> SubmapFacts:
    cameras, has_images = _cameras(run, submap)
    revision = revision_of(run.page_path(submap), run.levels_path(submap))
    _, page, levels, stored_splats = stamps
    if levels is not None:
        points, nodes, size, centre, radius = _of_levels(SubmapLevels.open(run.levels_path(submap)))
    elif page is not None:
        nodes = None
        points, size, centre, radius = _of_page(run, submap)
    else:
        points, nodes, size, centre, radius = 0, 0, 0, np.zeros(3), 0.0
    splats = 0 if stored_splats is None else count_splats(run, submap)
    of_splats = revision_of(run.splats_path(submap))
    return SubmapFacts(cameras, has_images, points, nodes, size, centre, radius, revision, splats, of_splats)


def _cameras(run: Run, submap: int) -> tuple[SubmapCameras, bool]:
    """And whether it keeps images. The file is opened once: it has hundreds of entries."""
    path = run.submap_path(submap)
    with reading(path), open_npz(path) as entries:
        cameras = cameras_of(entries)
        owned = cameras.frame_indices[cameras.owned]
        return cameras, len(owned) > 0 and image_entry(int(owned[0])) in entries


def _of_levels(levels: SubmapLevels) -> tuple[int, int, int, Float64, float]:
    nodes = levels.nodes
    size = 12 * levels.count
    if not nodes:
        return 0, 0, 0, np.zeros(3), 0.0
    largest = max(nodes, key=lambda node: float(node["size"]))
    return levels.count, len(nodes), size, np.array(largest["centre"]), largest["size"] * np.sqrt(3) / 2


def _of_page(run: Run, submap: int) -> tuple[int, int, Float64, float]:
    with open_laz(run.page_path(submap)) as reader:
        header = reader.header
        count, low, high = int(header.point_count), np.array(header.mins), np.array(header.maxs)
    if not count:
        return 0, 0, np.zeros(3), 0.0
    return count, 12 * count, (low + high) / 2, float(np.linalg.norm(high - low) / 2)
