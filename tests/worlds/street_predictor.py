"""A predictor that knows the truth of the made-up street, and frames for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da3_stream.types import Frame, WindowGeometry
from tests.worlds.street import SIZE, intrinsics, street_depth, world_from_camera

WINDOWS = {"size": 12, "overlap": 4}
NO_ROAD = {"camera_height": "off"}  # a third of a run's time, and there is none in noise

Change = Callable[[int, WindowGeometry], WindowGeometry]


def pictures(count: int) -> list[NDArray[np.uint8]]:
    """Any pictures: the stand-in goes by the frames' numbers."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8) for _ in range(count)]


class StandIn:
    """Exact geometry in a unit of its own for every window; `change(first frame, geometry)` spoils it."""

    name = "stand-in"

    def __init__(self, change: Change = lambda first, geometry: geometry) -> None:
        self.change = change

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        indices = np.array([frame.index for frame in frames])
        unit = 1.0 + 0.1 * (indices[0] % 7)
        poses = np.stack([world_from_camera(index) for index in indices.tolist()])
        depth = np.stack([street_depth(pose) for pose in poses]) / unit
        window_from_camera = np.linalg.inv(poses[len(poses) // 2]) @ poses
        window_from_camera[:, :3, 3] /= unit
        geometry = WindowGeometry(
            frame_indices=indices,
            images=np.stack([frame.image for frame in frames]),
            depth=depth.astype(np.float32),
            confidence=np.where(depth > 0, 1 / (1 + depth), 0).astype(np.float32),
            intrinsics=np.tile(intrinsics(), (len(indices), 1, 1)),
            window_from_camera=window_from_camera,
            is_metric=False,
        )
        return self.change(int(indices[0]), geometry)


def street(out: Path, count: int, change: Change | None = None, **stages: Any) -> Path:
    """A run of so many frames through the street, in which no road is looked for unless `scale` says so."""
    from da3_stream import Settings, pipeline  # not by actors, which only take the predictor: a second each

    settings = Settings.build({"windows": WINDOWS, "scale": NO_ROAD, **stages})
    predictor = StandIn(change) if change else StandIn()
    return pipeline.run(pictures(count), out, settings, predictor)


def lost_rows(geometry: WindowGeometry, rows: slice) -> WindowGeometry:
    """The geometry without poses and depth in these rows."""
    poses, depth = geometry.window_from_camera.copy(), geometry.depth.copy()
    poses[rows], depth[rows] = np.nan, 0
    return replace(geometry, window_from_camera=poses, depth=depth)


class MaskKeeper(StandIn):
    """Keeps the masks of the frames it was asked for, and stops before one of the windows."""

    def __init__(self, stop_before: int | None = None) -> None:
        super().__init__()
        self.masks: dict[int, NDArray[np.bool_] | None] = {}
        self._windows, self._stop_before = 0, stop_before

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        if self._windows == self._stop_before:
            raise KeyboardInterrupt
        self._windows += 1
        self.masks |= {frame.index: frame.mask for frame in frames}
        return super().predict([self.seen(frame) for frame in frames])

    def seen(self, frame: Frame) -> Frame:
        """The frame as the stand-in is given it."""
        return frame
