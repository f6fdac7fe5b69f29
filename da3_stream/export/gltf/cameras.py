"""Cameras of a glTF asset: perspective ones with their lens, and one that flies along the frames' poses in time.

A glTF camera looks along -z with y up, a frame's along z with y down: half a turn about x lies between. The centre of
its picture is the principal point, for the standard cannot say another; the camera's extras hold the intrinsics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ...types import Float64
from .accessors import ROTATION, TIME, TRANSLATION
from .builder import GltfBuilder

_CV_FROM_GLTF = np.diag([1.0, -1.0, -1.0])


@dataclass(frozen=True, eq=False)
class Lens:
    """A pinhole: intrinsics [3,3] in pixels with the first centre at 0.5, and the picture's (width, height)."""

    intrinsics: Float64
    size: tuple[int, int]

    def as_json(self, nearest: float) -> dict[str, Any]:
        """A camera of the asset, which shows what is farther than `nearest`, in units of the scene.

        Its aspect ratio is that of the tangents of half the angles of view, so that pixels need not be square.
        """
        width, height = self.size
        fx, fy, cx, cy = self.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]].tolist()
        perspective = {
            "yfov": 2 * math.atan(height / (2 * fy)),
            "aspectRatio": (width / fx) / (height / fy),
            "znear": nearest,
        }
        extras = {"width": width, "height": height, "fx": fx, "fy": fy, "cx": cx, "cy": cy}
        return {"type": "perspective", "perspective": perspective, "extras": extras}


def camera_places(world_from_camera: Float64) -> tuple[Float64, Float64]:
    """Translations [N,3] and rotations [N,4] (x, y, z, w) of nodes with glTF cameras, of poses [N,4,4] of frames.

    Signs of neighbouring quaternions are such that the way from one to the next is the short one.
    """
    quaternions = Rotation.from_matrix(world_from_camera[:, :3, :3] @ _CV_FROM_GLTF).as_quat()
    turns = np.sum(quaternions[1:] * quaternions[:-1], axis=1) < 0
    signs = np.where(np.cumsum([0, *turns]) % 2, -1.0, 1.0)
    return world_from_camera[:, :3, 3], quaternions * signs[:, None]


def add_flight(gltf: GltfBuilder, node: int, name: str, times: NDArray[np.floating], world_from_camera: Float64) -> int:
    """Move a node along the poses [N,4,4] of frames at `times` [N] seconds, straight between them; returns the number
    of the animation. Times ascend from 0 or later, and differ as float32."""
    translation, rotation = camera_places(world_from_camera)
    time, path, turns = gltf.array(TIME), gltf.array(TRANSLATION), gltf.array(ROTATION)
    time.write(times)
    path.write(translation)
    turns.write(rotation)
    outputs = [("translation", path.number), ("rotation", turns.number)]
    samplers = [{"input": time.number, "output": output, "interpolation": "LINEAR"} for _, output in outputs]
    channels = [{"sampler": k, "target": {"node": node, "path": what}} for k, (what, _) in enumerate(outputs)]
    return gltf.add("animations", {"name": name, "samplers": samplers, "channels": channels})


def key_times(times: Sequence[float] | Float64, start: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Seconds since `start` [K] in float32, ascending, and which of the times [N] they are: those that are not later
    than the one before them are left out."""
    seconds = (np.asarray(times, np.float64) - start).astype(np.float32)
    latest = np.maximum.accumulate(seconds)
    kept = np.flatnonzero(np.concatenate([[True], seconds[1:] > latest[:-1]]))
    return seconds[kept], kept
