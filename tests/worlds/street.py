"""A small made-up street and a run through it, shared by the tests of store, cloud, export and reconstruction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.cloud import window_points, write_page
from da3_stream.geometry import Sim3, intrinsics_matrix, pixel_centres
from da3_stream.settings import CloudSettings
from da3_stream.store import Run, Scene, Submap, SubmapFrames, create_run, write_submap
from da3_stream.types import WindowGeometry

SIZE = (48, 32)  # width, height of the depth maps
SOURCE_SIZE = (96, 64)
FPS = 10.0
# three submaps of 12 frames with 4 shared: (first, one past the last, first owned, one past the last owned)
SUBMAPS = ((0, 12, 0, 10), (8, 20, 10, 18), (16, 28, 18, 28))
PAGES = CloudSettings(voxel=0.02, per_pixel=None)
UNITS = (1.0, 0.5, 2.5)  # world units in one unit of the submap


def world_from_camera(frame: int) -> NDArray[np.float64]:
    """True pose of a frame: a swaying drive along z; frame 0 is the world."""
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("y", 0.1 * np.sin(frame / 4)).as_matrix()
    pose[:3, 3] = [0.4 * np.sin(frame / 5), 0.0, 0.5 * frame]
    return pose


def intrinsics() -> NDArray[np.float64]:
    return intrinsics_matrix(40.0, 41.0, 24.5, 15.0)


def street_depth(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depth of the ground (y = 1.5) and two facades (x = -4, x = 4), 0 beyond 40."""
    k_inv = np.linalg.inv(intrinsics())
    pixels = pixel_centres(SIZE[1], SIZE[0])
    rays = np.concatenate([pixels, np.ones((*pixels.shape[:2], 1))], axis=-1) @ k_inv.T @ pose[:3, :3].T
    with np.errstate(divide="ignore"):
        candidates = np.stack(
            [(1.5 - pose[1, 3]) / rays[..., 1], (4 - pose[0, 3]) / rays[..., 0], (-4 - pose[0, 3]) / rays[..., 0]]
        )
    depth = np.where(candidates > 0, candidates, np.inf).min(axis=0)
    return np.where(depth < 40, depth, 0.0)


def street_window(first: int, end: int, unit: float = 1.0) -> WindowGeometry:
    """Frames [first, end) in the frame of the first one, in units of `unit` world units."""
    frames = np.arange(first, end)
    poses = np.stack([world_from_camera(int(f)) for f in frames])
    window_from_camera = np.linalg.inv(poses[0]) @ poses
    window_from_camera[:, :3, 3] /= unit
    depth = np.stack([street_depth(pose) for pose in poses]) / unit
    rng = np.random.default_rng(first)
    images = rng.integers(0, 256, (len(frames), SIZE[1], SIZE[0], 3), dtype=np.uint8)
    confidence = np.where(depth > 0, rng.uniform(0.5, 20.0, depth.shape), 0.0)
    return WindowGeometry(
        frame_indices=frames,
        images=images,
        depth=depth.astype(np.float32),
        confidence=confidence.astype(np.float32),
        intrinsics=np.tile(intrinsics(), (len(frames), 1, 1)),
        window_from_camera=window_from_camera,
        is_metric=False,
    )


def street_part(number: int) -> SubmapFrames:
    """One of the three submaps, as it is stored."""
    first, end, own_first, own_end = SUBMAPS[number]
    geometry = street_window(first, end, UNITS[number])
    frames = geometry.frame_indices
    return SubmapFrames.from_geometry(geometry, frames / FPS, (frames >= own_first) & (frames < own_end), SOURCE_SIZE)


def street_scene(errors: tuple[Sim3, ...] = (Sim3.identity(),) * 3, scale: float = 1.0) -> Scene:
    """The three submaps at their true places, each moved by an error."""
    scene = Scene(scale=scale)
    for number, (first, end, _, _) in enumerate(SUBMAPS):
        truth = Sim3.from_matrix(world_from_camera(first) @ np.diag([UNITS[number]] * 3 + [1.0]))
        previous = number - 1 if number else None
        previous_per_unit = UNITS[number] / UNITS[number - 1] if number else 1.0
        submap = Submap(number, 0, (first, end - 1), errors[number] @ truth, previous, previous_per_unit)
        scene = scene.with_submap(submap)
    return scene


def street_run(path: Path, scene: Scene | None = None) -> Run:
    """A whole run directory without cloud pages."""
    run = create_run(path)
    frames = list(range(28))
    for number in range(3):
        write_submap(run, number, street_part(number))
    run.write_scene(scene or street_scene())
    run.write_status(
        {
            "state": "finished",
            "frames": 28,
            "windows": 3,
            "skipped": [],
            "source_indices": frames,
            "timestamps": [f / FPS for f in frames],
            "has_times": True,
            "fps": FPS,
        }
    )
    return run


def run_with_pages(path: Path, scene: Scene | None = None, settings: CloudSettings | None = None) -> Run:
    """A whole run directory with its pages."""
    run = street_run(path, scene)
    for number, (first, end, own_first, own_end) in enumerate(SUBMAPS):
        geometry = street_window(first, end, UNITS[number])
        owned = (geometry.frame_indices >= own_first) & (geometry.frame_indices < own_end)
        write_page(run, number, window_points(geometry, owned, settings or PAGES))
    return run
