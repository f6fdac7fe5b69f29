"""The camera that captures a scene: exposure, blur and noise over the clean rendering, all repeatable."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..paths import CameraPath
from ..scenes.scene import SyntheticScene
from .cast import PinholeCamera
from .effects import Effects
from .render import render

Float32 = NDArray[np.float32]

_SHUTTER_SAMPLES = (-0.4, -0.2, 0.2, 0.4)  # of the time that the shutter is open, besides its middle
_EXPOSURE_PERIOD_S = 13.0


def capture(
    scene: SyntheticScene,
    path: CameraPath,
    intrinsics: NDArray[np.float64],
    size: tuple[int, int],
    effects: Effects,
    index: int,
) -> tuple[NDArray[np.uint8], Float32]:
    """Image [H,W,3] and depth [H,W] in metres (0 = sky) of frame `index`; the depth has no motion blur."""
    image, depth = _render_at(scene, path, intrinsics, size, index)
    if effects.shutter:
        others = [
            _render_at(scene, path, intrinsics, size, index + effects.shutter * part)[0] for part in _SHUTTER_SAMPLES
        ]
        image = sum(others, image) / np.float32(len(_SHUTTER_SAMPLES) + 1)
    if effects.blur:
        image = cv2.GaussianBlur(image, (0, 0), effects.blur)
    if effects.exposure:
        swing = effects.exposure * np.sin(2 * np.pi * path.timestamps[index] / _EXPOSURE_PERIOD_S + effects.seed)
        image = image * np.float32(2.0**swing)
    if effects.noise:
        image = image + _rolling_noise(image.shape, effects, index)
    return np.clip(image + 0.5, 0, 255).astype(np.uint8), depth


def _render_at(
    scene: SyntheticScene, path: CameraPath, intrinsics: NDArray[np.float64], size: tuple[int, int], frame: float
) -> tuple[Float32, Float32]:
    time = float(np.interp(frame, np.arange(len(path.timestamps)), path.timestamps))
    camera = PinholeCamera(intrinsics, path.pose_at(frame), size)
    return render(scene.at(time), scene.atlas, scene.clouds, camera, scene.sun)


def _rolling_noise(shape: tuple[int, ...], effects: Effects, index: int) -> Float32:
    """Noise of every pixel, and bands across the image that roll downwards from frame to frame."""
    rng = np.random.default_rng([effects.seed, 3, index])
    grain = rng.normal(0.0, effects.noise, shape)
    rows = np.arange(shape[0])[:, None, None] / shape[0]
    bands = 0.5 * effects.noise * np.sin(2 * np.pi * (5 * rows - 0.37 * index))
    return (grain + bands).astype(np.float32)
