"""The imperfections of a real camera, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import SyntheticError


@dataclass(frozen=True)
class Effects:
    """What a camera adds to a clean image; all zero adds nothing.

    `exposure` is the swing of a slow change of brightness in stops, `blur` the sigma of defocus in pixels, `shutter`
    the share of the frame interval that the shutter is open (motion blur), `noise` the sigma of the sensor's noise in
    grey levels, with banding of half of it that rolls down the image.
    """

    exposure: float = 0.0
    blur: float = 0.0
    shutter: float = 0.0
    noise: float = 0.0
    seed: int = 0

    def check(self) -> None:
        """Raise SyntheticError where a number has no meaning."""
        for name in ("exposure", "blur", "shutter", "noise"):
            if not 0 <= getattr(self, name) < np.inf:
                raise SyntheticError(f"{name} must be zero or more, not {getattr(self, name):g}")
        if self.shutter > 1:
            raise SyntheticError(f"the shutter cannot be open for more than the whole frame, 1, not {self.shutter:g}")
