"""Points around a camera that turns or moves, and their exact matches: what the tests of turns share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.matching.pairs import TwoView, sequential_pairs

SIZE = (320, 240)
LENS = Lens(208.5, 208.5, 160.0, 120.0)
POINTS = 2500

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SeenPoints:
    """Keypoints [n,2] of every row, the verified pairs, and the true poses [n,4,4]."""

    xy: list[NDArray[np.float32]]
    views: dict[tuple[int, int], TwoView]
    world_from_camera: Array

    @property
    def matches(self) -> dict[tuple[int, int], NDArray[np.uint32]]:
        """What was matched: no wrong ones."""
        return {pair: view.matches for pair, view in self.views.items()}


def poses(yaw_deg: Array, centres: Array | None = None, pitch_deg: Array | None = None) -> Array:
    """World_from_camera of cameras that look along z, turned to the right by `yaw_deg` [n], at centres [n,3]."""
    out = np.tile(np.eye(4), (len(yaw_deg), 1, 1))
    pitch = np.zeros(len(yaw_deg)) if pitch_deg is None else pitch_deg
    out[:, :3, :3] = Rotation.from_euler("YX", np.column_stack([yaw_deg, pitch]), degrees=True).as_matrix()
    out[:, :3, 3] = 0.0 if centres is None else centres
    return out


def seen_points(world_from_camera: Array, noise_px: float = 0.2, lens: Lens = LENS, seed: int = 0) -> SeenPoints:
    """Points 3 to 20 m around the origin as the cameras see them."""
    rng = np.random.default_rng(seed)
    around = rng.normal(size=(POINTS, 3)) * (1, 0.4, 1)
    points = around / np.linalg.norm(around, axis=1, keepdims=True) * rng.uniform(3, 20, (POINTS, 1))
    pixels, visible = zip(*(_project(points, pose, lens) for pose in world_from_camera), strict=True)
    xy = [
        (p[v] + rng.normal(0, noise_px, (v.sum(), 2))).astype(np.float32) for p, v in zip(pixels, visible, strict=True)
    ]
    ids = [np.flatnonzero(v) for v in visible]
    views = {}
    for a, b in sequential_pairs(len(xy)):
        _, first, second = np.intersect1d(ids[a], ids[b], return_indices=True)
        if len(first) >= 15:
            views[a, b] = TwoView(np.stack([first, second], axis=1).astype(np.uint32), np.eye(3), np.eye(3), False)
    return SeenPoints(xy, views, world_from_camera)


def _project(points: Array, pose: Array, lens: Lens) -> tuple[Array, NDArray[np.bool_]]:
    inside = (points - pose[:3, 3]) @ pose[:3, :3]
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = inside[:, :2] / inside[:, 2:] * [lens.fx, lens.fy] + [lens.cx, lens.cy]
    return pixels, (inside[:, 2] > 0.1) & np.all((pixels > 0) & (pixels < SIZE), axis=1)
