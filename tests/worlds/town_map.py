"""The town driven around three times, as a map that verification can ask, with predictors that know the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from da3_stream.geometry import Sim3
from da3_stream.synthetic import Town
from da3_stream.types import Frame, Status, WindowGeometry

SIZE, OVERLAP = 24, 6  # frames of a window


class ExactPredictor:
    """The truth of the town, in a unit and a frame that no two windows have in common."""

    def __init__(self, town: Town, moved: NDArray[np.int64] | None = None) -> None:
        """`moved[i]` is the frame at whose place frame i is said to be: what a network makes of look-alikes."""
        self.town, self.moved = town, moved
        self.rendered: dict[int, tuple[NDArray[np.uint8], NDArray[np.float32]]] = {}

    def frames(self, indices: Sequence[int]) -> list[Frame]:
        return [Frame(index, index / 10, self._shown(index)[0], str(index)) for index in indices]

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        indices = np.array([frame.index for frame in frames])
        unit = 1.0 + 0.1 * (indices[0] % 7)
        depth = np.stack([self._shown(index)[1] for index in indices.tolist()]) / np.float32(unit)
        poses = self.town.path.world_from_camera[indices if self.moved is None else self.moved[indices]]
        window_from_camera = np.linalg.inv(poses[0]) @ poses
        window_from_camera[:, :3, 3] /= unit
        return WindowGeometry(
            frame_indices=indices,
            images=np.stack([frame.image for frame in frames]),
            depth=depth,
            confidence=(depth > 0).astype(np.float32),
            intrinsics=np.tile(self.town.intrinsics, (len(indices), 1, 1)),
            window_from_camera=window_from_camera,
            is_metric=False,
        )

    def _shown(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        if index not in self.rendered:
            frame = self.town.frame(index)
            self.rendered[index] = frame.image, frame.depth
        return self.rendered[index]


class TownMap:
    """Windows on demand, each where it truly is but for a drift that grows with every window."""

    def __init__(self, predictor: ExactPredictor, drift_per_window: Sim3 | None = None) -> None:
        self.predictor, self.poses = predictor, predictor.town.path.world_from_camera
        self.drift = drift_per_window or Sim3.identity()
        self.made: dict[int, WindowGeometry] = {}

    def submap_of(self, frame: int) -> int:
        return max(0, round((frame - SIZE / 2) / (SIZE - OVERLAP)))

    def frames_of(self, submap: int) -> list[int]:
        first = submap * (SIZE - OVERLAP)
        return list(range(first, min(first + SIZE, len(self.poses))))

    def geometry(self, submap: int, frames: Sequence[int] | None = None) -> WindowGeometry:
        if submap not in self.made:
            self.made[submap] = self.predictor.predict(self.predictor.frames(self.frames_of(submap)))
        whole = self.made[submap]
        return whole if frames is None else whole.rows(np.flatnonzero(np.isin(whole.frame_indices, frames)))

    def frames(self, indices: Sequence[int]) -> list[Frame]:
        return self.predictor.frames(indices)

    def world_from_window(self, submap: int) -> Sim3:
        first = submap * (SIZE - OVERLAP)
        truth = Sim3.from_matrix(self.poses[first]) @ Sim3(1.0 + 0.1 * (first % 7), np.eye(3), np.zeros(3))
        return Sim3.exp(submap * self.drift.log()) @ truth

    def path_length(self, earlier: int, later: int) -> float:
        return float(np.linalg.norm(np.diff(self.poses[earlier : later + 1, :3, 3], axis=0), axis=1).sum())

    def true_a_from_b(self, submaps: tuple[int, int]) -> Sim3:
        drift, self.drift = self.drift, Sim3.identity()
        a, b = (self.world_from_window(submap) for submap in submaps)
        self.drift = drift
        return a.inverse() @ b


class Failing:
    """Another predictor's answer with a change."""

    def __init__(self, predictor: ExactPredictor, **change: object) -> None:
        self.predictor, self.change = predictor, change

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        return replace(self.predictor.predict(frames), **self.change)  # type: ignore[arg-type]


FAILED = {"status": Status.FAILED}
