"""One lens for the whole video: estimated from the first windows that determine it, then frozen.

Calibrations that come with data sets are often a pinhole K while a few pixels of radial distortion are left in the
images, which bends the scale of a forward drive (Cvisic et al., "Recalibrating the KITTI dataset camera setup for
improved odometry accuracy", ECMR 2021, found it for KITTI). So a given K is kept, and a radial term is estimated.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from ....geometry.lens import Lens, LensEstimate
from .sparse_model import FreeLens

log = logging.getLogger(__name__)

PATIENCE = 6  # windows after which what could not be estimated is frozen
FOCAL_SIGMA = 0.03  # relative; below it a window determines the focal length
FOCAL_SIGMA_HINT = 0.10  # below it the value is better than the guess
CORNER_SIGMA_PX = 1.0  # below it a window determines the distortion
FOCAL_SPREAD = 0.015  # what windows of one video differ by beyond what their own covariance says, relative
BELIEVED_SIGMAS = 2.0  # that the distortion which a calibration left over must differ from none by
DOUBTS = 2  # windows that see no such distortion, after which none is looked for
CORNER_SPREAD = 0.002  # the same for the corner's shift, as a share of the image's width
REDO_SHIFT = 0.05  # relative change of the focal length after which pairs must be verified again


def focal_shift(lens: Lens, other: Lens) -> float:
    """How far two lenses' focal lengths are apart: the absolute logarithm of their ratio."""
    return abs(float(np.log(lens.fx / other.fx)))


@dataclass(frozen=True)
class Calibration:
    """The lens as far as it is known, and which of its parameters are still estimated.

    `focal_weight` and `radial_weight` (inverse variances) are those of the means over windows. Where K was given, most
    pictures have no distortion left: the mean `k1_mean` is believed, and becomes the lens's, where it differs from none
    by more than windows scatter; `doubts` counts the windows after which it did not.
    """

    lens: Lens
    free: FreeLens
    windows: int = 0
    focal_given: bool = False
    focal_weight: float = 0.0
    radial_weight: float = 0.0
    k1_mean: float = 0.0
    doubts: int = 0

    @staticmethod
    def from_known(lens: Lens) -> Calibration:
        """K is given: only the distortion is estimated."""
        return Calibration(lens, FreeLens(focal=False, radial=True), focal_given=True)

    @staticmethod
    def from_guess(lens: Lens, sigma: float | None = None) -> Calibration:
        """The focal length is estimated, too, from a guess with a relative standard deviation (None: of no weight)."""
        weight = 0.0 if sigma is None else (sigma * lens.fx) ** -2
        return Calibration(lens, FreeLens(focal=True, radial=True), focal_weight=weight)

    def to_tree(self) -> dict[str, Any]:
        """Numbers by name, for a file."""
        return asdict(self)

    @staticmethod
    def from_tree(tree: dict[str, Any]) -> Calibration:
        """Inverse of `tree`; other names are ignored."""
        known = {field.name: tree[field.name] for field in fields(Calibration)}
        return Calibration(**known | {"lens": Lens(**known["lens"]), "free": FreeLens(**known["free"])})

    def without_distortion(self) -> Calibration:
        """The same, with no distortion to be estimated."""
        return replace(self, free=FreeLens(focal=self.free.focal))

    def freeze(self) -> Calibration:
        """The same, with nothing to be estimated any more."""
        return replace(self, free=FreeLens())

    @property
    def is_frozen(self) -> bool:
        """Whether nothing is estimated any more."""
        return not self.free

    def determined(
        self, estimate: LensEstimate, free: FreeLens, size: tuple[int, int], share: float = 1.0
    ) -> tuple[FreeLens, LensEstimate]:
        """What of the parameters that were free in a window it determined, and the estimate with the others as they
        are known; `share` as in `accepts`."""
        if self.accepts(estimate, free, size, share):
            return (FreeLens(), estimate) if self._doubts_radial(estimate, free, size) else (free, estimate)
        focal, given = FreeLens(focal=free.focal), estimate.given_k1(self.lens.k1)
        if free.radial and focal and self.accepts(given, focal, size, share):
            return focal, given
        return FreeLens(), given

    def accepts(self, estimate: LensEstimate | None, free: FreeLens, size: tuple[int, int], share: float = 1.0) -> bool:
        """Whether a window determined the parameters that were free in it.

        Where only a `share` of its frames was mapped, standard deviations are larger for want of views alone: those
        that all frames would have given must lie below the limits.
        """
        if estimate is None:
            return not free
        views = float(np.sqrt(share))
        sure_radial = not free.radial or views * estimate.corner_sigma_px(size) < CORNER_SIGMA_PX
        limit = FOCAL_SIGMA if free.radial else FOCAL_SIGMA_HINT
        return sure_radial and views * estimate.focal_sigma < limit * estimate.lens.fx

    def doubt(self, estimate: LensEstimate, free: FreeLens, size: tuple[int, int], share: float) -> Calibration:
        """The calibration after a window's map with these parameters free that was not believed: what it says of the
        distortion counts for the mean, if it says anything."""
        if not (self.accepts(estimate, free, size, share) and self._doubts_radial(estimate, free, size)):
            return self
        after = replace(self._with_radial(estimate, size), lens=self.lens, doubts=self.doubts + 1)
        return after.without_distortion() if after.doubts >= DOUBTS else after

    def _doubts_radial(self, estimate: LensEstimate, free: FreeLens, size: tuple[int, int]) -> bool:
        """Whether the distortion is not told from none by a window's estimate together with those before."""
        if not (self.focal_given and free.radial):
            return False
        mean = self._with_radial(estimate, size)
        return abs(mean.lens.shift_px(size)) < BELIEVED_SIGMAS * mean.radial_weight**-0.5

    def update(self, estimate: LensEstimate | None, free: FreeLens, size: tuple[int, int]) -> Calibration:
        """The calibration after a window that was accepted with these parameters free: means weighted by certainty."""
        after = replace(self, windows=self.windows + 1)
        if estimate is not None and free.focal:
            weight = 1.0 / (np.square(estimate.focal_sigma) + np.square(FOCAL_SPREAD * estimate.lens.fx))
            after = after._with_focal(estimate.lens, float(weight))
        if estimate is not None and free.radial:
            after = after._with_radial(estimate, size)
        log.info("lens after %d windows: %s", after.windows, after.lens)
        return replace(after, free=FreeLens()) if after.windows >= PATIENCE else after

    def _with_focal(self, lens: Lens, weight: float) -> Calibration:
        share = weight / (self.focal_weight + weight)
        factor = (lens.fx / self.lens.fx) ** share
        moved = replace(self.lens, fx=self.lens.fx * factor, fy=self.lens.fy * factor)
        return replace(self, lens=moved, focal_weight=self.focal_weight + weight)

    def _with_radial(self, estimate: LensEstimate, size: tuple[int, int]) -> Calibration:
        weight = 1.0 / float(np.square(estimate.corner_sigma_px(size)) + np.square(CORNER_SPREAD * size[0]))
        share = weight / (self.radial_weight + weight)
        k1 = self.k1_mean + share * (estimate.lens.k1 - self.k1_mean)
        return replace(self, lens=replace(self.lens, k1=k1), k1_mean=k1, radial_weight=self.radial_weight + weight)

    def summary(self) -> dict[str, Any]:
        """JSON-ready: the lens at the size that is worked on, and how it is known."""
        return {
            "focal_px": [self.lens.fx, self.lens.fy],
            "focal_sigma_px": self.focal_weight**-0.5 if self.focal_weight else None,
            "k1": self.lens.k1,
            "focal_known": self.focal_given or self.focal_weight > 0,
            "windows_used": self.windows,
        }
