"""A straight road, rendered exactly: a textured plane and nothing on it."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from da3_stream.geometry import intrinsics_from_hfov
from da3_stream.synthetic import CameraPath, Town
from da3_stream.synthetic.materials.atlas import Atlas
from da3_stream.synthetic.paths import add_shake, camera_poses
from da3_stream.synthetic.scenes.scene import SyntheticScene
from da3_stream.synthetic.scenes.shapes import Material, Shapes, floor, footing
from da3_stream.types import WindowGeometry

EYE_M = 1.65
SIZE = (224, 140)


def straight_road(frames: int, step_m: float = 0.6) -> Town:
    """A drive due east over a plain, the camera swaying a little and looking slightly down."""
    place = np.column_stack([step_m * np.arange(frames), np.zeros(frames), np.full(frames, EYE_M)])
    poses = add_shake(camera_poses(place, np.zeros(frames), 2.0), 0, slow=1 / 20, metres=0.01, degrees=0.2)
    plain = Shapes.of([floor(footing(-200, -200), 400, 400, 0, Material((40, 40)))])
    scene = SyntheticScene(plain, Atlas.of([_asphalt()]), np.zeros((16, 16), np.float32), np.array([0.0, 0.6, 0.8]))
    return Town(scene, CameraPath(poses, np.arange(frames) / 10), SIZE, intrinsics_from_hfov(75.0, SIZE))


def _asphalt() -> np.ndarray:
    """Grey grain of several sizes [512,512,3]: 10 m of road."""
    rng = np.random.default_rng(0)
    grey = np.full((512, 512), 120.0)
    for sigma, contrast in ((1.0, 12.0), (3.0, 15.0), (10.0, 20.0)):
        grain = cv2.GaussianBlur(rng.standard_normal((512, 512)), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        grey += contrast * grain / grain.std()
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def window_of(town: Town, rows: Iterable[int]) -> WindowGeometry:
    """These frames of the town as a metric window in the first one's axes."""
    frames = [town.frame(row) for row in rows]
    poses = np.stack([frame.world_from_camera for frame in frames])
    depth = np.stack([frame.depth for frame in frames])
    return WindowGeometry(
        frame_indices=np.arange(len(frames)),
        images=np.stack([frame.image for frame in frames]),
        depth=depth,
        confidence=(depth > 0).astype(np.float32),
        intrinsics=np.stack([frame.intrinsics for frame in frames]),
        window_from_camera=np.linalg.inv(poses[0]) @ poses,
        is_metric=True,
    )


def height_of(town: Town, rows: Iterable[int]) -> float:
    """The camera's true height over the road in metres, the mean over frames."""
    return float(np.mean([town.path.world_from_camera[row, 2, 3] for row in rows]))
