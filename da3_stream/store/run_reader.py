"""A run directory as whoever reads it sees it: Python users, exports, reports."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..geometry.masks import Mask
from ..types import Float32, Float64
from .pose_table import (
    PoseTable,
    RunGeometry,
    frame_depth,
    frame_depth_and_sky,
    frame_depth_size,
    frame_sky,
    pose_table,
    read_run_geometry,
)
from .run import Run, open_run
from .submap_files import read_masks


@dataclass(frozen=True, eq=False)
class RunReader:
    """What a run directory held when it was opened; depth maps are read when they are asked for.

    Frames are named by their index in the input, before selection.
    """

    run: Run
    status: dict[str, Any]  # run.json
    geometry: RunGeometry
    poses: PoseTable

    @staticmethod
    def open(run_dir: Path) -> RunReader:
        """Open a run, finished or going. Raises StoreError if it is none or is damaged."""
        run = open_run(run_dir)
        status, geometry = run.read_status(), read_run_geometry(run)
        return RunReader(run, status, geometry, pose_table(status, geometry))

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.run.path

    @property
    def units(self) -> str:
        """ "metres" or "relative"."""
        return self.geometry.scene.units

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the input's images. Raises StoreError where run.json does not tell."""
        try:
            width, height = self.status["input"]["size"]
            return int(width), int(height)
        except (KeyError, TypeError, ValueError):
            raise StoreError("run.json is damaged: it does not tell the size of the input's images") from None

    @property
    def input_paths(self) -> tuple[str, ...]:
        """What opens the input again, absolute, also while the run is going; empty where it cannot be opened again."""
        return tuple(self.status.get("input", {}).get("paths", ()) or self.run.read_input_paths())

    def depth(self, source_index: int) -> tuple[Float32, Float32, Float64]:
        """Depth [H,W] in world units (0 = none), confidence [H,W] (0 = unusable) and the intrinsics [3,3] of a pinhole
        at that size.

        Raises KeyError for a frame without depth.
        """
        return frame_depth(self.run, self.geometry, source_index)

    def depth_and_sky(self, source_index: int) -> tuple[Float32, Float32, NDArray[np.bool_] | None, Float64]:
        """What `depth` and `sky` give, read together, with the intrinsics last. Raises KeyError as `depth`."""
        return frame_depth_and_sky(self.run, self.geometry, source_index)

    def depth_without_sky(self, source_index: int) -> tuple[Float32, Float32, Float64]:
        """As `depth`, with no depth and no confidence in the sky, where models predict some large depth."""
        depth, confidence, sky, k = self.depth_and_sky(source_index)
        return (depth, confidence, k) if sky is None else (np.where(sky, 0, depth), np.where(sky, 0, confidence), k)

    def depth_size(self, source_index: int) -> tuple[int, int]:
        """(width, height) of a frame's depth map. Raises KeyError as `depth`."""
        return frame_depth_size(self.geometry, source_index)

    def sky(self, source_index: int) -> NDArray[np.bool_] | None:
        """Which pixels [H,W] of a frame's depth map are sky, None where the model did not tell. Raises KeyError as
        `depth`."""
        return frame_sky(self.run, self.geometry, source_index)

    def mask(self, source_index: int) -> Mask | None:
        """Which pixels [h,w] of a frame's image, as the predictor took it, count: not those of what goes with the
        camera. None where all count. A frame that no window contains has that of the one before it."""
        poses = self.geometry.frame_poses
        if not len(poses.source_index):
            return None
        row = max(int(np.searchsorted(poses.source_index, source_index, "right")) - 1, 0)
        return _masks_of_submap(self, int(poses.submap[row]))[int(poses.source_index[row])]


@lru_cache(maxsize=2)
def _masks_of_submap(reader: RunReader, submap: int) -> dict[int, Mask | None]:
    """The masks of the frames that a submap owns: their file is read once, where frames are asked for in turn."""
    poses = reader.geometry.frame_poses
    owned = poses.source_index[poses.submap == submap].tolist()
    return dict(zip(owned, read_masks(reader.run, submap, owned), strict=True))
