"""A film of a run's Gaussian splats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from ...splats import count_splats, has_splats, world_splats
from ...store import RunReader
from ...types import Float64, Gaussians
from ..options import GsVideoOptions
from ..progress import Progress
from .filming import film
from .flight import Flight, plan_flight, segment_frames

if TYPE_CHECKING:
    from ...rendering import Rendering


def export_gs_video(reader: RunReader, path: Path, options: GsVideoOptions, progress: Progress) -> str:
    """An MP4 (H.264) of the splats from a camera that flies through them, with their depth.

    Of more splats than `max_splats`, those of every n-th frame are shown. Raises ExportError where the run keeps none,
    and as `plan_flight` and `film`; RenderingError where the device is not there.
    """
    if not has_splats(reader.run):
        raise ExportError(
            f"{reader.path} keeps no Gaussian splats: a run with --gaussians does (da3-giant, da3nested-giant-large); "
            "--format flythrough films the points of any run"
        )
    flight = plan_flight(reader, options)
    scene = _read_scene(reader, options, flight, progress)
    thinned = "" if scene.every == 1 else f" of every {_ordinal(scene.every)} frame"
    shown = f"; {len(scene.gaussians):,} Gaussians{thinned}"
    return film(reader, path, options, flight, scene.draw, progress) + shown


@dataclass(frozen=True, eq=False)
class _SceneSplats:
    """Splats in the world; of every so manieth frame."""

    gaussians: Gaussians[NDArray[Any]]
    every: int
    device: str | None

    def draw(self, camera_from_world: Float64, k: Float64, size: tuple[int, int]) -> Rendering:
        """The splats as a camera sees them."""
        from ...rendering import render

        return render(self.gaussians, camera_from_world, k, size, device=self.device)


def _read_scene(reader: RunReader, options: GsVideoOptions, flight: Flight, progress: Progress) -> _SceneSplats:
    """The splats of the segment that is flown through, since those of others lie anywhere."""
    poses = reader.geometry.frame_poses
    owned = np.isin(poses.source_index, segment_frames(reader, options, flight.segment))
    frames, submaps = poses.source_index[owned], np.unique(poses.submap[owned]).tolist()
    every = max(1, -(-sum(count_splats(reader.run, submap) for submap in submaps) // options.max_splats))
    parts = [
        replace(gaussians, harmonics=gaussians.harmonics.astype(np.float16))
        for submap in progress.each("submaps of splats", submaps, len(submaps))
        for _, gaussians in world_splats(reader.run, reader.geometry, submap, frames[::every])
    ]
    if not parts:
        raise ExportError(f"the frames asked for have no splats in {reader.path}: nothing to film")
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])}
    return _SceneSplats(Gaussians(**arrays), every, options.device)


def _ordinal(number: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(number, f"{number}th")
