"""The camera that photographs a scene: exposure, blur and noise over the clean rendering, all repeatable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from ..paths import CameraPath
from ..scenes.scene import Scene
from .cast import View
from .render import render

if TYPE_CHECKING:
    from ..town import Effects

Float32 = NDArray[np.float32]

_PARTS = (-0.4, -0.2, 0.2, 0.4)  # of the time that the shutter is open, beside its middle
_EXPOSURE_PERIOD_S = 13.0


def photograph(
    scene: Scene, path: CameraPath, intrinsics: NDArray[np.float64], size: tuple[int, int], effects: Effects, index: int
) -> tuple[NDArray[np.uint8], Float32]:
    """Image [H,W,3] and depth [H,W] of one frame; the depth is the sharp one of the frame's own instant."""
    picture, depth = _exposed(scene, path, intrinsics, size, index)
    if effects.shutter:
        others = [_exposed(scene, path, intrinsics, size, index + effects.shutter * part)[0] for part in _PARTS]
        picture = sum(others, picture) / np.float32(len(_PARTS) + 1)
    if effects.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), effects.blur)
    if effects.exposure:
        swing = effects.exposure * np.sin(2 * np.pi * path.timestamps[index] / _EXPOSURE_PERIOD_S + effects.seed)
        picture = picture * np.float32(2.0**swing)
    if effects.noise:
        picture = picture + _rolling_noise(picture.shape, effects, index)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8), depth


def _exposed(
    scene: Scene, path: CameraPath, intrinsics: NDArray[np.float64], size: tuple[int, int], place: float
) -> tuple[Float32, Float32]:
    time = float(np.interp(place, np.arange(len(path.timestamps)), path.timestamps))
    view = View(intrinsics, path.between(place), size)
    return render(scene.at(time), scene.atlas, scene.clouds, view, scene.sun)


def _rolling_noise(shape: tuple[int, ...], effects: Effects, index: int) -> Float32:
    """Noise of every pixel, and bands across the image that roll downwards from frame to frame."""
    rng = np.random.default_rng([effects.seed, 3, index])
    grain = rng.normal(0.0, effects.noise, shape)
    rows = np.arange(shape[0])[:, None, None] / shape[0]
    bands = 0.5 * effects.noise * np.sin(2 * np.pi * (5 * rows - 0.37 * index))
    return (grain + bands).astype(np.float32)
