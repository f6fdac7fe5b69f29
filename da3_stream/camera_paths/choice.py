"""A path by its name."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from ..errors import CameraPathError
from ..types import Float64
from .around import dolly_zoom, orbit, wander
from .path import CameraPath, joined
from .smoothing import smoothed
from .spline import at_constant_speed

PathName = Literal["original", "smooth", "interpolate", "extend", "wander", "dolly_zoom", "orbit"]
PATHS: tuple[PathName, ...] = get_args(PathName)

_AROUND = 120  # pictures of a path around one camera
_CIRCLE = 240  # of an orbit
_LEAST, _MANY, _ENOUGH, _USUAL = 48, 432, 240, 8  # pictures of a path along the cameras, and of a gap between two
_PART_WANDER, _PART_DOLLY = 24 / 504 / 2, 0.1  # of what `extend` inserts, smaller than on their own


def camera_path(
    name: PathName,
    cameras: CameraPath,
    median_depth: float,
    *,
    count: int | None = None,
    up: Float64 | None = None,
    degrees: float = 360.0,
) -> CameraPath:
    """The path of this name by cameras in the order in which they saw the scene; those of unknown pose (NaN) are left
    out.

    `original` and `smooth` have a picture a camera; `interpolate` goes through all at constant speed, and `extend`
    along them smoothed, with a wander and a dolly zoom half-way; `wander`, `dolly_zoom` and `orbit` are around the
    middle camera. Lengths are in units of `median_depth`, of the scene. `count` pictures (default: as many as
    Depth Anything 3 makes); `up` [3] in the world (default: that of the cameras) and `degrees` are of an orbit.
    With one camera, `extend` is `wander`.

    Raises CameraPathError where no camera has a pose, the median depth is not positive, a path between cameras has one
    alone, or `count` is given for a path that has a picture a camera.
    """
    if not (np.isfinite(median_depth) and median_depth > 0):
        raise CameraPathError(f"a median depth of {median_depth} tells no size of the scene: expected more than 0")
    there = cameras.known()
    if name in ("original", "smooth"):
        if count is not None:
            raise CameraPathError(f"the path {name} has a picture for each camera: leave their number out")
        return there if name == "original" else smoothed(there)
    if name in ("interpolate", "extend"):
        return _along(name, there, median_depth, count)
    middle = there.rows(slice(len(there) // 2, len(there) // 2 + 1))
    if name == "wander":
        return wander(middle, count or _AROUND, median_depth)
    if name == "dolly_zoom":
        return dolly_zoom(middle, count or _AROUND, median_depth)
    return orbit(middle, count or _CIRCLE, median_depth, _up_of(there) if up is None else up, degrees)


def usual_length(name: PathName, cameras: int) -> int:
    """How many pictures the path of this name has by so many cameras, where nobody says."""
    if name in ("original", "smooth"):
        return cameras
    if name == "orbit":
        return _CIRCLE
    if name in ("wander", "dolly_zoom") or cameras == 1:
        return _AROUND
    return _between(cameras) if name == "interpolate" else sum(_usual_shares(cameras))


def _between(cameras: int) -> int:
    """How many pictures Depth Anything 3 makes between so many cameras, from two."""
    gaps = cameras - 1
    per_gap = _ENOUGH // gaps if _USUAL * gaps > _MANY else max(_USUAL, _LEAST // gaps)
    return cameras if per_gap <= 2 else gaps * (per_gap - 1) + 1


def _along(name: PathName, cameras: CameraPath, median_depth: float, count: int | None) -> CameraPath:
    if len(cameras) == 1:
        if name == "extend":
            return wander(cameras, count or _AROUND, median_depth)
        raise CameraPathError(
            "the path interpolate needs two cameras, and there is one: take wander, dolly_zoom or orbit"
        )
    if name == "interpolate":
        return at_constant_speed(cameras, count or _between(len(cameras)), median_depth)
    shares = _usual_shares(len(cameras)) if count is None else (count - 2 * (count // 4), count // 4, count // 4)
    return _extended(cameras, median_depth, *shares)


def _extended(cameras: CameraPath, median_depth: float, along: int, circling: int, zooming: int) -> CameraPath:
    """Along the cameras smoothed, with a wander and a dolly zoom in the middle, each of so many pictures."""
    exact = at_constant_speed(cameras, along, median_depth)
    path = at_constant_speed(smoothed(exact), along, median_depth)
    half = along // 2
    at = path.rows(slice(half, half + 1))
    loop = wander(at, circling, median_depth, _PART_WANDER)
    zoom = dolly_zoom(at, zooming, median_depth, _PART_DOLLY)
    return joined([path.rows(slice(0, half)), loop, zoom, path.rows(slice(half, along))])


def _usual_shares(cameras: int) -> tuple[int, int, int]:
    """How many pictures of `extend` go along the cameras, wander and zoom, as in Depth Anything 3."""
    along = _between(cameras)
    aside = max(36, min(60, along // 4))
    return along, aside + 2, aside


def _up_of(cameras: CameraPath) -> Float64:
    """The mean of what is up in the pictures [3]; of the middle one where these are opposed."""
    mean = -cameras.rotations[:, :, 1].mean(axis=0)
    return mean if np.linalg.norm(mean) > 0.1 else -cameras.rotations[len(cameras) // 2, :, 1]
