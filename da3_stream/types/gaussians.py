"""Gaussian splats: soft ellipsoids with an opacity and a colour for every direction of sight.

Kerbl et al., "3D Gaussian splatting for real-time radiance field rendering" (2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Array = TypeVar("Array", "Tensor", NDArray[Any])


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
