"""Cameras without the shaking of a hand: a Gaussian filter along the order of the pictures."""

from __future__ import annotations

import numpy as np

from ..geometry import nearest_rotations
from ..types import Float64
from .path import CameraPath

_WIDEST = 51  # pictures


def smoothed(cameras: CameraPath) -> CameraPath:
    """As many cameras, each the mean of its neighbours; the first and the last stay where they are.

    Beyond the ends, neighbours are those inside mirrored at the end camera itself, so that a steady motion stays as it
    is. The mean of rotations is the nearest rotation to the mean of their matrices.
    """
    weights = _weights(len(cameras))
    reach = len(weights) // 2
    rotations, centres = _mirrored(cameras, reach)
    means = _filtered(rotations.reshape(-1, 9), weights).reshape(-1, 3, 3)
    return cameras.moved(nearest_rotations(means), _filtered(centres, weights))


def _weights(count: int) -> Float64:
    """A Gaussian's, as many as OpenCV takes for so many pictures: 51 at most, an odd number, no more than there are."""
    size = min(_WIDEST, count - 1 + count % 2)
    sigma = 0.3 * ((size - 1) * 0.5 - 1) + 0.8
    weights = np.exp(-0.5 * ((np.arange(size) - size // 2) / sigma) ** 2)
    return weights / weights.sum()


def _filtered(values: Float64, weights: Float64) -> Float64:
    return np.stack([np.convolve(column, weights, "valid") for column in values.T], axis=1)


def _mirrored(cameras: CameraPath, reach: int) -> tuple[Float64, Float64]:
    """Rotations and centres with `reach` more at either end: the half turn about the end camera of those inside."""
    rotations, centres = cameras.rotations, cameras.centres
    before, behind = slice(reach, 0, -1), slice(-2, -2 - reach, -1)
    first, last = rotations[0], rotations[-1]
    back = rotations.transpose(0, 2, 1)
    turns = [first @ back[before] @ first, rotations, last @ back[behind] @ last]
    places = [2 * centres[0] - centres[before], centres, 2 * centres[-1] - centres[behind]]
    return np.concatenate(turns), np.concatenate(places)
