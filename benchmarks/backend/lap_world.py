"""Streets that are driven again and again, cheap to draw, and a predictor that knows them but for a drift.

A ring is driven round and round; a corridor there and back, backwards on the way back. Between houses' fronts with
textures of noise that nowhere repeat, the camera is never twice in the very same place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry import intrinsics_matrix, pixel_centres
from da3_stream.types import Frame, UInt8, WindowGeometry

Array = NDArray[np.float64]

SIZE = (96, 72)  # width, height
FOCAL_PX = 70.0
HALF_WIDTH, HEIGHT = 7.0, 1.5  # metres from the middle of the street to the fronts, and of the camera over the road
FURTHEST = 80.0  # metres, beyond which nothing is seen
TEXELS = 5.0  # a metre
HOUSE = 64  # texels along the street
SWAY, SWAY_M = 0.3, 60.0  # metres to the sides, and how long a sway is
SCALE_DRIFT, TURN_DRIFT = 0.02, 0.005  # log-scale and radians that the predictor gets wrong over a window,
PAIR_SIGMAS = (0.01, 0.005)  # and between two places seen together
PAIR_GAP = 100  # frames left out between two that are seen together only for a loop


@dataclass(frozen=True)
class LapWorld:
    """A street of `lap` steps of `step` metres: a closed ring, or a corridor of half the length, there and back."""

    shape: Literal["ring", "corridor"]
    lap: int  # frames
    laps: int
    step: float = 0.7

    def __len__(self) -> int:
        return self.lap * self.laps

    @cached_property
    def world_from_camera(self) -> Array:
        """True poses [N,4,4]."""
        frames = np.arange(len(self))
        along, aside = self._along(frames), SWAY * np.sin(2 * np.pi * frames * self.step / SWAY_M / 1.37)
        poses = np.tile(np.eye(4), (len(self), 1, 1))
        if self.shape == "corridor":
            poses[:, :3, 3] = np.stack([aside, 0 * aside, along], axis=1)
            return poses
        angle = along / self._radius
        poses[:, :3, :3] = Rotation.from_euler("y", -angle[:, None]).as_matrix()
        out = self._radius + aside
        poses[:, :3, 3] = np.stack([out * np.cos(angle), 0 * out, out * np.sin(angle)], axis=1)
        return poses

    def visit(self, frame: int) -> int:
        """How often the place of a frame was passed before."""
        return frame // self.lap if self.shape == "ring" else 2 * frame // self.lap

    def draw(self, frame: int) -> tuple[UInt8, NDArray[np.float32]]:
        """Picture [H,W,3] and depth [H,W] (0: none) of a frame."""
        pose = self.world_from_camera[frame]
        rays = _camera_rays() @ pose[:3, :3].T
        depths = np.stack([*self._to_fronts(pose, rays), _to_road(rays)])
        surface, depth = depths.argmin(axis=0), depths.min(axis=0)
        seen = depth < FURTHEST
        depth = np.where(seen, depth, 0.0)
        points = pose[:3, 3] + depth[..., None] * rays
        image = np.where(seen[..., None], _texture()[self._texels(surface, points)], np.uint8(200))
        return image, depth.astype(np.float32)

    @property
    def _radius(self) -> float:
        return self.lap * self.step / (2 * np.pi)

    def _along(self, frames: NDArray[np.int64]) -> Array:
        """Metres along the street."""
        if self.shape == "ring":
            return frames * self.step
        return self.step * (self.lap / 2 - np.abs(frames % self.lap - self.lap / 2))

    def _to_fronts(self, pose: Array, rays: Array) -> list[Array]:
        """Depths [H,W] of both fronts, infinite where they are missed."""
        if self.shape == "ring":
            return [_to_cylinder(pose, rays, self._radius + side * HALF_WIDTH, side) for side in (-1, 1)]
        return [_positive((side * HALF_WIDTH - pose[0, 3]) / _nonzero(rays[..., 0])) for side in (-1, 1)]

    def _texels(self, surface: NDArray[np.int64], points: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of the texture: along the street and up the fronts, or across the road."""
        x, y, z = np.moveaxis(points, -1, 0)
        along, across = z, x
        if self.shape == "ring":
            along, across = np.arctan2(z, x) % (2 * np.pi) * self._radius, np.hypot(x, z) - self._radius
        rows = np.where(surface == 2, across, y) + 30.0 * surface
        height, width = _texture().shape[:2]
        return np.floor(rows * TEXELS).astype(int) % height, np.floor(along * TEXELS).astype(int) % width


class DriftingPredictor:
    """The truth of a world, in another unit for every window, with a drift within; counts what it is asked."""

    name, window_size, window_overlap, image_side = "drifting", 60, 12, SIZE[0]

    def __init__(self, world: LapWorld) -> None:
        self.world = world
        self.windows: list[int] = []  # the last frame of every window,
        self.looks: list[int] = []  # and of every two places that it was shown together

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """See `Predictor`; a window with a large gap is a loop check."""
        indices = np.array([frame.index for frame in frames])
        gaps = np.diff(indices)
        (self.looks if gaps.max() > PAIR_GAP else self.windows).append(int(indices[-1]))
        rng = np.random.default_rng([int(indices[0]), int(indices[-1]), len(indices)])
        bends, turns = self._drift(gaps, rng)
        return self._geometry(frames, indices, bends, turns)

    def _drift(self, gaps: NDArray[np.int64], rng: np.random.Generator) -> tuple[Array, Array]:
        """Log-scale [N] and rotation vectors [N,3] that walk away from the truth along a window."""
        share = np.sqrt(np.minimum(gaps, self.window_size) / self.window_size)
        steps = np.where(gaps > PAIR_GAP, PAIR_SIGMAS[0], SCALE_DRIFT * share) * rng.normal(size=len(gaps))
        turns = np.where(gaps > PAIR_GAP, PAIR_SIGMAS[1], TURN_DRIFT * share)[:, None] * rng.normal(size=(len(gaps), 3))
        return np.concatenate([[0.0], np.cumsum(steps)]), np.concatenate([np.zeros((1, 3)), np.cumsum(turns, axis=0)])

    def _geometry(
        self, frames: Sequence[Frame], indices: NDArray[np.int64], bends: Array, turns: Array
    ) -> WindowGeometry:
        unit = 1.0 + 0.1 * (indices[0] % 7)
        true = self.world.world_from_camera[indices]
        steps = np.einsum("nij,nj->ni", np.swapaxes(true[:-1, :3, :3], 1, 2), np.diff(true[:, :3, 3], axis=0))
        poses = np.tile(np.eye(4), (len(indices), 1, 1))
        poses[:, :3, :3] = true[0, :3, :3].T @ true[:, :3, :3] @ Rotation.from_rotvec(turns).as_matrix()
        moved = np.einsum("nij,nj->ni", poses[:-1, :3, :3], steps) * np.exp(bends[1:, None])
        poses[1:, :3, 3] = np.cumsum(moved, axis=0) / unit
        depth = np.stack([self.world.draw(int(frame))[1] for frame in indices])
        depth = (depth * np.exp(bends)[:, None, None] / unit).astype(np.float32)
        return WindowGeometry(
            frame_indices=indices,
            images=np.stack([frame.image for frame in frames]),
            depth=depth,
            confidence=(depth > 0).astype(np.float32),
            intrinsics=np.tile(intrinsics_matrix(FOCAL_PX, FOCAL_PX, SIZE[0] / 2, SIZE[1] / 2), (len(indices), 1, 1)),
            window_from_camera=poses,
            is_metric=False,
        )


def _camera_rays() -> Array:
    """Rays [H,W,3] with z = 1."""
    pixels = pixel_centres(SIZE[1], SIZE[0])
    return np.concatenate([(pixels - np.array(SIZE) / 2) / FOCAL_PX, np.ones((*pixels.shape[:2], 1))], axis=-1)


def _to_cylinder(pose: Array, rays: Array, radius: float, side: int) -> Array:
    """Depth of a cylinder about the y axis, met from outside (side -1) or inside (1)."""
    (x, z), (dx, dz) = pose[[0, 2], 3], np.moveaxis(rays[..., [0, 2]], -1, 0)
    square, half, rest = dx * dx + dz * dz, x * dx + z * dz, x * x + z * z - radius * radius
    under = half * half - square * rest
    return np.where(under >= 0, _positive((-half + side * np.sqrt(np.maximum(under, 0))) / square), np.inf)


def _to_road(rays: Array) -> Array:
    return _positive(HEIGHT / _nonzero(rays[..., 1]))


def _positive(depth: Array) -> Array:
    return np.where(depth > 0, depth, np.inf)


def _nonzero(values: Array) -> Array:
    return np.where(np.abs(values) < 1e-9, 1e-9, values)


@cache
def _texture(height: int = 512, width: int = 4096) -> UInt8:
    """Noise of several grains [height,width,3]; how much of each there is changes along the street, as houses do."""
    rng = np.random.default_rng(0)
    total = np.zeros((height, width, 3))
    for k in range(5):
        grain = cv2.resize(rng.normal(size=(height >> k, width >> k, 3)), (width, height)) * 2.0 ** (k / 2)
        strength = np.exp(rng.normal(size=(height // 64, width // HOUSE, 3)))
        total += grain * cv2.resize(strength, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.clip(128 + 25 * total, 0, 255).astype(np.uint8)
