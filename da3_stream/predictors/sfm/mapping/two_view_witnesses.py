"""Tracks, matches and essential matrices of near rows against the poses that a window ended with.

The tracks are followed from frame to frame and know nothing of the far pairs that bend a map in repeated texture; they
tell what two frames cannot, how long one step is beside the next, by the depth that both give to the same points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....geometry import homogeneous
from ....geometry.lens import Lens
from ....geometry.robust_statistics import weighted_median
from ..matching.pairs import Matches, TwoView
from .turn_evidence import missing_turn_deg, sampson

Array = NDArray[np.float64]
Pair = tuple[int, int]

NEAR, FAR = 1, 4  # offsets of the rows that are compared
LEAST_TRACKS = 12
LEAST_PARALLAX_PX = 0.7  # moved per unit of log depth, for a track to tell depth
SUPPORT_PX = 1.0
NO_SCALE = np.log(10.0)  # of steps at which most tracks would lie behind a camera
CONTRADICTION = np.log(2.0)
WINDOW_OFFSETS = (1, 2)  # of the pairs whose essential matrices are compared
FARTHER = (8, 16, 32)  # of the pairs that tell whether a map is bent over many rows
LEAST_INLIERS = 30  # of a far pair, for its essential matrix to tell a turn


@dataclass(frozen=True, eq=False)
class PosedRows:
    """Poses [N,4,4] of a window's rows, the part [N] that each belongs to, the viewing rays [n,2] (z = 1) of all points
    of each row, and the focal length in pixels."""

    poses: Array
    part: NDArray[np.int64]
    rays: Sequence[Array]
    focal: float

    @staticmethod
    def of(poses: Array, breaks: Sequence[int], straight: Sequence[Array], lens: Lens) -> PosedRows:
        """From points [n,2] in pixels that are free of distortion."""
        part = np.zeros(len(poses), np.int64)
        part[list(breaks)] = 1
        rays = [lens.normalised(xy) for xy in straight]
        return PosedRows(poses, np.cumsum(part), rays, lens.fx)

    def relative(self, a: int, b: int) -> Array | None:
        """b_from_a [4,4] of two rows of one part; None if they are of two, or in one place."""
        if self.part[a] != self.part[b]:
            return None
        b_from_a = np.linalg.inv(self.poses[b]) @ self.poses[a]
        return b_from_a if np.linalg.norm(b_from_a[:3, 3]) > 1e-9 else None

    def residuals(self, pair: Pair, matches: Matches) -> Array | None:
        """Sampson distances in pixels of matched points from the epipolar geometry of two rows' poses."""
        b_from_a = self.relative(*pair)
        if b_from_a is None or len(matches) < LEAST_TRACKS:
            return None
        a, b = self.rays[pair[0]][matches[:, 0]], self.rays[pair[1]][matches[:, 1]]
        return self.focal * np.abs(sampson(b_from_a[:3, :3], b_from_a[:3, 3], homogeneous(a), homogeneous(b)))

    def log_depths(self, row: int, other: int, here: Array, there: Array) -> tuple[Array, Array]:
        """Log depth [m] of points in a row by where they are in another one, and its parallax in pixels per unit of it;
        a parallax of 0 is of a point behind a camera."""
        other_from_row = self.relative(row, other)
        if other_from_row is None:
            return np.zeros(len(here)), np.zeros(len(here))
        turned = homogeneous(here) @ other_from_row[:3, :3].T
        t = other_from_row[:3, 3]
        a = turned[:, :2] - there * turned[:, 2:]
        b = there * t[2] - t[:2]
        squared = np.maximum((a * a).sum(axis=1), 1e-18)
        z = (a * b).sum(axis=1) / squared
        beyond = turned[:, 2] * z + t[2]
        front = (z > 0) & (beyond > 0)
        parallax = self.focal * np.sqrt(squared) * np.abs(z) / np.where(front, beyond, 1.0)
        return np.log(np.where(front, z, 1.0)), np.where(front, parallax, 0.0)


def track_witnesses(rows: PosedRows, matches: Mapping[Pair, Matches], first: Sequence[int]) -> dict[str, Array]:
    """Epipolar distances and support of tracks, and the ratio of steps by them, against the poses."""
    tracks = {(a, b): pair[pair[:, 0] >= first[a]] for (a, b), pair in matches.items() if b - a in (NEAR, FAR)}
    near, near_support = _residual_table(rows, tracks, NEAR)
    far, far_support = _residual_table(rows, tracks, FAR)
    return {
        "track_residual_px": near,
        "track_residual_far_px": far,
        "track_support": near_support,
        "track_support_far": far_support,
        "track_residual_farther_px": _residual_over(rows, matches, first, FARTHER),
        "track_scale": _step_ratios(rows, tracks, NEAR),
        "track_scale_far": _step_ratios(rows, tracks, FAR),
    }


def contradicted_rows(rows: PosedRows, matches: Mapping[Pair, Matches], first: Sequence[int]) -> int:
    """Rows around which the tracks say that steps are in another ratio, by a factor of CONTRADICTION and more."""
    tracks = {(a, b): pair[pair[:, 0] >= first[a]] for (a, b), pair in matches.items() if b - a in (NEAR, FAR)}
    ratios = np.fmax(_step_ratios(rows, tracks, NEAR), _step_ratios(rows, tracks, FAR))
    return int((ratios > CONTRADICTION).sum())


def match_witnesses(rows: PosedRows, matches: Mapping[Pair, Matches], first: Sequence[int]) -> dict[str, Array]:
    """Support of all matched keypoints, also of those that no two frames' epipolar geometry explained."""
    keypoints = {(a, b): pair[pair[:, 0] < first[a]] for (a, b), pair in matches.items() if b - a in (NEAR, FAR)}
    return {
        "match_support": _residual_table(rows, keypoints, NEAR)[1],
        "match_support_far": _residual_table(rows, keypoints, FAR)[1],
        "match_support_farther": _support_over(rows, matches, first, FARTHER),
    }


def rotation_witnesses(rows: PosedRows, views: Mapping[Pair, TwoView]) -> dict[str, Array]:
    """Turns that the verified points of pairs miss in the poses, and the direction by essential matrices of near rows
    against the poses'; in degrees.

    Pairs that a homography explains as well tell neither: there a turn and a step sideways look alike.
    """
    turn, heading = np.full(len(rows.poses), np.nan), np.full(len(rows.poses), np.nan)
    far: list[list[float]] = [[] for _ in rows.poses]
    for (a, b), view in views.items():
        b_from_a = rows.relative(a, b) if b - a in (*WINDOW_OFFSETS, *FARTHER) and not view.planar else None
        if b_from_a is None:
            continue
        missing = missing_turn_deg(
            b_from_a, rows.rays[a][view.matches[:, 0]], rows.rays[b][view.matches[:, 1]], rows.focal
        )
        for row in (a, b):
            if b - a in WINDOW_OFFSETS:
                turn[row] = np.fmax(turn[row], missing)
                heading[row] = np.fmax(heading[row], _heading_error_deg(view.essential, b_from_a))
            elif len(view.matches) >= LEAST_INLIERS:
                far[row].append(missing)
    farther = np.array([np.median(of_row) if of_row else np.nan for of_row in far])
    return {"turn_error_deg": turn, "heading_error_deg": heading, "turn_error_far_deg": farther}


def _residual_table(rows: PosedRows, matches: Mapping[Pair, Matches], offset: int) -> tuple[Array, Array]:
    """Median epipolar distance, and share within SUPPORT_PX, of every row's worse pair at an offset; NaN without."""
    median, support = np.full(len(rows.poses), np.nan), np.full(len(rows.poses), np.nan)
    for (a, b), pair in matches.items():
        residuals = rows.residuals((a, b), pair) if b - a == offset else None
        if residuals is None:
            continue
        for row in (a, b):
            median[row] = np.fmax(median[row], np.median(residuals))
            support[row] = np.fmin(support[row], np.mean(residuals < SUPPORT_PX))
    return median, support


def _residual_over(
    rows: PosedRows, matches: Mapping[Pair, Matches], first: Sequence[int], offsets: Sequence[int]
) -> Array:
    """Median [N] epipolar distance of all tracks over pairs of several offsets; NaN without."""
    found: list[list[Array]] = [[] for _ in rows.poses]
    for (a, b), pair in matches.items():
        tracks = pair[pair[:, 0] >= first[a]] if b - a in offsets else pair[:0]
        residuals = rows.residuals((a, b), tracks)
        if residuals is not None:
            found[a].append(residuals)
            found[b].append(residuals)
    return np.array([np.median(np.concatenate(of_row)) if of_row else np.nan for of_row in found])


def _support_over(
    rows: PosedRows, matches: Mapping[Pair, Matches], first: Sequence[int], offsets: Sequence[int]
) -> Array:
    """Share [N] of all matched keypoints, over pairs of several offsets, within SUPPORT_PX of their epipolar lines."""
    told = np.zeros((len(rows.poses), 2))
    for (a, b), pair in matches.items():
        keypoints = pair[pair[:, 0] < first[a]] if b - a in offsets else pair[:0]
        residuals = rows.residuals((a, b), keypoints)
        if residuals is not None:
            told[[a, b]] += [float(len(residuals)), float((residuals < SUPPORT_PX).sum())]
    return np.where(told[:, 0] > 0, told[:, 1] / np.maximum(told[:, 0], 1.0), np.nan)


def _step_ratios(rows: PosedRows, tracks: Mapping[Pair, Matches], offset: int) -> Array:
    """For every row [N] the log ratio of its depths by the rows before and after it, the worst of those whose steps it
    ends; NaN where tracks are too few or tell no depth."""
    count = len(rows.poses)
    out = np.full(count, np.nan)
    for row in range(offset, count - offset):
        before, after = tracks.get((row - offset, row)), tracks.get((row, row + offset))
        if before is None or after is None:
            continue
        ratio = _depth_ratio(rows, row, offset, before, after)
        ends = [row - offset, row, row + offset]
        out[ends] = np.fmax(out[ends], ratio)
    return out


def _depth_ratio(rows: PosedRows, row: int, offset: int, before: Matches, after: Matches) -> float:
    _, i, j = np.intersect1d(before[:, 1], after[:, 0], assume_unique=True, return_indices=True)
    if len(i) < LEAST_TRACKS or rows.relative(row, row - offset) is None or rows.relative(row, row + offset) is None:
        return float("nan")
    here = rows.rays[row][after[j, 0]]
    back, parallax_back = rows.log_depths(row, row - offset, here, rows.rays[row - offset][before[i, 0]])
    ahead, parallax_ahead = rows.log_depths(row, row + offset, here, rows.rays[row + offset][after[j, 1]])
    if np.mean((parallax_back > 0) & (parallax_ahead > 0)) < 0.5:
        return float(NO_SCALE)
    telling = np.minimum(parallax_back, parallax_ahead) > LEAST_PARALLAX_PX
    if telling.sum() < LEAST_TRACKS:
        return float("nan")
    weights = 1.0 / (parallax_back[telling] ** -2 + parallax_ahead[telling] ** -2)
    return abs(weighted_median((ahead - back)[telling], weights))


def _heading_error_deg(essential: Array, b_from_a: Array) -> float:
    """Angle in degrees between an essential matrix's translation, which has no sign, and that of a pose."""
    epipole = np.linalg.svd(essential)[0][:, 2]
    step = b_from_a[:3, 3] / np.linalg.norm(b_from_a[:3, 3])
    return float(np.degrees(np.arccos(min(1.0, abs(float(epipole @ step))))))
