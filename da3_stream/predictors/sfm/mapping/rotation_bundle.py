"""Rotations of a camera that turns about its lens, and with them the lens, from all pairs together.

Brown and Lowe, "Automatic panoramic image stitching using invariant features" (IJCV 2007), section 4: the distances
in pixels between keypoints and where the rotations carry their matches. As rotations about one centre make the image
of a ray curve with the focal length, they tell it (Hartley, "Self-calibration of stationary cameras", IJCV 1997).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ....geometry.lens import Lens, LensEstimate
from ....geometry.sim3_closed_forms import hat
from ..matching.pairs import TwoView
from .sparse_model import FreeLens
from .turning import Pair, PairRotation, Run, angle_of, thinned

MATCHES = 50  # of a pair that are used
LOSS_PX = 0.5  # Cauchy
ROUNDS = 15
SMALL_STEP = 1e-7  # rad
FOCAL_STEP, RADIAL_STEP = 1e-4, 1e-4  # of numeric derivatives: of the focal length (relative) and k1
LARGEST_FOCAL_STEP = 0.2  # of the focal length's logarithm in a round
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TurnSolution:
    """Orientations of a run's rows, the lens that they hold for, and how well they explain the matches."""

    run_from_camera: Array  # [n,3,3], the first one is the identity
    lens: Lens
    estimate: LensEstimate | None  # where the lens was free
    residual_px: float  # median distance
    error_deg: Array  # [n], median over a row's pairs of what their own rotations differ by


@dataclass(frozen=True, eq=False)
class _Matches:
    """Keypoints [m,2] of all pairs, the pair [m] and the rows [p] that pairs relate, counted from the run's first."""

    first_xy: NDArray[np.float32]
    second_xy: NDArray[np.float32]
    pair: NDArray[np.int64]
    a: NDArray[np.int64]
    b: NDArray[np.int64]

    @staticmethod
    def of(
        xy: Sequence[NDArray[np.float32]],
        views: Mapping[Pair, TwoView],
        rotations: Mapping[Pair, PairRotation],
        run: Run,
    ) -> _Matches:
        """The matches of the pairs in a run that a rotation explains, thinned."""
        pairs = sorted(pair for pair, of_pair in rotations.items() if run.holds(pair) and not of_pair.parallax)
        picked = [thinned(views[pair].matches, MATCHES) for pair in pairs]
        return _Matches(
            np.concatenate([xy[a][m[:, 0]] for (a, _), m in zip(pairs, picked, strict=True)]),
            np.concatenate([xy[b][m[:, 1]] for (_, b), m in zip(pairs, picked, strict=True)]),
            np.repeat(np.arange(len(pairs)), [len(m) for m in picked]),
            np.array([a for a, _ in pairs]) - run.first,
            np.array([b for _, b in pairs]) - run.first,
        )


def solve_turn(
    xy: Sequence[NDArray[np.float32]],
    views: Mapping[Pair, TwoView],
    rotations: Mapping[Pair, PairRotation],
    run: Run,
    lens: Lens,
    free: FreeLens,
) -> TurnSolution:
    """Orientations of the rows of a run from all of its pairs without parallax, and of the lens what is free.

    `views` are the verified pairs, `rotations` those of single pairs, to start from. Gauss-Newton with Cauchy's loss.
    """
    matches = _Matches.of(xy, views, rotations, run)
    turned, camera = _chain(rotations, run), lens
    for _ in range(ROUNDS):
        left = _residuals(matches, turned, camera)
        weights = 1 / (1 + np.square(np.linalg.norm(left, axis=1) / LOSS_PX))
        hessian, gradient = _normal_equations(matches, turned, camera, free, left, weights)
        step = np.asarray(np.linalg.solve(hessian, gradient), np.float64)
        turned, camera = _moved(turned, camera, free, step)
        if np.abs(step).max() < SMALL_STEP:
            break
    distances = np.linalg.norm(_residuals(matches, turned, camera), axis=1)
    estimate = _estimate(camera, free, hessian, weights, left) if free else None
    errors = _pair_errors(rotations, run, turned)
    return TurnSolution(turned[0].T @ turned, camera, estimate, float(np.median(distances)), errors)


def _pair_errors(rotations: Mapping[Pair, PairRotation], run: Run, turned: Array) -> Array:
    """Degrees [n] by which orientations contradict the rotations of pairs without parallax; NaN for rows in none."""
    found: list[list[float]] = [[] for _ in turned]
    for (a, b), rotation in rotations.items():
        if run.holds((a, b)) and not rotation.parallax:
            i, j = a - run.first, b - run.first
            error = float(np.degrees(angle_of(turned[j].T @ turned[i] @ rotation.b_from_a.T)))
            found[i].append(error)
            found[j].append(error)
    return np.array([np.median(errors) if errors else np.nan for errors in found])


def _chain(rotations: Mapping[Pair, PairRotation], run: Run) -> Array:
    """Orientations [n,3,3] of the run's rows from the shortest pairs that link them, those in between by even turns."""
    out = np.full((run.steps + 1, 3, 3), np.nan)
    out[0] = np.eye(3)
    links = sorted((pair for pair in rotations if run.holds(pair)), key=lambda pair: (pair[1] - pair[0], pair))
    for row in range(run.first, run.last + 1):
        for a, b in links:
            if a == row and np.isnan(out[b - run.first, 0, 0]) and not np.isnan(out[a - run.first, 0, 0]):
                out[b - run.first] = out[a - run.first] @ rotations[a, b].b_from_a.T
    return _filled(out)


def _filled(rotations: Array) -> Array:
    """Missing orientations interpolated; after the last known one it is repeated."""
    from scipy.spatial.transform import Slerp

    known = np.flatnonzero(np.isfinite(rotations[:, 0, 0]))
    if len(known) < 2:
        return np.tile(np.eye(3), (len(rotations), 1, 1))
    rows = np.clip(np.arange(len(rotations)), known[0], known[-1])
    return Slerp(known, Rotation.from_matrix(rotations[known]))(rows).as_matrix()


def _residuals(matches: _Matches, turned: Array, lens: Lens) -> Array:
    """Keypoints of the second rows less where the first ones' are carried to [m,2], in pixels."""
    first = np.einsum("mij,mj->mi", _b_from_a(matches, turned), lens.rays(matches.first_xy))
    ahead = np.maximum(first[:, 2:], 0.05)
    second = lens.normalised(lens.undistort(matches.second_xy))
    # back to pixels of the image as it is: near the corner the lens shrinks what is measured there
    shrunk = 1 + 2 * lens.k1 * np.square(second).sum(axis=1, keepdims=True)
    return np.asarray((second - first[:, :2] / ahead) * [lens.fx, lens.fy] * shrunk)


def _b_from_a(matches: _Matches, turned: Array) -> Array:
    return (turned[matches.b].transpose(0, 2, 1) @ turned[matches.a])[matches.pair]


def _normal_equations(
    matches: _Matches, turned: Array, lens: Lens, free: FreeLens, left: Array, weights: Array
) -> tuple[Array, Array]:
    """Hessian and right-hand side of a step: small turns of all rows in the run's frame [3 n], then of the lens."""
    of_turn = _turn_jacobian(matches, turned, lens)
    of_lens = _lens_jacobian(matches, turned, lens, free, left)
    weighted = of_turn * weights[:, None, None]
    blocks = _sum_by_pair(matches, np.einsum("mki,mkj->mij", weighted, of_turn))
    rights = _sum_by_pair(matches, np.einsum("mki,mk->mi", weighted, left))
    mixed = _sum_by_pair(matches, np.einsum("mki,mkl->mil", weighted, of_lens))
    n, size = len(turned), 3 * len(turned)
    turns, cross, gradient = np.zeros((n, n, 3, 3)), np.zeros((n, 3, of_lens.shape[2])), np.zeros((n, 3))
    for i, j, sign in ((matches.a, matches.a, 1), (matches.b, matches.b, 1), (matches.a, matches.b, -1)):
        np.add.at(turns, (i, j), sign * blocks)
        if sign < 0:
            np.add.at(turns, (j, i), sign * blocks)
    for rows, sign in ((matches.a, 1), (matches.b, -1)):
        np.add.at(cross, rows, sign * mixed)
        np.add.at(gradient, rows, sign * rights)
    hessian = np.zeros((size + of_lens.shape[2],) * 2)
    hessian[:size, :size] = turns.transpose(0, 2, 1, 3).reshape(size, size)
    hessian[:size, size:], hessian[size:, :size] = cross.reshape(size, -1), cross.reshape(size, -1).T
    hessian[size:, size:] = np.einsum("mki,mkj,m->ij", of_lens, of_lens, weights)
    of_lens_right = np.einsum("mki,mk,m->i", of_lens, left, weights)
    hessian[:3, :3] += 1e9 * np.eye(3)  # the first row stays
    hessian += 1e-6 * np.eye(len(hessian))  # and rows without any match
    return hessian, np.concatenate([gradient.reshape(-1), of_lens_right])


def _turn_jacobian(matches: _Matches, turned: Array, lens: Lens) -> Array:
    """[m,2,3]: how the carried keypoints move with a small turn of the first row in the run's frame (the second row's
    has the other sign)."""
    in_run = np.einsum("mij,mj->mi", turned[matches.a][matches.pair], lens.rays(matches.first_xy))
    camera_from_run = turned[matches.b].transpose(0, 2, 1)[matches.pair]
    x, y, z = np.einsum("mij,mj->im", camera_from_run, in_run)
    z = np.maximum(z, 0.05)
    projection = np.zeros((len(x), 2, 3))
    projection[:, 0, 0], projection[:, 0, 2] = lens.fx / z, -lens.fx * x / z**2
    projection[:, 1, 1], projection[:, 1, 2] = lens.fy / z, -lens.fy * y / z**2
    return projection @ camera_from_run @ -hat(in_run)


def _lens_jacobian(matches: _Matches, turned: Array, lens: Lens, free: FreeLens, left: Array) -> Array:
    """[m,2,l]: how residuals shrink with the logarithm of the focal length and with k1, as far as they are free."""
    moved = []
    if free.focal:
        moved.append((_with(lens, FOCAL_STEP, 0.0), FOCAL_STEP))
    if free.radial:
        moved.append((_with(lens, 0.0, RADIAL_STEP), RADIAL_STEP))
    columns = [(left - _residuals(matches, turned, other)) / step for other, step in moved]
    return np.stack(columns, axis=2) if columns else np.zeros((*left.shape, 0))


def _with(lens: Lens, log_focal: float, k1: float) -> Lens:
    factor = float(np.exp(log_focal))
    return replace(lens, fx=lens.fx * factor, fy=lens.fy * factor, k1=lens.k1 + k1)


def _moved(turned: Array, lens: Lens, free: FreeLens, step: Array) -> tuple[Array, Lens]:
    """Orientations and lens after a step."""
    turns, rest = step[: 3 * len(turned)].reshape(-1, 3), step[3 * len(turned) :]
    focal = float(np.clip(rest[0], -LARGEST_FOCAL_STEP, LARGEST_FOCAL_STEP)) if free.focal else 0.0
    radial = float(rest[-1]) if free.radial else 0.0
    return Rotation.from_rotvec(turns).as_matrix() @ turned, _with(lens, focal, radial)


def _sum_by_pair(matches: _Matches, values: Array) -> Array:
    """Sums over each pair's matches [p,...]."""
    starts = np.searchsorted(matches.pair, np.arange(len(matches.a)))
    return np.add.reduceat(values, starts, axis=0)


def _estimate(lens: Lens, free: FreeLens, hessian: Array, weights: Array, left: Array) -> LensEstimate:
    """The lens with its standard deviations, from the inverse Hessian scaled by the errors' own variance."""
    variance = float(weights @ np.square(left).sum(axis=1) / (2 * weights.sum()))
    covariance = np.linalg.inv(hessian) * variance
    sigmas = np.sqrt(np.diag(covariance)[-(free.focal + free.radial) :])
    focal_sigma = float(sigmas[0]) * lens.fx if free.focal else 0.0
    return LensEstimate(lens, focal_sigma, float(sigmas[-1]) if free.radial else 0.0)
