"""How high the camera stands over the ground, in a window's own units, from its images, intrinsics and poses alone.

For cameras that look along a road on which they are carried: the direction of motion lies in the ground, which gives
the pitch, and the roll is small. See Song and Chandraker, "Robust scale estimation in real-time monocular SFM for
autonomous driving" (CVPR 2014), and Zhou, Dai and Li, "Ground-plane-based absolute scale estimation for monocular
visual odometry" (T-ITS 2019), who do this with features; here the ground is fitted to the pixels themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry.robust_statistics import correlated_sigma, sigma_clipped_mean
from ..types import Float32, Float64, Status, WindowGeometry
from .normalized_frames import NormalizedFrames
from .patch import likeness, road_patch
from .plane_fit import RoadPlane, fit_road, plane_vector

REFERENCES = 60  # frames of a window that are looked at; the others add little that is independent
SEARCHED = 8  # of them, for the first idea of the height
SEARCH_PIXELS = 1200
SEARCH_STEP = 0.08  # of log height
SEARCH_BASELINE = 0.8  # camera heights
SEARCH_BY = (0.4, 1.25)  # from this many steps of the camera to this many times its whole way
REACH = 3  # frames before and after that tell the direction of motion
STANDING = 0.1  # share of the longest step below which the camera stands
SLOW = 0.3  # share of the typical step below which its direction says little of the pitch
FARTHEST_OFF_DEG = 30.0  # between view and motion, at the median
MIN_LIKENESS = 0.35
MAX_SIGMA = 0.05  # of one frame's log height
MIN_FRAMES = 5
UNMODELLED = 0.005  # of log height: what all frames of a window err alike


@dataclass(frozen=True, eq=False, slots=True)
class HeightObservation:
    """Height of the camera over the ground in units of the window, with what it rests on.

    `log_height` is over the whole window, `sigma` its standard deviation from the frames' own spread, of which
    neighbours err alike. `rolls` and `pitches` are of the frames that show it.
    """

    log_height: float
    sigma: float
    spread: float  # standard deviation of single frames' log heights
    found: float  # share of the frames looked at
    rolls: Float32  # [F] rad
    pitches: Float32  # [F] rad, downwards


@dataclass(frozen=True)
class Refusal:
    """Why a window says nothing of its own scale."""

    reason: str


def camera_height(window: WindowGeometry) -> HeightObservation | Refusal:
    """Height of the camera over the ground; a refusal with its reason where the window does not show it."""
    if window.status in (Status.FAILED, Status.HELD):
        return Refusal(f"the window's geometry is {window.status.value}")
    views = NormalizedFrames.of(window)
    if len(views.rows) < MIN_FRAMES:
        return Refusal(f"{len(views.rows)} frames have a pose, {MIN_FRAMES} are needed")
    pitches = _pitches_of_motion(views)
    if isinstance(pitches, Refusal):
        return pitches
    start = _first_height(views, pitches)
    if isinstance(start, Refusal):
        return start
    frames = _spaced(len(views.rows), REFERENCES)
    planes = {int(k): fit_road(views, int(k), start, float(pitches[k])) for k in frames}
    return _pooled(views, {k: plane for k, plane in planes.items() if plane and _trusted(plane)}, len(frames))


def _pitches_of_motion(views: NormalizedFrames) -> Float64 | Refusal:
    """The angle [M] by which each camera looks down on its own way: cars and walkers move along the ground.

    Where a frame hardly moves it is the median of the others.
    """
    motions = views.motions(REACH)
    length = np.linalg.norm(motions, axis=1)
    moves = length > STANDING * length.max()
    if not length.max() > 1e-9 * (1e-300 + np.abs(views.centres).max()):
        return Refusal("the camera stands")
    off = np.degrees(np.median(np.arctan2(np.hypot(motions[:, 0], motions[:, 1]), np.abs(motions[:, 2]))[moves]))
    if off > FARTHEST_OFF_DEG:
        return Refusal(f"the camera looks {off:.0f} degrees away from its way, not along it")
    pitches = -np.arctan2(motions[:, 1] * np.sign(motions[:, 2]), np.abs(motions[:, 2]))
    usual = float(np.median(pitches[moves]))
    return np.where(length > SLOW * np.median(length[moves]), pitches, usual)


def _first_height(views: NormalizedFrames, pitches: Float64) -> float | Refusal:
    """The log height under which most frames look like their neighbours, over all that the motion can tell."""
    steps = views.steps()
    typical = float(np.median(steps[steps > STANDING * steps.max()]))
    way = float(np.linalg.norm(np.ptp(views.centres, axis=0)))
    candidates = np.arange(np.log(SEARCH_BY[0] * typical), np.log(SEARCH_BY[1] * way), SEARCH_STEP)
    frames = _spaced(len(views.rows), SEARCHED + 2)[1:-1]
    scores = np.mean([_scores(views, int(k), float(pitches[k]), candidates) for k in frames], axis=0)
    if not len(scores) or scores.max() < MIN_LIKENESS:
        return Refusal("no plane under the camera looks alike in neighbouring frames")
    return float(candidates[int(np.argmax(scores))])


def _scores(views: NormalizedFrames, frame: int, pitch: float, log_heights: Float64) -> Float64:
    """Likeness of one neighbour for each height; its distance grows with the height, so that all are as well seen."""
    patch = road_patch(views, frame, pitch, SEARCH_PIXELS)
    scores = np.zeros(len(log_heights))
    for k, u in enumerate(log_heights.tolist()):
        near = views.neighbours(frame, SEARCH_BASELINE * np.exp(u))
        scores[k] = likeness(views, patch, plane_vector(u, 0.0, pitch), near[0]) if near else 0.0
    return scores


def _trusted(plane: RoadPlane) -> bool:
    return plane.likeness >= MIN_LIKENESS and plane.sigma <= MAX_SIGMA


def _spaced(count: int, most: int) -> NDArray[np.int64]:
    """At most so many of `count` numbers, evenly spaced, both ends among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _pooled(views: NormalizedFrames, planes: dict[int, RoadPlane], looked_at: int) -> HeightObservation | Refusal:
    if len(planes) < MIN_FRAMES:
        return Refusal(f"the ground was found in {len(planes)} of {looked_at} frames, {MIN_FRAMES} are needed")
    heights = np.array([plane.log_height for plane in planes.values()])
    log_height, spread = sigma_clipped_mean(heights)
    return HeightObservation(
        log_height,
        float(np.hypot(correlated_sigma(heights - log_height, spread), UNMODELLED)),
        spread,
        len(planes) / looked_at,
        np.array([plane.roll for plane in planes.values()], np.float32),
        np.array([plane.pitch for plane in planes.values()], np.float32),
    )
