"""One lens for the whole video: learnt over the first windows that can tell, then held.

Calibrations that come with data sets are often a pinhole K while a few pixels of radial distortion are left in the
pictures, which bends the scale of a forward drive (Cvisic et al., "Recalibrating the KITTI dataset camera setup for
improved odometry accuracy", ECMR 2021, found it for KITTI). So a given K is held, and two radial terms are learnt.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

from .lens import Lens, LensEstimate
from .mapping import FreeLens

log = logging.getLogger(__name__)

PATIENCE = 4  # windows after which what could not be learnt is held
FOCAL_SIGMA = 0.03  # relative; below it a window can tell the focal length
FOCAL_SIGMA_HINT = 0.10  # below it the value is better than the guess
CORNER_SIGMA_PX = 1.0  # below it a window can tell the distortion
REDO_SHIFT = 0.05  # relative change of the focal length after which pairs must be verified again


@dataclass(frozen=True)
class Calibration:
    """What is believed of the lens so far, and what is still free to move."""

    lens: Lens
    free: FreeLens
    windows: int = 0
    focal_known: bool = False  # given, or told by a window
    focal_sigma: float | None = None  # pixels, where a window told it

    @staticmethod
    def given(lens: Lens) -> Calibration:
        """K is given: only the distortion is learnt."""
        return Calibration(lens, FreeLens(focal=False, radial=True), focal_known=True)

    @staticmethod
    def guessed(lens: Lens) -> Calibration:
        """Nothing is known: the focal length is learnt too."""
        return Calibration(lens, FreeLens(focal=True, radial=True))

    def pinhole(self) -> Calibration:
        """The same, with no distortion to be learnt."""
        return replace(self, free=FreeLens(focal=self.free.focal))

    @property
    def settled(self) -> bool:
        """Whether the lens is held from now on."""
        return not self.free

    def tries(self) -> list[FreeLens]:
        """What to let free in the next window, boldest first; the last is what remains if it cannot tell."""
        options = [self.free, FreeLens(focal=self.free.focal), FreeLens()]
        return [option for i, option in enumerate(options) if option not in options[:i]]

    def believes(self, estimate: LensEstimate | None, free: FreeLens, size: tuple[int, int]) -> bool:
        """Whether a window with this much freedom could tell what was free."""
        if estimate is None:
            return not free
        sure_radial = not free.radial or estimate.corner_sigma_px(size) < CORNER_SIGMA_PX
        limit = FOCAL_SIGMA if free.radial else FOCAL_SIGMA_HINT
        return sure_radial and estimate.focal_sigma < limit * estimate.lens.fx

    def learnt(self, estimate: LensEstimate | None, free: FreeLens) -> Calibration:
        """The calibration after a window that was believed with this much freedom."""
        windows = self.windows + 1
        if estimate is None:
            return self._patient(windows)
        sure_focal = self.focal_known or estimate.focal_sigma < FOCAL_SIGMA * estimate.lens.fx
        left = FreeLens(focal=not sure_focal, radial=self.free.radial and not free.radial)
        sigma = estimate.focal_sigma if free.focal else self.focal_sigma
        log.info("lens after %d windows: %s", windows, estimate.lens)
        return Calibration(estimate.lens, left, windows, sure_focal, sigma)._patient(windows)

    def _patient(self, windows: int) -> Calibration:
        held = FreeLens() if windows >= PATIENCE else self.free
        return replace(self, windows=windows, free=held)

    def summary(self) -> dict[str, Any]:
        """JSON-ready: the lens at the size that is worked on, and how it is known."""
        return {
            "focal_px": [self.lens.fx, self.lens.fy],
            "focal_sigma_px": self.focal_sigma,
            "radial": [self.lens.k1, self.lens.k2],
            "focal_known": self.focal_known,
            "windows_used": self.windows,
        }
