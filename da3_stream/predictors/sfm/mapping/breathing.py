"""A camera that stands or turns while its images grow and shrink a little, and while something moves before it.

Focus breathing, stabilisation and slow digital zooms scale images about their middle: two frames differ by a rotation
times one scale, the same at every depth. What moves by itself covers a part of the picture, but not its rim all
around. Both are undone here, so that turns are found in what is left. Towards a flat wall a camera that moves sees the
same for a while, so the scales are bounded over the whole window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ....geometry import nearest_rotations, unit_rays
from ....geometry.lens import Lens
from ....geometry.sim3_closed_forms import hat
from ..matching.pairs import Matches, TwoView
from ..matching.stillness import cell_numbers
from .turning import BLURRED_PX, MATCHES, MIN_MATCHES, PARALLAX_PX, Pair

TRIALS, SCALE_ROUNDS, ROUNDS = 48, 3, 5
SMALL_SCALE = 1e-5  # of numeric derivatives
LARGEST_SCALE = 0.7  # that a pair is believed to have, as a logarithm
MOST_SCALE = np.log(1.1)  # between any two rows of a window
SAME_SCALE = 0.01  # by which a pair's scale may differ from that of its rows
SAMPLED = 40  # pairs that are looked at first
STEADY_PAIRS = 0.9  # share of the pairs that must be explained
WORTH_A_SEARCH = 1.0  # sum of shares of matches and pairs that are explained, from which other focal lengths are tried
FOCALS = tuple(
    np.geomspace(0.5, 1.7, 12).tolist()
)  # widths of the image: 90 to 33 degrees; longer ones see a flat scene pass
CELLS = (8, 6)  # columns and rows of the picture's cells
FULL_CELL = 2  # matches, from which on a cell counts in full: of far pairs single ones are often wrong
EXPLAINED, RIM_EXPLAINED = 0.4, 0.7  # share of the cells in which most matches are explained, of all and at the rim
LINK_ROUNDS, LINK_FLOOR = 4, 1e-4

Array = NDArray[np.float64]
Points = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ScaledRotation:
    """The logarithm of the scale that takes a pair's first row to its second one beside a rotation, which matches [m]
    both explain, whether these are the picture but for what moves by itself, and the share of all matches that is
    explained as closely as keypoints are found."""

    log_scale: float
    explained: NDArray[np.bool_]
    covers: bool
    close: float = 0.0


@dataclass(frozen=True, eq=False)
class Steady:
    """Keypoints [n,2] of all rows with the scales of their rows undone, and pairs of rows with the matches that
    rotations explain then."""

    xy: list[Points]
    views: dict[Pair, TwoView]


def steady(xy: Sequence[Points], matches: Mapping[Pair, Matches], lens: Lens, size: tuple[int, int]) -> Steady | None:
    """What is left of a window of images of (width, height) when scales and what moves by itself are taken away.

    `matches` [m,2] need not be verified. None where rotations and scales do not explain nearly all pairs, or scales
    differ by more than a lens breathes.
    """
    pairs = _told(matches)
    fits = {pair: _fit(xy, pair, matches[pair], lens, size) for pair in _sample(pairs)}
    if _steady_share(fits) < STEADY_PAIRS:
        return None
    fits |= {pair: _fit(xy, pair, matches[pair], lens, size) for pair in pairs if pair not in fits}
    scales = _row_scales(fits, len(xy))
    agreeing = {(a, b): fit for (a, b), fit in fits.items() if abs(fit.log_scale - scales[b] + scales[a]) < SAME_SCALE}
    if _steady_share(agreeing) * len(agreeing) < STEADY_PAIRS * len(fits) or np.ptp(scales) > MOST_SCALE:
        return None
    middle = np.array([lens.cx, lens.cy])
    undone = [
        ((of_row - middle) * np.exp(-scale) + middle).astype(np.float32)
        for of_row, scale in zip(xy, scales, strict=True)
    ]
    told = {pair: fit for pair, fit in agreeing.items() if fit.covers and fit.explained.mean() >= EXPLAINED}
    still = {pair: matches[pair][fit.explained] for pair, fit in told.items()}  # others show what moves rather
    return Steady(undone, {pair: TwoView(of_pair, np.eye(3), np.eye(3), True) for pair, of_pair in still.items()})


def steadiest_lens(xy: Sequence[Points], matches: Mapping[Pair, Matches], lens: Lens, size: tuple[int, int]) -> Lens:
    """The lens, or one of other focal lengths, with which rotations and scales explain a sample of the pairs best."""
    sample = _sample(_told(matches))

    def fits(other: Lens) -> dict[Pair, ScaledRotation]:
        return {pair: _fit(xy, pair, matches[pair], other, size) for pair in sample}

    def closeness(other: Lens) -> float:
        found = fits(other)
        return float(np.mean([fit.close for fit in found.values()])) + _steady_share(found)

    found = fits(lens)
    if not found or np.mean([fit.explained.mean() for fit in found.values()]) + _steady_share(found) < WORTH_A_SEARCH:
        return lens
    lenses = [replace(lens, fx=f * size[0], fy=f * size[0] * lens.fy / lens.fx) for f in FOCALS]
    return max([lens, *lenses], key=closeness)


def _told(matches: Mapping[Pair, Matches]) -> list[Pair]:
    return sorted(pair for pair, of_pair in matches.items() if len(of_pair) >= MIN_MATCHES)


def _sample(pairs: list[Pair]) -> list[Pair]:
    return pairs[:: max(1, len(pairs) // SAMPLED)]


def fit_scaled_rotation(first: Array, second: Array, weights: Array, near: float) -> tuple[Array, float]:
    """Rotation [3,3] and the logarithm of the scale about the principal point that take most unit rays [n,3], by their
    weights [n], to near others.

    The best of many pairs of rays (RANSAC, Fischler and Bolles, CACM 1981), and Gauss-Newton with Geman-McClure's loss.
    """
    ahead = second[:, :2] / second[:, 2:]
    rotation, log_scale = _from_two_rays(first, ahead, weights, near)
    for _ in range(ROUNDS):
        turned, unscaled = first @ rotation.T, unit_rays(ahead * np.exp(-log_scale))
        left = unscaled - turned
        grown = (unit_rays(ahead * np.exp(-log_scale - SMALL_SCALE)) - unscaled) / SMALL_SCALE
        jacobian = np.concatenate([-hat(turned), -grown[:, :, None]], axis=2)  # (n, 3, 4)
        of_rays = weights / np.square(1 + np.square(left).sum(axis=1) / near**2)
        weighted = jacobian * of_rays[:, None, None]
        normal, right = np.einsum("nki,nkj->ij", weighted, jacobian), np.einsum("nki,nk->i", weighted, left)
        step = np.linalg.solve(normal + 1e-12 * np.eye(4), right)
        rotation = Rotation.from_rotvec(step[:3]).as_matrix() @ rotation
        log_scale = float(np.clip(log_scale + step[3], -LARGEST_SCALE, LARGEST_SCALE))
    return rotation, log_scale


def distances_left(first: Array, second: Array, rotation: Array, log_scale: float) -> Array:
    """Distances [n] that a rotation [3,3] and a scale leave between unit rays [n,3], with the scale undone."""
    unscaled = unit_rays(second[:, :2] / second[:, 2:] * np.exp(-log_scale))
    return np.asarray(np.linalg.norm(unscaled - first @ rotation.T, axis=1))


def _from_two_rays(first: Array, ahead: Array, weights: Array, near: float) -> tuple[Array, float]:
    """The rotation and log-scale by two of the rays that bring the most weight near; `ahead` [n,2] are the second ones
    at depth 1."""
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(first), (TRIALS, 2), p=weights / weights.sum())
    one, two = (first[chosen[:, k]] for k in (0, 1))
    angle, log_scales = _angle(one, two), np.zeros(TRIALS)
    for _ in range(SCALE_ROUNDS):
        seen = [unit_rays(ahead[chosen[:, k]] * np.exp(-log_scales)[:, None]) for k in (0, 1)]
        log_scales += np.log(np.maximum(_angle(*seen), 1e-9) / np.maximum(angle, 1e-9))
        log_scales = np.clip(log_scales, -LARGEST_SCALE, LARGEST_SCALE)
    seen = [unit_rays(ahead[chosen[:, k]] * np.exp(-log_scales)[:, None]) for k in (0, 1)]
    moments = np.einsum("ti,tj->tij", seen[0], one) + np.einsum("ti,tj->tij", seen[1], two)
    rotations = nearest_rotations(moments)
    unscaled = unit_rays(ahead[None] * np.exp(-log_scales)[:, None, None])
    distances = np.linalg.norm(unscaled - np.einsum("tij,nj->tni", rotations, first), axis=2)
    best = int(((distances < near) @ weights).argmax())
    return rotations[best], float(log_scales[best])


def _angle(one: Array, two: Array) -> Array:
    return 2 * np.arcsin(np.clip(np.linalg.norm(one - two, axis=1) / 2, 0, 1))


def _fit(xy: Sequence[Points], pair: Pair, matches: Matches, lens: Lens, size: tuple[int, int]) -> ScaledRotation:
    first, second = (xy[row][matches[:, k]] for k, row in enumerate(pair))
    cell, count = _cells(first, size)
    whole = 1.0 / count[cell]
    at_rim = np.where(_rim()[cell], whole, 0.0)
    if not at_rim.any():
        return ScaledRotation(0.0, np.zeros(len(matches), np.bool_), covers=False)
    weights = whole / whole.sum() + at_rim / at_rim.sum()  # what moves by itself is rather in the middle
    near, some = BLURRED_PX / lens.fx, slice(None, None, -(-len(matches) // MATCHES))
    seen = lens.rays(first), lens.rays(second)
    rotation, log_scale = fit_scaled_rotation(seen[0][some], seen[1][some], weights[some], near)
    left = distances_left(*seen, rotation, log_scale)
    explained, close = left < near, float(np.mean(left < PARALLAX_PX / lens.fx))
    share = np.bincount(cell, explained, minlength=len(count)) / np.maximum(count, 1)
    told = np.minimum(count, FULL_CELL)
    of_all, of_rim = (float(np.average(share > 0.5, weights=cells)) for cells in (told, told * _rim()))
    return ScaledRotation(log_scale, explained, of_all >= EXPLAINED and of_rim >= RIM_EXPLAINED, close)


def _cells(xy: Points, size: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The cell of the picture that each point [n,2] lies in, and how many lie in every cell."""
    cell = cell_numbers(xy, size, CELLS)
    return cell, np.bincount(cell, minlength=CELLS[0] * CELLS[1])


def _rim() -> NDArray[np.bool_]:
    """Which cells lie at the picture's rim."""
    rim = np.ones(CELLS[::-1], np.bool_)
    rim[1:-1, 1:-1] = False
    return rim.ravel()


def _steady_share(fits: Mapping[Pair, ScaledRotation]) -> float:
    """Share of the pairs that are explained."""
    return float(np.mean([fit.covers and abs(fit.log_scale) <= MOST_SCALE for fit in fits.values()])) if fits else 0.0


def _row_scales(fits: Mapping[Pair, ScaledRotation], count: int) -> Array:
    """The logarithm [n] of every row's scale with the least sum of absolute differences to the pairs'; their median is
    0."""
    links = [(a, b, fit.log_scale) for (a, b), fit in fits.items() if fit.covers]
    a, b = (np.array([link[k] for link in links], np.int64) for k in (0, 1))
    design = np.zeros((len(links) + 1, count))
    design[np.arange(len(links)), a], design[np.arange(len(links)), b] = -1.0, 1.0
    design[-1] = 1.0
    wanted, weights = np.array([*(link[2] for link in links), 0.0]), np.ones(len(links) + 1)
    for _ in range(LINK_ROUNDS):
        scales = np.linalg.lstsq(design * weights[:, None], wanted * weights, rcond=None)[0]
        weights = 1 / np.sqrt(np.maximum(np.abs(design @ scales - wanted), LINK_FLOOR))
    return np.asarray(scales - np.median(scales), np.float64)
