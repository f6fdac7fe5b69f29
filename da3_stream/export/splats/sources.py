"""Where an export's splats come from: those that the run keeps, or small discs around the points of its cloud."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...cloud import PointSelection, fuse_pages
from ...cloud.octree.cube import TILE_DEPTH, tile_codes
from ...cloud.octree.leaves import Leaves, build_leaves
from ...cloud.transform import world_voxel
from ...errors import ExportError
from ...splats import BetterViews, count_splats, has_splats, initial_splats, splats_degree, world_splats
from ...store import OpenSubmaps, RunReader
from ...types import Gaussians

if TYPE_CHECKING:
    from ..options import SplatOptions
    from ..progress import Progress

_SURVEYED = 256  # frames, at most, by whose splats the world is cut into tiles
_EVERY = 16  # of their splats
_OF_CLOUD = ("max_points", "confidence", "voxel_m", "voxel")  # options of initial splats alone

Tiled = tuple[NDArray[np.int64], Gaussians[NDArray[Any]]]  # the tile of each [G], and Gaussians [G,...] in the world


class SplatSource(Protocol):
    """Splats of a run in its world, piece by piece."""

    degree: int  # of their harmonics
    note: str  # what a file says of them

    def splats(self, progress: Progress) -> Iterator[Tiled]:
        """All of them, once. Raises StoreError if a file of the run is absent or damaged."""
        ...


def splat_source(reader: RunReader, selection: PointSelection, options: SplatOptions, folder: Path) -> SplatSource:
    """Those that the options want: by default the run's own, where it keeps any. Temporary files are in `folder`.

    Raises ExportError where a run without splats is asked for its own, and for options that those do not have.
    """
    kept = has_splats(reader.run)
    if options.source == "run" and not kept:
        raise ExportError(
            f"{reader.path} keeps no splats: run again with --gaussians and a model that gives them, or leave "
            "source=run out for initial splats of its cloud"
        )
    if options.source == "cloud" or not kept:
        return InitialSplats(reader, selection, folder)
    given = [name for name in _OF_CLOUD if name in options.model_fields_set]
    if given:
        raise ExportError(f"{given[0]} is for initial splats: leave it out, or give --set source=cloud")
    return RunSplats(reader, selection, options.splats_in_tile)


class RunSplats:
    """The network's own, of the selected frames, without those that views of any submap see through."""

    note = "splats: of the network"

    def __init__(self, reader: RunReader, selection: PointSelection, most: int) -> None:
        self._reader, self._selection, self._most = reader, selection, most
        self._voxel = world_voxel(reader.geometry, selection.settings)
        self.degree = splats_degree(reader.run)

    def splats(self, progress: Progress) -> Iterator[Tiled]:
        """See `SplatSource`; frame by frame."""
        leaves, geometry, run = self._survey(), self._reader.geometry, self._reader.run
        centres = dict(zip(self._poses.source_index.tolist(), self._poses.world_from_camera[:, :3, 3], strict=True))
        with OpenSubmaps(run) as depths:
            views = BetterViews(depths, geometry, self._selection.settings)
            submaps = list(geometry.submaps)
            for submap in progress.each("submaps of splats", submaps, len(submaps)):
                for frame, gaussians in world_splats(run, geometry, submap, self._selection.frames):
                    distance = np.linalg.norm(gaussians.means - centres[frame], axis=1).astype(np.float32)
                    kept = gaussians.take(~views.see_through(gaussians.means, distance))
                    yield leaves.leaf_of(tile_codes(kept.means, self._voxel)), kept

    @property
    def _poses(self) -> Any:
        return self._reader.geometry.frame_poses

    def _survey(self) -> Leaves:
        """Tiles of about equal numbers of splats, by some of those of some frames."""
        geometry, run = self._reader.geometry, self._reader.run
        frames = self._poses.source_index if self._selection.frames is None else self._selection.frames
        some = frames[np.unique(np.linspace(0, len(frames) - 1, min(len(frames), _SURVEYED)).astype(int))]
        codes = [np.zeros(0, np.uint64)]
        for submap in geometry.submaps:
            for _, gaussians in world_splats(run, geometry, submap, some):
                codes.append(tile_codes(gaussians.means[::_EVERY], self._voxel))
        sample, total = np.concatenate(codes), sum(count_splats(run, submap) for submap in geometry.submaps)
        return build_leaves(sample, TILE_DEPTH, max(1, len(sample) * self._most // max(total, 1)))


class InitialSplats:
    """Discs around the points of the merged cloud, tile by tile of it."""

    note, degree = "initial splats: of the merged cloud, not of a network", 0

    def __init__(self, reader: RunReader, selection: PointSelection, folder: Path) -> None:
        self._reader, self._selection, self._folder = reader, selection, folder

    def splats(self, progress: Progress) -> Iterator[Tiled]:
        """See `SplatSource`."""
        reader, selection = self._reader, self._selection
        with fuse_pages(reader.run, reader.geometry, selection, self._folder, watch=progress.each) as cloud:
            for tile, records in cloud.tiles:
                yield np.full(len(records), tile), initial_splats(records["xyz"], records["rgb"])
