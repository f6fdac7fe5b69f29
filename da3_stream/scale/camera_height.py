"""Camera height over the ground in a window's own units, from the window's images, intrinsics and poses alone.

The method is for a vehicle's or a walker's camera that looks along its road: the direction of motion is parallel to
the ground, which gives the pitch, and the roll is small. See Song and Chandraker, "Robust scale estimation in
real-time monocular SFM for autonomous driving" (CVPR 2014), and Zhou, Dai and Li, "Ground-plane-based absolute scale
estimation for monocular visual odometry" (T-ITS 2019), who use features; here the ground is fitted to the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry.robust_statistics import correlated_sigma, sigma_clipped_mean
from ..types import Float32, Float64, Status, WindowGeometry
from .normalized_frames import NormalizedFrames
from .patch import road_patch, warped_ncc
from .plane_fit import RoadPlane, fit_road, plane_vector

REFERENCES = (15, 30)  # frames of a window with a plane, at least and at most; more are hardly independent of these
FRAMES_A_REFERENCE = 4  # between those bounds
SEARCH_REFERENCES = 8  # frames of a window in the coarse search for the height
SEARCH_PIXELS = 1200
SEARCH_STEP = 0.08  # of log height
SEARCH_BASELINE = 0.8  # camera heights
SEARCH_RANGE = (0.4, 1.25)  # heights: from this many typical steps of the camera to this many times its path's extent
REACH = 3  # frames before and after, between which the direction of motion is taken
STANDSTILL = 0.1  # share of the longest motion below which the camera counts as standing
SLOW = 0.3  # share of the median motion below which its direction is too noisy for a pitch
MAX_OFF_MOTION_DEG = 30.0  # median angle between the optical axis and the motion
MIN_NCC = 0.35  # normalised cross-correlation between frames under the fitted plane
MAX_SIGMA = 0.05  # of one frame's log height
MIN_FRAMES = 5
SYSTEMATIC_SIGMA = 0.005  # of log height: the systematic error that all frames of a window share


@dataclass(frozen=True, eq=False, slots=True)
class HeightObservation:
    """Height of the camera over the ground in a window's units, with the statistics of the frames it is the mean of.

    `log_height` is the mean over the window and `sigma` its standard deviation, in which the errors of neighbouring
    frames are correlated. `rolls` and `pitches` are those of the F frames with a reliable plane.
    """

    log_height: float
    sigma: float
    spread: float  # standard deviation of single frames' log heights
    found: float  # share of the reference frames that have a reliable plane
    rolls: Float32  # [F] rad
    pitches: Float32  # [F] rad, downwards


@dataclass(frozen=True)
class Refusal:
    """The reason why a window gives no scale observation."""

    reason: str


def camera_height(window: WindowGeometry) -> HeightObservation | Refusal:
    """The mean height of the camera over the ground; a refusal where the window's frames do not determine it."""
    if window.status in (Status.FAILED, Status.HELD, Status.TURNED):
        return Refusal(f"the window's geometry is {window.status.value}")
    frames = NormalizedFrames.of(window)
    if len(frames) < MIN_FRAMES:
        return Refusal(f"{len(frames)} frames have a pose, {MIN_FRAMES} are needed")
    pitches = _pitches_of_motion(frames)
    if isinstance(pitches, Refusal):
        return pitches
    start = _first_height(frames, pitches)
    if isinstance(start, Refusal):
        return start
    references = _evenly_spaced(len(frames), int(np.clip(len(frames) // FRAMES_A_REFERENCE, *REFERENCES)))
    planes = [fit_road(frames, int(k), start, float(pitches[k])) for k in references]
    return _pool_heights([plane for plane in planes if plane and _is_reliable(plane)], len(references))


def _pitches_of_motion(frames: NormalizedFrames) -> Float64 | Refusal:
    """The angle [M] in rad by which each camera points below its direction of motion, which is parallel to the ground.

    Frames that hardly move get the median of the others.
    """
    motions = frames.motions(REACH)
    length = np.linalg.norm(motions, axis=1)
    moves = length > STANDSTILL * length.max()
    if not length.max() > 1e-9 * (1e-300 + np.abs(frames.centres).max()):
        return Refusal("the camera stands")
    angle_deg = np.degrees(np.median(np.arctan2(np.hypot(motions[:, 0], motions[:, 1]), np.abs(motions[:, 2]))[moves]))
    if angle_deg > MAX_OFF_MOTION_DEG:
        return Refusal(f"the camera looks {angle_deg:.0f} degrees away from its way, not along it")
    pitches = -np.arctan2(motions[:, 1] * np.sign(motions[:, 2]), np.abs(motions[:, 2]))
    usual = float(np.median(pitches[moves]))
    return np.where(length > SLOW * np.median(length[moves]), pitches, usual)


def _first_height(frames: NormalizedFrames, pitches: Float64) -> float | Refusal:
    """The log height with the best mean correlation of frames with a neighbour, by a grid search."""
    steps = frames.steps()
    typical = float(np.median(steps[steps > STANDSTILL * steps.max()]))
    extent = float(np.linalg.norm(np.ptp(frames.centres, axis=0)))
    candidates = np.arange(np.log(SEARCH_RANGE[0] * typical), np.log(SEARCH_RANGE[1] * extent), SEARCH_STEP)
    references = _evenly_spaced(len(frames), SEARCH_REFERENCES + 2)[1:-1]
    scores = np.mean([_scores(frames, int(k), float(pitches[k]), candidates) for k in references], axis=0)
    if not len(scores) or scores.max() < MIN_NCC:
        return Refusal("no plane under the camera looks alike in neighbouring frames")
    return float(candidates[int(np.argmax(scores))])


def _scores(frames: NormalizedFrames, frame: int, pitch: float, log_heights: Float64) -> Float64:
    """Correlation [K] of a frame with one neighbour for each log height [K].

    The baseline grows with the height, so that the parallax is the same for all heights.
    """
    patch = road_patch(frames, frame, pitch, SEARCH_PIXELS)
    scores = np.zeros(len(log_heights))
    for k, u in enumerate(log_heights.tolist()):
        near = frames.neighbours(frame, SEARCH_BASELINE * np.exp(u))
        scores[k] = warped_ncc(frames, patch, plane_vector(u, 0.0, pitch), near[0]) if near else 0.0
    return scores


def _is_reliable(plane: RoadPlane) -> bool:
    return plane.ncc >= MIN_NCC and plane.sigma <= MAX_SIGMA


def _evenly_spaced(count: int, most: int) -> NDArray[np.int64]:
    """At most `most` of the numbers below `count`, evenly spaced, both ends among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _pool_heights(planes: Sequence[RoadPlane], reference_count: int) -> HeightObservation | Refusal:
    if len(planes) < MIN_FRAMES:
        return Refusal(f"the ground was found in {len(planes)} of {reference_count} frames, {MIN_FRAMES} are needed")
    heights = np.array([plane.log_height for plane in planes])
    log_height, spread = sigma_clipped_mean(heights)
    return HeightObservation(
        log_height,
        float(np.hypot(correlated_sigma(heights - log_height, spread), SYSTEMATIC_SIGMA)),
        spread,
        len(planes) / reference_count,
        np.array([plane.roll for plane in planes], np.float32),
        np.array([plane.pitch for plane in planes], np.float32),
    )
