"""Calibrations by OpenCV (`cv::FileStorage`) and ROS (`camera_info`): a matrix, coefficients, a size."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..errors import SettingsError
from .known_camera import KnownCamera
from .lines import camera_of_matrix

MATRIX = re.compile(r"(?:(?:left|right)?camera_?matrix|intrinsics?_?matrix|camera_?mat|mtx|k|m)_?(\d*)", re.IGNORECASE)
DISTORTION = ("distortion_coefficients", "distortion_coeffs", "distcoeffs", "distcoeff", "distortion", "dist", "d")
SIZES = (("image_width", "image_height"), ("width", "height"), ("w", "h"))
SIZE_PAIRS = ("image_size", "img_size", "resolution")
FISHEYE_FLAGS = ("fisheye_model", "fisheye", "is_fisheye")
MODELS = {  # of ROS's sensor_msgs/distortion_models and their like: whether it is a fisheye
    **{"plumb_bob": False, "rational_polynomial": False, "radtan": False, "radial-tangential": False, "none": False},
    **{"brown": False, "brown-conrady": False, "opencv": False, "pinhole": False, "": False},
    **{"equidistant": True, "fisheye": True, "opencv_fisheye": True, "kannala_brandt": True, "equi": True},
}


def read_opencv(mapping: dict[str, Any], what: str) -> dict[str, KnownCamera]:
    """The cameras by their names ("" for one without a number). Raises SettingsError with one sentence."""
    flat = {_plain(key): value for key, value in mapping.items()}
    found: dict[str, KnownCamera] = {}
    for key, value in mapping.items():
        if (match := MATRIX.fullmatch(key)) and (matrix := _matrix(value)) is not None:
            distortion = _distortion(flat, match[1])
            is_flagged = any(_is_true(flat.get(_plain(flag))) for flag in FISHEYE_FLAGS)
            fisheye = is_flagged or is_fisheye(_model_name(flat), what)
            camera = camera_of_matrix(matrix, distortion, is_fisheye=fisheye, size=size_of(flat), what=what)
            found.setdefault(match[1], camera)
    return found


def is_fisheye(name: str, what: str) -> bool:
    """Whether a distortion model of that name is the equidistant one. Raises SettingsError else."""
    if name.lower() not in MODELS:
        known = ", ".join(word for word in MODELS if word)
        raise SettingsError(f"{what} are of the distortion model '{name}', which is not understood: {known} are")
    return MODELS[name.lower()]


def size_of(mapping: dict[str, Any]) -> tuple[int, int] | None:
    """(width, height) of the pictures of the calibration, where it tells."""
    for width, height in SIZES:
        pair = mapping.get(_plain(width)), mapping.get(_plain(height))
        if all(isinstance(side, (int, float)) and side >= 1 for side in pair):
            return int(pair[0]), int(pair[1])  # type: ignore[arg-type]
    for key in SIZE_PAIRS:
        sides = numbers_of(mapping.get(_plain(key)))
        if sides is not None and len(sides) == 2 and min(sides) >= 1:
            return int(sides[0]), int(sides[1])
    return None


def _distortion(flat: dict[str, Any], number: str) -> tuple[float, ...]:
    for name in DISTORTION:
        values = numbers_of(flat.get(_plain(name) + number))
        if values is not None:
            return tuple(values)
    return ()


def _model_name(flat: dict[str, Any]) -> str:
    name = flat.get("distortionmodel") or ""
    return name if isinstance(name, str) else ""


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, (int, float)) and value == 1) or str(value).lower() == "true"


def _plain(key: str) -> str:
    return key.replace("_", "").lower()


def _matrix(value: Any) -> np.ndarray | None:
    values = numbers_of(value)
    if values is None or len(values) not in (9, 12, 16):
        return None
    return np.array(values).reshape(4 if len(values) == 16 else 3, -1)


def numbers_of(value: Any) -> list[float] | None:
    """The numbers of a list, of a list of lists, or of a matrix with `data`; None where it is none of these."""
    values = value.get("data") if isinstance(value, dict) else value
    try:
        return [float(number) for number in np.asarray(values, dtype=object).ravel()]
    except (TypeError, ValueError):
        return None
