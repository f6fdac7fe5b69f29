"""What a window's images say against the lens that it was mapped with, in witnesses for the judge (`lens_advice` says
it to the user).

The evidence (`lens_adjustment`) is asked three questions by generalised least squares: which one focal length the
window wants and how that differs from the lens in use, whether the focal length changes within the window, and whether
more distortion is left than one radial term holds.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from .calibration import FOCAL_SPREAD
from .lens_adjustment import SHARED, LensEvidence, lens_evidence
from .lens_response import pose_shifts
from .lens_size import likely_lens
from .lens_switch import LensSwitch
from .sparse_model import SparseModel

log = logging.getLogger(__name__)

Array = NDArray[np.float64]

SIGMAS = 4.0  # a contradiction of this many standard deviations is said
FOCAL_ERROR = 0.05  # relative; smaller errors of the focal length hardly bend a map
CHANGE = 0.04  # log range of changes within a window that matter
CHANGE_CHI2 = 25.0  # per row, of one focal length for all rows: hand-held cameras of real lenses reach 10, zooms 200
FRAME_SPREAD = 0.004  # what focal lengths of single frames scatter by beyond their covariance, relative
CHANGE_SIGMAS = 10.0  # of the whole change: hand-held cameras of real lenses reach 7, slow zooms 16
PATIENCE = 24  # iterations, with each loss, of an adjustment that found a contradiction: to tell which, and how large
CENTRE_SPREAD = 0.01  # what principal points scatter by beyond their covariance, in focal lengths
NODE_STEP = 4  # rows between the nodes of a focal length that changes
SMALL_RADIAL_SHARE = 1 / 200  # of the image's width: distortion that the lens in use lacks and nobody sees


@dataclass(frozen=True, eq=False)
class LensReading:
    """What a window says of its own lens.

    The log of its focal length relative to the lens in use, and the corner's shift in pixels that the lens in use
    lacks, each with its standard deviation; how far its principal point is from that in use, in standard deviations;
    log focal lengths of its rows relative to their mean [n] with standard deviations [n], smoothed over a few rows;
    chi squared per row of one focal length for all rows; and how far the poses [n] would move with the lens that the
    images ask for, as far as that is certain, 1 being as much as a right one may be off by.
    """

    rows: NDArray[np.int64]
    focal: float
    focal_sigma: float
    corner_px: float
    corner_sigma_px: float
    centre_sigmas: float
    course: Array
    course_sigma: Array
    change_chi2: float
    pose_shift: Array

    @property
    def is_observed(self) -> bool:
        """Whether the window tells its focal length at all."""
        return self.focal_sigma < FOCAL_ERROR

    @property
    def disagreement(self) -> float:
        """Of the window's own focal length with the lens in use, in standard deviations."""
        return abs(self.focal) / self.focal_sigma

    @property
    def disagrees(self) -> bool:
        """Whether that is so surely and by what matters."""
        return self.is_observed and self.disagreement > SIGMAS and abs(self.focal) > FOCAL_ERROR

    @property
    def changes(self) -> bool:
        """Whether the focal length changes within the window surely and by what matters.

        A slow change is none beside a focal length that is wrong throughout by more.
        """
        low, high = int(self.course.argmin()), int(self.course.argmax())
        change = float(self.course[high] - self.course[low])
        sigma = float(np.hypot(self.course_sigma[low], self.course_sigma[high]))
        is_slow = change > CHANGE_SIGMAS * sigma and not (self.disagrees and abs(self.focal) > change)
        return change > CHANGE and (self.change_chi2 > CHANGE_CHI2 or is_slow)

    @property
    def certainty(self) -> float:
        """How much of what the images ask for is more than the uncertainty of asking: near 0 where it lies within the
        standard deviations, 1 where the focal length changes."""
        chi2 = self.disagreement**2 + (self.corner_px / self.corner_sigma_px) ** 2 + self.centre_sigmas**2
        return 1.0 if self.changes else chi2 / (chi2 + SIGMAS**2)

    @property
    def is_contradicted(self) -> bool:
        """Whether the lens in use is not that of the images."""
        return self.changes or self.disagrees or self.lacks_distortion or self.centre_sigmas > SIGMAS

    @property
    def lacks_distortion(self) -> bool:
        """Whether the images show more distortion than the lens in use, surely."""
        return abs(self.corner_px) > SIGMAS * self.corner_sigma_px


def watch_lens(
    model: SparseModel,
    xy: Sequence[NDArray[np.float32]],
    lens: Lens,
    size: tuple[int, int],
    is_switched: bool = False,
) -> LensReading | None:
    """What the model of a window with these keypoints says of its lens; None if that is too little.

    `is_switched`: the picture's scale is known to jump.
    """
    try:
        likely = likely_lens(lens, size)
        evidence = lens_evidence(model, xy, lens, likely)
        reading = None if evidence is None else read_lens(evidence, lens, size)
        if reading is None or not (is_switched or reading.is_contradicted):
            return reading
        evidence = lens_evidence(model, xy, lens, likely, PATIENCE)
        return reading if evidence is None else read_lens(evidence, lens, size)
    except np.linalg.LinAlgError as error:  # a degenerate model
        log.info("nothing is known of the window's lens: %s", error)
        return None


def read_lens(evidence: LensEvidence, lens: Lens, size: tuple[int, int]) -> LensReading:
    """The answers of one window; `lens` is that in use, `size` (width, height)."""
    count, information = len(evidence.rows), evidence.information
    wanted = np.concatenate([evidence.log_focals, evidence.shared])
    common = np.zeros((count + SHARED, 1 + SHARED))
    common[:count, 0], common[count:, 1:] = 1.0, np.eye(SHARED)
    mean, covariance = _fit(common, wanted, information)
    left, gradient = wanted - common @ mean, _corner_gradients(lens, size)
    corner_variance = gradient @ covariance[1:3, 1:3] @ gradient
    centre_variance = np.diag(covariance)[3:] + CENTRE_SPREAD**2
    course = _course(evidence)
    reading = LensReading(
        rows=evidence.rows,
        focal=float(mean[0]),
        focal_sigma=float(np.hypot(np.sqrt(covariance[0, 0]), FOCAL_SPREAD)),
        corner_px=float(gradient @ (mean[1:3] - (lens.k1, 0.0))),
        corner_sigma_px=float(np.hypot(np.sqrt(corner_variance), SMALL_RADIAL_SHARE * size[0])),
        centre_sigmas=float(np.sqrt((np.square(mean[3:]) / centre_variance).sum())),
        course=course.log_focals - course.log_focals.mean(),
        course_sigma=course.sigma,
        change_chi2=float(left @ information @ left) / count,
        pose_shift=np.full(count, np.nan),
    )
    asked = np.concatenate([course.log_focals, course.shared]) if reading.changes else common @ mean
    return replace(reading, pose_shift=reading.certainty * _pose_shift(evidence, asked, lens))


def _pose_shift(evidence: LensEvidence, asked: Array, lens: Lens) -> Array:
    """How far the poses [n] move from the lens in use to the one asked for (log focal lengths, shared terms) [n+4]."""
    used = np.concatenate([np.zeros(len(evidence.rows)), (lens.k1, 0.0, 0.0, 0.0)])
    best, response = np.concatenate([evidence.log_focals, evidence.shared]), evidence.response
    target, source = response.cameras_after(asked - best), response.cameras_after(used - best)
    return pose_shifts(target, source, evidence.rows, evidence.depth)


def _fit(basis: Array, wanted: Array, information: Array) -> tuple[Array, Array]:
    """Generalised least squares of the wanted values in the basis: coefficients and covariance."""
    normal = basis.T @ information @ basis
    covariance = np.asarray(np.linalg.inv(normal + np.diag(1e-9 * np.diag(normal) + 1e-12)), np.float64)
    return covariance @ (basis.T @ information @ wanted), covariance


def _corner_gradients(lens: Lens, size: tuple[int, int]) -> Array:
    """Derivatives [2] of the corner's shift in pixels by k1 and k2."""
    by_k1 = lens.corner_gradient(size)
    return np.array([by_k1, by_k1 * np.square(np.hypot(size[0] / 2 / lens.fx, size[1] / 2 / lens.fy))])


@dataclass(frozen=True, eq=False)
class _Course:
    """Log focal lengths [n] that are linear between nodes, the standard deviations [n] of what they are off their mean,
    and the shared terms [4] beside them."""

    log_focals: Array
    sigma: Array
    shared: Array


def _course(evidence: LensEvidence) -> _Course:
    """The course that the images ask for."""
    rows, count = evidence.rows, len(evidence.rows)
    nodes = np.linspace(rows[0], rows[-1], max(2, (rows[-1] - rows[0]) // NODE_STEP + 1))
    hats = np.stack([np.interp(rows, nodes, unit) for unit in np.eye(len(nodes))], axis=1)
    hats = hats[:, hats.any(axis=0)]
    basis = np.zeros((count + SHARED, hats.shape[1] + SHARED))
    basis[:count, : hats.shape[1]], basis[count:, hats.shape[1] :] = hats, np.eye(SHARED)
    fitted, covariance = _fit(basis, np.concatenate([evidence.log_focals, evidence.shared]), evidence.information)
    centred = hats - hats.mean(axis=0)
    part = covariance[: hats.shape[1], : hats.shape[1]]
    variance = np.einsum("ni,ij,nj->n", centred, part, centred)
    sigma = np.sqrt(np.maximum(variance, 0.0) + FRAME_SPREAD**2)
    return _Course(hats @ fitted[: hats.shape[1]], sigma, fitted[hats.shape[1] :])


def lens_witnesses(reading: LensReading | None, switches: Sequence[LensSwitch], count: int) -> Mapping[str, Array]:
    """For every row [count], in standard deviations: how far its focal length is from the window's mean
    (`focal_change`), and the window's from the lens in use (`focal_disagreement`); and how far the lens that the images
    ask for would move its pose (`lens_shift`, 1: as much as a right one may be off by). NaN where nothing tells."""
    change, disagreement, shift = np.full((3, count), np.nan)
    if reading is not None:
        change[reading.rows] = np.abs(reading.course) / reading.course_sigma
        disagreement[reading.rows] = reading.disagreement
        shift[reading.rows] = reading.pose_shift
    for switch in switches:
        change[switch.row - 1 : switch.row + 1] = abs(switch.log_factor) / FRAME_SPREAD
    return {"focal_change": change, "focal_disagreement": disagreement, "lens_shift": shift}
