"""Gaussian splats (Kerbl et al., "3D Gaussian splatting for real-time radiance field rendering", 2023) in a turned
world: the Gaussians' own rotations, and the spherical harmonics of their colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ...errors import ExportError
from ...geometry import harmonics_turn
from ...types import Float64

ROTATION = tuple(f"rot_{k}" for k in range(4))  # w, x, y, z
_DEGREES = {0: 0, 9: 1, 24: 2, 45: 3}  # by the number of f_rest properties


def is_splat(names: set[str]) -> bool:
    """Whether these properties are those of splats."""
    return {*ROTATION, "f_dc_0"} <= names


def rest_names(names: set[str]) -> list[str]:
    """The properties of coefficients beyond the mean colour. Raises ExportError where they are of no degree up to 3."""
    found = sorted((name for name in names if name.startswith("f_rest_")), key=lambda name: int(name[7:]))
    if len(found) not in _DEGREES:
        raise ExportError(
            f"these splats have {len(found)} f_rest properties, and 0, 9, 24 or 45 can be turned: degrees 0 to 3"
        )
    return found


def turn_splats(rows: NDArray[np.void], turn: Float64, rest: list[str]) -> None:
    """Turn the rotations and colours of splats by a rotation [3,3], in place."""
    quaternions = np.stack([rows[name] for name in ROTATION], axis=1).astype(np.float64)
    length = np.linalg.norm(quaternions, axis=1)
    known = length > 0  # others are no rotations, and stay
    turned = Rotation.from_matrix(turn) * Rotation.from_quat(quaternions[known], scalar_first=True)
    for k, name in enumerate(ROTATION):
        rows[name][known] = turned.as_quat(scalar_first=True)[:, k] * length[known]
    if not rest:
        return
    per_channel = len(rest) // 3
    matrix = harmonics_turn(turn, _DEGREES[len(rest)])
    for channel in range(3):
        names = rest[channel * per_channel : (channel + 1) * per_channel]
        coefficients = np.stack([rows[name] for name in names], axis=1).astype(np.float64) @ matrix.T
        for k, name in enumerate(names):
            rows[name] = coefficients[:, k]
