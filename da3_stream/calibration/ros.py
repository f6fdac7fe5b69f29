"""Calibrations in messages of ROS (`sensor_msgs/CameraInfo`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .known_camera import KnownCamera
from .lines import camera_of_matrix
from .opencv import is_fisheye


def from_ros(message: Any, topic: str) -> KnownCamera | None:
    """The camera of a `sensor_msgs/CameraInfo` of ROS 1 or 2; None for one that is not calibrated (K is all zeros).

    Raises SettingsError for a distortion model that is not understood.
    """
    k = np.asarray(message.k if hasattr(message, "k") else message.K, np.float64).reshape(3, 3)
    if not k.any():
        return None
    what = f"the intrinsics of {topic}"
    distortion = tuple(float(value) for value in (message.d if hasattr(message, "d") else message.D))
    size = (int(message.width), int(message.height))
    fisheye = is_fisheye(message.distortion_model, what)
    camera = camera_of_matrix(k, distortion, is_fisheye=fisheye, size=size if min(size) > 0 else None, what=what)
    return replace(camera, source=f"{topic} (ROS camera_info)")
