"""A film of a run's Gaussian splats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...cloud import PointSelection
from ...errors import ExportError
from ...splats import count_splats, has_splats
from ...store import RunReader
from ...types import Float64, Gaussians
from ..options import CloudOptions, GsVideoOptions, SplatOptions
from ..progress import Progress
from ..splats.sources import splat_source
from .filming import film
from .flight import Flight, plan_flight, segment_points

if TYPE_CHECKING:
    from ...rendering import Rendering


def export_gs_video(reader: RunReader, path: Path, options: GsVideoOptions, progress: Progress) -> str:
    """An MP4 (H.264) of the splats from a camera that flies through them, with their depth: those that the run keeps,
    or initial ones of its cloud.

    Of more splats than `max_splats`, those of every n-th frame are shown. Raises ExportError where there are none, and
    as `plan_flight` and `film`; RenderingError where the device is not there.
    """
    flight = plan_flight(reader, options)
    scene = _read_scene(reader, path.parent, options, flight, progress)
    shown = f"; {len(scene.gaussians):,} Gaussians{scene.note}"
    return film(reader, path, options, flight, scene.draw, progress) + shown


@dataclass(frozen=True, eq=False)
class _SceneSplats:
    """Splats in the world, and which they are."""

    gaussians: Gaussians[NDArray[Any]]
    note: str
    device: str | None

    def draw(self, camera_from_world: Float64, k: Float64, size: tuple[int, int]) -> Rendering:
        """The splats as a camera sees them."""
        from ...rendering import render

        return render(self.gaussians, camera_from_world, k, size, device=self.device)


def _read_scene(
    reader: RunReader, folder: Path, options: GsVideoOptions, flight: Flight, progress: Progress
) -> _SceneSplats:
    cloud = CloudOptions(max_points=options.max_splats, normals=False)
    selection, note = _thinned(reader, segment_points(reader, options, flight, cloud), options.max_splats)
    source = splat_source(reader, selection, SplatOptions(), folder)
    parts = [
        replace(gaussians, harmonics=gaussians.harmonics.astype(np.float16))
        for _, gaussians in source.splats(progress)
        if len(gaussians)
    ]
    if not parts:
        raise ExportError(f"the frames asked for have no splats in {reader.path}: nothing to film")
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])}
    return _SceneSplats(Gaussians(**arrays), note, options.device)


def _thinned(reader: RunReader, selection: PointSelection, most: int) -> tuple[PointSelection, str]:
    """The selection with every n-th of its frames only, of which the run keeps about so many splats at most, and words
    for it. Frames show the same surfaces many times, so that surfaces stay closed."""
    if selection.frames is None or not has_splats(reader.run):
        return selection, " made of the cloud's points"
    poses = reader.geometry.frame_poses
    owned = np.isin(poses.source_index, selection.frames)
    submaps = np.unique(poses.submap[owned]).tolist()
    every = max(1, -(-sum(count_splats(reader.run, submap) for submap in submaps) // most))
    words = {1: "", 2: " of every 2nd frame", 3: " of every 3rd frame"}.get(every, f" of every {every}th frame")
    return replace(selection, frames=poses.source_index[owned][::every]), words
