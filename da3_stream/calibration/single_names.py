"""Calibrations that name each number: fx, fy, cx, cy, k1, ... as in settings of ORB-SLAM, and of RealSense."""

from __future__ import annotations

from typing import Any

from ..errors import SettingsError
from .known_camera import KnownCamera, opencv_camera
from .opencv import is_fisheye, numbers_of, size_of

PREFIXES = ("", "Camera.", "Camera1.", "Camera2.")  # of ORB-SLAM 2 and 3
CENTRES = (("cx", "cy"), ("ppx", "ppy"))
BROWN, FISHEYE = ("k1", "k2", "p1", "p2", "k3"), ("k1", "k2", "k3", "k4")
ORB_SLAM_MODELS = {"pinhole": "pinhole", "rectified": "pinhole", "kannalabrandt8": "fisheye"}


def has_single_names(mapping: dict[str, Any]) -> bool:
    """Whether the focal length has a name of its own."""
    return any(f"{prefix}fx" in mapping for prefix in PREFIXES)


def read_single_names(mapping: dict[str, Any], what: str) -> dict[str, KnownCamera]:
    """The cameras by their names ("" for one alone). Raises SettingsError with one sentence."""
    found = [prefix for prefix in PREFIXES if f"{prefix}fx" in mapping]
    return {prefix.rstrip(".") if len(found) > 1 else "": _camera(_entries(mapping, prefix), what) for prefix in found}


def _entries(mapping: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The entries of one camera; ORB-SLAM has size and model under `Camera.` for all."""
    shared = {key.removeprefix("Camera."): value for key, value in mapping.items() if key.startswith("Camera.")}
    own = {key.removeprefix(prefix): value for key, value in mapping.items() if key.startswith(prefix)}
    return {**shared, **own}


def _camera(entry: dict[str, Any], what: str) -> KnownCamera:
    name = str(entry.get("type") or entry.get("distortion_model") or entry.get("model") or "").lower()
    fisheye = is_fisheye(ORB_SLAM_MODELS.get(name, name), what)
    centre = next((pair for pair in CENTRES if pair[0] in entry), CENTRES[0])
    try:
        values = [float(entry[key]) for key in ("fx", "fy", *centre)]
        single = [float(entry.get(key, 0.0)) for key in (FISHEYE if fisheye else BROWN)]
    except (KeyError, TypeError, ValueError):
        raise SettingsError(f"{what} lack numbers: expected fx, fy, cx, cy") from None
    distortion = numbers_of(entry.get("coeffs")) or single
    return opencv_camera(values, distortion, is_fisheye=fisheye, size=size_of(entry), what=what)
