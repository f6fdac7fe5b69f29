"""Calibrations in transforms.json of nerfstudio (first pixel centre at 0.5)."""

from __future__ import annotations

import math
from typing import Any

from ..errors import SettingsError
from ..geometry.camera_models import CameraModel
from .known_camera import KnownCamera, checked

FISHEYES = ("OPENCV_FISHEYE",)
PERSPECTIVES = ("PINHOLE", "SIMPLE_PINHOLE", "OPENCV", "SIMPLE_RADIAL", "RADIAL", "FULL_OPENCV")


def is_nerfstudio(mapping: dict[str, Any]) -> bool:
    """Whether it is a transforms.json."""
    return "fl_x" in mapping or (isinstance(mapping.get("frames"), list) and bool(mapping["frames"]))


def read_nerfstudio(mapping: dict[str, Any], what: str) -> dict[str, KnownCamera]:
    """The camera, or those of the frames by their files where they differ. Raises SettingsError with one sentence."""
    if has_lens(mapping):
        return {"": read_camera(mapping, what)}
    cameras: dict[str, KnownCamera] = {}
    for frame in mapping["frames"]:
        if isinstance(frame, dict) and "fl_x" in frame:
            camera = read_camera({**mapping, **frame}, what)
            if camera not in cameras.values():
                cameras[str(frame.get("file_path", len(cameras)))] = camera
    return cameras


def has_lens(entry: dict[str, Any]) -> bool:
    """Whether a frame, with what is said of all, tells a focal length."""
    return "fl_x" in entry or "camera_angle_x" in entry


def read_camera(entry: dict[str, Any], what: str) -> KnownCamera:
    """The camera of a frame, with what is said of all. Raises SettingsError with one sentence."""
    name = str(entry.get("camera_model", "OPENCV"))
    if name not in (*FISHEYES, *PERSPECTIVES):
        known = ", ".join((*PERSPECTIVES, *FISHEYES))
        raise SettingsError(f"{what} are of the camera model '{name}', which is not understood: {known} are")
    try:
        size = (int(entry["w"]), int(entry["h"])) if "w" in entry and "h" in entry else None
        fx, fy, cx, cy = _focal_and_centre(entry, size)
        k1, k2, k3, k4, p1, p2 = (float(entry.get(key, 0.0)) for key in ("k1", "k2", "k3", "k4", "p1", "p2"))
    except (KeyError, TypeError, ValueError):
        raise SettingsError(f"{what} lack numbers: expected fl_x, fl_y, cx, cy, w, h") from None
    if name in FISHEYES:
        model = CameraModel.fisheye(fx, fy, cx, cy, (k1, k2, k3, k4))
    elif k4:
        raise SettingsError(f"{what} have a k4 of {k4:g}, which is not understood for the model {name}")
    else:
        model = CameraModel.perspective(fx, fy, cx, cy, (k1, k2, p1, p2, k3))
    return checked(KnownCamera(model, size), what)


def _focal_and_centre(entry: dict[str, Any], size: tuple[int, int] | None) -> tuple[float, float, float, float]:
    """fx, fy, cx, cy. Raises KeyError where one is missing that the size does not tell."""
    if size is None and not {"fl_x", "cx", "cy"} <= entry.keys():
        raise KeyError("w")
    width, height = size or (0, 0)
    if "fl_x" in entry:
        fx = float(entry["fl_x"])
    else:
        fx = width / 2 / math.tan(float(entry["camera_angle_x"]) / 2)
    fy = float(entry.get("fl_y", fx))
    return fx, fy, float(entry.get("cx", width / 2)), float(entry.get("cy", height / 2))
