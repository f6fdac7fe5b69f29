"""Calibrations by Kalibr (`camchain.yaml`), and the `sensor.yaml` of EuRoC, which says the same of one camera."""

from __future__ import annotations

import re
from typing import Any

from ..errors import SettingsError
from .known_camera import KnownCamera, opencv_camera
from .opencv import is_fisheye, size_of

CAMERA = re.compile(r"cam\d+")


def is_kalibr(mapping: dict[str, Any]) -> bool:
    """Whether it is a chain of cameras, or one of them."""
    return any(CAMERA.fullmatch(key) and isinstance(value, dict) for key, value in mapping.items()) or (
        "intrinsics" in mapping and "camera_model" in mapping
    )


def read_kalibr(mapping: dict[str, Any], what: str) -> dict[str, KnownCamera]:
    """The cameras by their names (cam0, ...). Raises SettingsError with one sentence."""
    if "intrinsics" in mapping:
        return {"": _camera(mapping, what)}
    cameras = {key: value for key, value in mapping.items() if CAMERA.fullmatch(key) and isinstance(value, dict)}
    return {key: _camera(value, f"{what}, {key},") for key, value in cameras.items()}


def _camera(entry: dict[str, Any], what: str) -> KnownCamera:
    model = str(entry.get("camera_model", "pinhole"))
    if model != "pinhole":
        raise SettingsError(
            f"{what} are of Kalibr's camera model '{model}', which is not understood: calibrate as pinhole-radtan or "
            "pinhole-equi"
        )
    try:
        values = [float(value) for value in entry["intrinsics"]]
        coefficients = entry.get("distortion_coeffs", entry.get("distortion_coefficients"))
        distortion = [float(value) for value in coefficients or ()]
    except (KeyError, TypeError, ValueError):
        raise SettingsError(f"{what} have no list of numbers 'intrinsics' with its 'distortion_coeffs'") from None
    if len(values) != 4:
        raise SettingsError(f"{what} have {len(values)} numbers in 'intrinsics', not fu, fv, pu, pv")
    fisheye = is_fisheye(str(entry.get("distortion_model", "none")), what)
    return opencv_camera(values, distortion, is_fisheye=fisheye, size=size_of(entry), what=what)
