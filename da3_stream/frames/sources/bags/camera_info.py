"""The calibration that a bag holds of a camera (`sensor_msgs/CameraInfo`), for the pictures of one of its topics.

K belongs to the sensor's full resolution (width, height); pictures may be a part of it (roi) and binned. Pictures of a
topic that is rectified have the lens that P tells, without distortion. (docs.ros.org, sensor_msgs/CameraInfo)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from ....calibration import KnownCamera, from_ros
from ....errors import SettingsError
from .topics import base_name, info_names

RECTIFIED = "rect"  # in the names of topics: image_rect, image_rect_color, image_rectified
ROUNDING = 1  # pixels by which a binned picture may be smaller


def find_calibration(
    topic: str, frame_id: str, size: tuple[int, int], found: Mapping[str, Any]
) -> tuple[KnownCamera | None, str]:
    """The camera of pictures of (width, height) on a topic, and what is to be said ("": nothing).

    `found` are the messages by their topics: the one beside the pictures is taken, else the only one with their
    frame_id.
    """
    name = _choose(topic, frame_id, found)
    if name is None:
        return None, ""
    message = found[name]
    try:
        camera = from_ros(_as_pictures_are(message, topic), name)
        if camera is None:
            return None, f"{name} says that the camera is not calibrated (all zeros)"
        camera = _of_region(camera, message.roi, size)
        camera.for_pictures(size)
    except SettingsError as error:
        return None, f"the calibration of {name} is not used: {error}"
    return camera, ""


def _choose(topic: str, frame_id: str, found: Mapping[str, Any]) -> str | None:
    beside = [name for name in info_names(topic) if name in found]
    same = [name for name, message in found.items() if frame_id and message.header.frame_id == frame_id]
    return beside[0] if beside else same[0] if len(same) == 1 else None


def _as_pictures_are(message: Any, topic: str) -> Any:
    """The message with the K and D of the topic's pictures: those of P, without distortion, where they are
    rectified."""
    k, d, p = (np.asarray(_value(message, name), np.float64) for name in "kdp")
    if RECTIFIED in base_name(topic).rpartition("/")[2].lower() and (p.any() or d.any()):
        k, d = p.reshape(3, 4)[:, :3], np.zeros(0)
    model = message.distortion_model if d.any() else ""  # without coefficients the name means nothing
    return SimpleNamespace(k=k, d=d, distortion_model=model, width=message.width, height=message.height)


def _value(message: Any, name: str) -> Any:
    """A field that is written in capitals in ROS 1."""
    return getattr(message, name, None) if hasattr(message, name) else getattr(message, name.upper())


def _of_region(camera: KnownCamera, roi: Any, size: tuple[int, int]) -> KnownCamera:
    """The camera of the region that pictures of (width, height) show, where they have its shape and the sensor's is
    another."""
    region = int(roi.width), int(roi.height)
    if camera.size is None or min(region) < 1 or region == camera.size or not _fits(region, size):
        return camera
    model = replace(camera.model, cx=camera.model.cx - roi.x_offset, cy=camera.model.cy - roi.y_offset)
    return replace(camera, model=model, size=region)


def _fits(region: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether pictures of (width, height) are the region, or it binned by a whole number."""
    binning = max(1, round(region[0] / size[0]))
    return all(abs(whole / binning - side) < ROUNDING for whole, side in zip(region, size, strict=True))
