"""The town driven twice as run directories: exact or noisy depth, the second lap where an odometry without loops would
put it, or where a loop has put it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from da3_stream.cloud import window_points, write_page
from da3_stream.geometry import Sim3, pixel_centres, unproject
from da3_stream.settings import CloudSettings
from da3_stream.store import Run, Scene, Submap, SubmapFrames, create_run, write_submap
from da3_stream.synthetic import Town
from da3_stream.synthetic.rendering.cast import PinholeCamera, cast, ray_maps
from da3_stream.types import WindowGeometry

Float64 = NDArray[np.float64]

SIZE, OVERLAP = 60, 12
ASTRAY_M = np.array([0.35, 0.35, 0.07])  # half a metre
POST_M = 0.2  # lamp posts are thinner, and nothing else that is as high
RANGE_M = 15.0  # the truth is what was seen from nearer than that


@dataclass(frozen=True, eq=False)
class Drive:
    """Rendered frames of two laps: images [F,H,W,3], depth [F,H,W], poses [F,4,4], K [3,3], and the town."""

    images: NDArray[np.uint8]
    depth: NDArray[np.float32]
    poses: Float64
    intrinsics: Float64
    town: Town


@dataclass(frozen=True)
class Case:
    """How well a run knows the drive."""

    name: str
    laps: int = 2
    astray: bool = False  # the second lap is half a metre off
    depth_noise: float = 0.0  # relative, smooth over the picture; edges are blurred too
    place_noise_m: float = 0.0  # of every window's place; with a tenth of a degree and 0.3 % in scale for 3 cm


def driven(town: Town) -> Drive:
    """Render all frames."""
    frames = list(town)
    return Drive(
        np.stack([frame.image for frame in frames]),
        np.stack([frame.depth for frame in frames]),
        town.path.world_from_camera,
        town.intrinsics,
        town,
    )


def reconstructed(drive: Drive, case: Case, path: Path, settings: CloudSettings) -> Run:
    """A run directory of a case, with windows and pages and without a merged cloud."""
    run, scene, rng = create_run(path), Scene("metres"), np.random.default_rng(0)
    lap = len(drive.images) // 2
    for submap, (start, first, end) in enumerate(_windows(lap, case.laps)):
        geometry = _window(drive, case, first, end, rng)
        frames, begins, ends = geometry.frame_indices, first == start, end == start + lap
        owned = (begins | (frames >= first + OVERLAP // 2)) & (ends | (frames < end - OVERLAP // 2))
        size = (drive.depth.shape[2], drive.depth.shape[1])
        write_submap(run, submap, SubmapFrames.from_geometry(geometry, frames / 10, owned, size))
        write_page(run, submap, window_points(geometry, owned, settings, 1.0))
        place = _place(drive, case, first, start > 0, rng)
        scene = scene.with_submap(Submap(submap, 0, (first, end - 1), place, None if begins else submap - 1))
    run.write_scene(scene)
    return run


def true_surface(drive: Drive, *, posts: bool = False) -> Float64:
    """Points [M,3] of what was seen from near, one per cube of 10 cm (lamp posts only: 5 cm)."""
    cells: dict[tuple[int, int, int], Float64] = {}
    edge, pixels = 0.05 if posts else 0.1, pixel_centres(*drive.depth.shape[1:])
    for k in range(0, len(drive.depth) // 2, 2):
        near = (drive.depth[k] > 0) & (drive.depth[k] < RANGE_M)
        if posts:
            near &= _posts(drive, k)
        points = unproject(pixels[near], drive.depth[k][near], drive.intrinsics)
        world = points @ drive.poses[k, :3, :3].T + drive.poses[k, :3, 3]
        for cell, point in zip(map(tuple, np.floor(world / edge).astype(int).tolist()), world, strict=True):
            cells.setdefault(cell, point)
    return np.array(list(cells.values())).reshape(-1, 3)


def _windows(lap: int, laps: int) -> Iterator[tuple[int, int, int]]:
    """(first frame of the lap, first frame, one past the last); no window reaches from lap to lap."""
    for start in range(0, lap * laps, lap):
        for first in range(start, start + lap - OVERLAP, SIZE - OVERLAP):
            yield start, first, min(first + SIZE, start + lap)


def _window(drive: Drive, case: Case, first: int, end: int, rng: np.random.Generator) -> WindowGeometry:
    depth = drive.depth[first:end].copy()
    if case.depth_noise:
        depth = np.stack([_noisy(each, case.depth_noise, rng) for each in depth])
    return WindowGeometry(
        frame_indices=np.arange(first, end),
        images=drive.images[first:end],
        depth=depth,
        confidence=np.where(depth > 0, 1 + 10 * np.exp(-depth / 20), 0).astype(np.float32),
        intrinsics=np.tile(drive.intrinsics, (end - first, 1, 1)),
        window_from_camera=np.linalg.inv(drive.poses[first]) @ drive.poses[first:end],
        is_metric=True,
    )


def _noisy(depth: NDArray[np.float32], share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """A network's manner: smooth errors, one of the whole frame, and edges blurred into slopes."""
    height, width = depth.shape
    waves = cv2.resize(rng.normal(0, share, (4, 6)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    blurred = cv2.blur(depth, (3, 3))
    return np.where(depth > 0, blurred * np.exp(waves + rng.normal(0, share / 3)), 0).astype(np.float32)


def _place(drive: Drive, case: Case, first: int, second_lap: bool, rng: np.random.Generator) -> Sim3:
    place = Sim3.from_matrix(drive.poses[first])
    if case.place_noise_m:
        unit = case.place_noise_m / 0.03
        sigma = np.array([case.place_noise_m] * 3 + [np.radians(0.1) * unit] * 3 + [0.003 * unit])
        place = place @ Sim3.exp(sigma * rng.normal(size=7))
    return replace(place, translation=place.translation + ASTRAY_M) if case.astray and second_lap else place


def _posts(drive: Drive, frame: int) -> NDArray[np.bool_]:
    """Pixels [H,W] that see a lamp post."""
    shapes = drive.town.scene.shapes
    size = np.linalg.norm(shapes.edges, axis=2)  # [F,2] width, height
    thin = np.append(np.flatnonzero((size[:, 0] < POST_M) & (size[:, 1] > 3.0)), -2)
    view = PinholeCamera(drive.intrinsics, drive.poses[frame], (drive.depth.shape[2], drive.depth.shape[1]))
    return np.isin(cast(shapes, ray_maps(shapes, view), view).shape[1::2, 1::2], thin)
