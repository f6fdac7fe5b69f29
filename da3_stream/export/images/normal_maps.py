"""Maps of surface normals as pictures, from the depth of a frame."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ...cloud.normals import depth_normals
from ...types import Float32, Float64, UInt8
from .camera import ImageCamera
from .depth_in_image import in_image
from .rasters import write_png

OPENGL_FROM_OPENCV = np.array([1.0, -1.0, -1.0], np.float32)


def write_normals(path: Path, depth: Float32, k: Float64, camera: ImageCamera, whole: tuple[int, int]) -> None:
    """Write the normals of a depth map [H,W] of a pinhole K [3,3] at the size of the camera's image.

    8 bits a channel, 255 (n + 1) / 2 of x right, y up, z towards the camera, as DN-Splatter's `normal-nerfstudio` reads
    them by default (Turkulainen et al., "DN-Splatter", 2025); the zero vector, of grey, where there is none. `whole` is
    the size of images before they were cropped.
    """
    normals = in_image(depth_normals(depth, np.linalg.inv(k).astype(np.float64)), k, camera, whole)
    coded = np.rint((normals * OPENGL_FROM_OPENCV + 1) * np.float32(127.5)).astype(np.uint8)
    enlarged: UInt8 = np.asarray(cv2.resize(coded, camera.size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    write_png(path, enlarged[..., ::-1])
