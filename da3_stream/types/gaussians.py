"""Gaussian splats: soft ellipsoids with an opacity and a colour for every direction of sight.

Kerbl et al., "3D Gaussian splatting for real-time radiance field rendering" (2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3, harmonics_turn
from ..geometry.quaternions import quaternion_turn

if TYPE_CHECKING:
    from torch import Tensor

Array = TypeVar("Array", "Tensor", NDArray[Any])

AT_ONCE = 1 << 16  # Gaussians that are moved together


@dataclass(frozen=True, eq=False)
class Gaussians(Generic[Array]):
    """G Gaussians of one world, as arrays or as tensors, after the batch if there is one.

    Those of the network are one for every pixel, frame by frame and row by row: G = N*H*W.
    """

    means: Array  # [...,G,3]
    scales: Array  # [...,G,3] standard deviations along the own axes; of a pixel behind its camera 0 or less
    rotations: Array  # [...,G,4] w, x, y, z
    harmonics: Array  # [...,G,3,K] of red, green and blue, in the order of `geometry.harmonics`
    opacities: Array  # [...,G]

    def __len__(self) -> int:
        return int(self.opacities.shape[-1])

    def take(self, keep: slice | NDArray[Any]) -> Gaussians[Array]:
        """Those of some numbers, of a range (which shares the memory), or of a mask [G]; not of a batch."""
        return Gaussians(**{name: values[keep] for name, values in vars(self).items()})

    @property
    def degree(self) -> int:
        """Of the harmonics, from 0: the mean colour."""
        return math.isqrt(self.harmonics.shape[-1]) - 1


def move_in_place(gaussians: Gaussians[NDArray[Any]], there_from_here: Sim3) -> None:
    """Give the Gaussians [G,...] of one world the places, sizes and directions that they have in another."""
    turn, scale = there_from_here.rotation, np.float32(there_from_here.scale)
    turned = not np.array_equal(turn, np.eye(3))
    degree = gaussians.degree
    quaternion, colour = (matrix.astype(np.float32) for matrix in (quaternion_turn(turn), harmonics_turn(turn, degree)))
    for start in range(0, len(gaussians), AT_ONCE):
        piece = slice(start, start + AT_ONCE)
        gaussians.means[piece] = there_from_here.apply(gaussians.means[piece])
        gaussians.scales[piece] *= scale
        if turned:
            gaussians.rotations[piece] = gaussians.rotations[piece] @ quaternion.T
            gaussians.harmonics[piece, :, 1:] = gaussians.harmonics[piece, :, 1:].astype(np.float32) @ colour.T
