"""What is given of the lens before the first image is seen, and how what is learnt beside it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...geometry import intrinsics_from_hfov, resize_intrinsics
from ...geometry.lens import Lens
from ...types import Advice
from .mapping.calibration import Calibration
from .mapping.lens_advice import size_advice

GUESS_HFOV_DEG = 60.0


@dataclass(frozen=True, eq=False)
class GivenLens:
    """K [3,3] at the input's size (width, height), None if it is to be estimated, and whether a radial term is.

    K is held where `focal_sigma` is None; else its focal length is a first guess with that relative standard deviation.
    """

    k: NDArray[np.float64] | None
    size: tuple[int, int]
    radial: bool
    focal_sigma: float | None = None

    @property
    def is_held(self) -> bool:
        """Whether the focal length is that of a calibration."""
        return self.k is not None and self.focal_sigma is None

    def calibration(self, size: tuple[int, int]) -> Calibration:
        """The calibration to begin with, of images of (width, height)."""
        if self.k is None:
            start = Calibration.from_guess(Lens.from_matrix(intrinsics_from_hfov(GUESS_HFOV_DEG, size)))
        else:
            lens = Lens.from_matrix(resize_intrinsics(self.k, self.size, size))
            start = Calibration.from_known(lens) if self.is_held else Calibration.from_guess(lens, self.focal_sigma)
        return start if self.radial else start.without_distortion()

    def summary(self, calibration: Calibration, size: tuple[int, int]) -> dict[str, Any]:
        """A calibration of images of (width, height) at the input's resolution, ready for JSON."""
        summary, factor = calibration.summary(), self.size[0] / size[0]
        k = resize_intrinsics(calibration.lens.matrix(), size, self.size)
        summary["focal_px"] = [float(k[0, 0]), float(k[1, 1])]
        if summary["focal_sigma_px"] is not None:
            summary["focal_sigma_px"] *= factor
        shift = calibration.lens.shift_px(size) * factor
        return {"given": self.is_held, "corner_shift_px": shift, **summary}

    def size_advice(self, span: tuple[int, int]) -> tuple[Advice, ...]:
        """A question where the K that was given looks like one of images of another size."""
        return () if self.k is None or not self.is_held else size_advice(self.k, self.size, span)
