"""Gaussians in few bytes: 17 each, and 24 more for colours that depend on the direction of sight (degree 2).

Of a Gaussian in the frame of its camera the direction x/z, y/z is kept in steps of a 65535th of the frame's field of
view, its depth z and its sizes by their logarithms, the depth in 65535 steps between the nearest and the farthest, the
sizes in 255; its quaternion by the three smaller numbers, 10 bits each. At 504 pixels and depths from 1 to 1000 that
is 0.01 pixels, 0.005 % of the depth, 3 % of a size and 0.25 degrees at most. Colours are kept in steps of 1 to 2 grey
levels, and those of higher degrees in 254 steps over what the frame has of the degree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Float32, Gaussians

COLOUR_SPAN = 2.0  # mean colours are kept from minus this to this: from -6 % to 106 % of white
_FINE, _COARSE, _SIGNED = 65535, 255, 127
_LARGEST = np.float32(2**-0.5)  # no smaller number of a quaternion is larger
_QUATERNION_STEPS = 1023

Packed = dict[str, NDArray[Any]]


def bytes_each(degree: int) -> int:
    """Bytes of a Gaussian before compression, with harmonics up to a degree."""
    return 17 + 3 * ((degree + 1) ** 2 - 1)


def pack(gaussians: Gaussians[NDArray[Any]]) -> Packed:
    """The arrays of Gaussians [G,...] in the frame of a camera, all before it and with sizes above 0."""
    depth = gaussians.means[:, 2].astype(np.float64)
    direction = gaussians.means[:, :2] / depth[:, None]
    directions, depths, sizes = _range(direction), _range(np.log(depth)), _range(np.log(gaussians.scales))
    rest, reach = _pack_rest(gaussians.harmonics[..., 1:], gaussians.degree)
    return {
        "direction": _quantised(direction, directions, _FINE).astype(np.uint16),
        "depth": _quantised(np.log(depth), depths, _FINE).astype(np.uint16),
        "size": _quantised(np.log(gaussians.scales), sizes, _COARSE).astype(np.uint8),
        "rotation": _pack_rotations(gaussians.rotations),
        "opacity": np.rint(_COARSE * gaussians.opacities.clip(0, 1)).astype(np.uint8),
        "colour": _quantised(gaussians.harmonics[..., 0], (-COLOUR_SPAN, COLOUR_SPAN), _COARSE).astype(np.uint8),
        "rest": rest,
        "range": np.array([*directions, *depths, *sizes, *reach], np.float64),
    }


def unpack(packed: Mapping[str, NDArray[Any]]) -> Gaussians[NDArray[Any]]:
    """The Gaussians [G,...] of arrays that `pack` made, in single precision."""
    bounds = packed["range"]
    depth = np.exp(_restored(packed["depth"], bounds[2:4], _FINE))
    direction = _restored(packed["direction"], bounds[:2], _FINE)
    colour = _restored(packed["colour"], (-COLOUR_SPAN, COLOUR_SPAN), _COARSE)
    rest = packed["rest"] * (np.repeat(bounds[6:], _orders(len(bounds) - 6)) / _SIGNED)
    means = np.concatenate([direction, np.ones((len(depth), 1))], axis=1) * depth[:, None]
    return Gaussians(
        means=means.astype(np.float32),
        scales=np.exp(_restored(packed["size"], bounds[4:6], _COARSE)).astype(np.float32),
        rotations=_unpack_rotations(packed["rotation"]),
        harmonics=np.concatenate([colour[..., None], rest], axis=2).astype(np.float32),
        opacities=packed["opacity"].astype(np.float32) / np.float32(_COARSE),
    )


def _range(values: NDArray[Any]) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)


def _quantised(values: NDArray[Any], bounds: tuple[float, float], steps: int) -> NDArray[np.float64]:
    low, high = bounds
    share = (values.astype(np.float64) - low) / ((high - low) or 1.0)
    return np.asarray(np.rint(steps * share.clip(0, 1)))


def _restored(code: NDArray[Any], bounds: Any, steps: int) -> NDArray[np.float64]:
    low, high = bounds
    return np.asarray(low + code.astype(np.float64) * ((high - low) / steps))


def _orders(degree: int) -> list[int]:
    """How many harmonics each degree above 0 has."""
    return [2 * order + 1 for order in range(1, degree + 1)]


def _pack_rest(rest: NDArray[Any], degree: int) -> tuple[NDArray[np.int8], list[float]]:
    """Harmonics [G,3,K-1] above degree 0 in 254 steps, and for each degree how far they reach."""
    parts = np.split(rest.astype(np.float32), np.cumsum(_orders(degree))[:-1], axis=2) if degree else []
    reach = [float(np.abs(part).max(initial=0.0)) for part in parts]
    codes = [np.rint(part * (_SIGNED / (most or 1.0))) for part, most in zip(parts, reach, strict=True)]
    return np.concatenate([np.zeros((len(rest), 3, 0)), *codes], axis=2).astype(np.int8), reach


def _pack_rotations(rotations: Float32) -> NDArray[np.uint32]:
    """Unit quaternions [G,4] without their largest number, which is made positive: 2 bits tell which, 10 each other."""
    largest = np.abs(rotations).argmax(axis=1)
    sign = np.where(np.take_along_axis(rotations, largest[:, None], 1) < 0, -1, 1)
    others = np.take_along_axis(rotations * sign, _others()[largest], 1)
    codes = _quantised(others, (-float(_LARGEST), float(_LARGEST)), _QUATERNION_STEPS).astype(np.uint32)
    packed = largest.astype(np.uint32)
    for column in codes.T:
        packed = (packed << np.uint32(10)) | column
    return packed


def _unpack_rotations(packed: NDArray[np.uint32]) -> Float32:
    columns = [(packed >> np.uint32(shift)) & np.uint32(_QUATERNION_STEPS) for shift in (20, 10, 0)]
    others = _restored(np.stack(columns, axis=1), (-_LARGEST, _LARGEST), _QUATERNION_STEPS)
    largest = (packed >> np.uint32(30)).astype(np.int64)
    rotations = np.empty((len(packed), 4))
    np.put_along_axis(rotations, _others()[largest], others, 1)
    np.put_along_axis(rotations, largest[:, None], np.sqrt(1 - (others**2).sum(axis=1).clip(0, 1))[:, None], 1)
    return rotations.astype(np.float32)


def _others() -> NDArray[np.int64]:
    """For each of four numbers the places of the three others."""
    return np.array([[k for k in range(4) if k != largest] for largest in range(4)])
