"""What may be asked about Gaussians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import ModelError
from ...types import Gaussians

RAW = "raw"


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
