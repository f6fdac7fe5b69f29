"""What may be asked about Gaussians, and the same ones in another world."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import ModelError
from ...geometry import Sim3, harmonics_turn
from ...types import Gaussians
from .rotations import turned_by

RAW = "raw"
AT_ONCE = 1 << 16  # Gaussians that are moved together


@dataclass(frozen=True)
class GaussianOptions:
    """What may be asked about Gaussians.

    `raw` leaves them in the frame and unit that the original returns; it matters to `DepthAnything3.infer` alone.
    `half_harmonics` keeps the harmonics, two thirds of all numbers, in float16. `exact_rotations` turns every Gaussian
    as its camera is turned; the original composes its quaternions in the wrong order of components, and its released
    weights were trained so.
    """

    raw: bool = False
    half_harmonics: bool = False
    exact_rotations: bool = False

    @staticmethod
    def of(asked: bool | str | GaussianOptions) -> GaussianOptions | None:
        """What True, "raw" or options ask for; None where nothing is asked. Raises ModelError for another word."""
        if isinstance(asked, GaussianOptions):
            return asked
        if asked not in (True, False, RAW):
            raise ModelError(f"gaussians may be True, False, {RAW!r} or GaussianOptions, not {asked!r}")
        return GaussianOptions(raw=asked == RAW) if asked else None

    @property
    def harmonics_dtype(self) -> torch.dtype:
        """Of the harmonics."""
        return torch.float16 if self.half_harmonics else torch.float32


def stack_gaussians(clips: Sequence[Gaussians[Tensor]]) -> Gaussians[Tensor]:
    """Those of B clips as one batch [B,G,...]; of one clip without a copy."""
    columns = {name: [getattr(clip, name) for clip in clips] for name in vars(clips[0])}
    return Gaussians(**{name: torch.stack(x) if len(x) > 1 else x[0][None] for name, x in columns.items()})


def move_in_place(gaussians: Gaussians[NDArray[Any]], there_from_here: Sim3) -> None:
    """Give the Gaussians [G,...] of one world the places, sizes and directions that they have in another."""
    turn, scale = there_from_here.rotation, np.float32(there_from_here.scale)
    turned = not np.array_equal(turn, np.eye(3))
    degree = math.isqrt(gaussians.harmonics.shape[-1]) - 1
    quaternion, colour = (matrix.astype(np.float32) for matrix in (turned_by(turn), harmonics_turn(turn, degree)))
    for start in range(0, len(gaussians), AT_ONCE):
        piece = slice(start, start + AT_ONCE)
        gaussians.means[piece] = there_from_here.apply(gaussians.means[piece])
        gaussians.scales[piece] *= scale
        if turned:
            gaussians.rotations[piece] = gaussians.rotations[piece] @ quaternion.T
            gaussians.harmonics[piece, :, 1:] = gaussians.harmonics[piece, :, 1:].astype(np.float32) @ colour.T
