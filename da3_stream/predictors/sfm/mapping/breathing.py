"""A camera that stands or turns while its images grow and shrink a little, and while something moves before it.

Focus breathing, stabilisation and slow digital zooms scale images about their middle: two frames differ by a rotation
times one scale, the same at every depth. What moves by itself covers a part of the picture, but not its rim all
around. Both are undone here, so that turns are found in what is left. Towards a flat wall a camera that moves sees the
same for a while, so the scales are bounded over the whole window.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from ..matching.pairs import Matches, TwoView
from ..matching.stillness import cell_numbers
from .scaled_rotations import distances_left, fit_scaled_rotations
from .turning import BLURRED_PX, MATCHES, MIN_MATCHES, PARALLAX_PX, Pair

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
    if _steady_share(fits.values()) < STEADY_PAIRS:
        return None
    fits |= {pair: _fit(xy, pair, matches[pair], lens, size) for pair in pairs if pair not in fits}
    scales = _row_scales(fits, len(xy))
    agreeing = {(a, b): fit for (a, b), fit in fits.items() if abs(fit.log_scale - scales[b] + scales[a]) < SAME_SCALE}
    if _steady_share(agreeing.values()) * len(agreeing) < STEADY_PAIRS * len(fits) or np.ptp(scales) > MOST_SCALE:
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
    found = {pair: _fit(xy, pair, matches[pair], lens, size) for pair in sample}
    explained = [fit.explained.mean() for fit in found.values()]
    if not found or np.mean(explained) + _steady_share(found.values()) < WORTH_A_SEARCH:
        return lens
    others = [replace(lens, fx=f * size[0], fy=f * size[0] * lens.fy / lens.fx) for f in FOCALS]
    fits = [[fit, *_fits(xy, pair, matches[pair], others, size)] for pair, fit in found.items()]
    return [lens, *others][int(np.argmax([_closeness(of_lens) for of_lens in zip(*fits, strict=True)]))]


def _closeness(fits: Sequence[ScaledRotation]) -> float:
    return float(np.mean([fit.close for fit in fits])) + _steady_share(fits)


def _told(matches: Mapping[Pair, Matches]) -> list[Pair]:
    return sorted(pair for pair, of_pair in matches.items() if len(of_pair) >= MIN_MATCHES)


def _sample(pairs: list[Pair]) -> list[Pair]:
    return pairs[:: max(1, len(pairs) // SAMPLED)]


def _fit(xy: Sequence[Points], pair: Pair, matches: Matches, lens: Lens, size: tuple[int, int]) -> ScaledRotation:
    return _fits(xy, pair, matches, [lens], size)[0]


def _fits(
    xy: Sequence[Points], pair: Pair, matches: Matches, lenses: Sequence[Lens], size: tuple[int, int]
) -> list[ScaledRotation]:
    """What rotations and scales explain of a pair under each lens."""
    first, second = (xy[row][matches[:, k]] for k, row in enumerate(pair))
    weights, cells = cell_weights(first, size), _cells(first, size)
    if weights is None:
        return [ScaledRotation(0.0, np.zeros(len(matches), np.bool_), covers=False)] * len(lenses)
    focals, some = np.array([lens.fx for lens in lenses]), slice(None, None, -(-len(matches) // MATCHES))
    here, there = (np.stack([lens.rays(points) for lens in lenses]) for points in (first, second))
    rotations, log_scales = fit_scaled_rotations(here[:, some], there[:, some], weights[some], BLURRED_PX / focals)
    left = focals[:, None] * distances_left(here, there, rotations, log_scales)
    return [_scaled_rotation(*of_lens, *cells) for of_lens in zip(log_scales, left, strict=True)]


def _scaled_rotation(
    log_scale: np.float64, left: Array, cell: NDArray[np.int64], count: NDArray[np.int64]
) -> ScaledRotation:
    """A pair by the distances in pixels [m] that are left of its matches, and the cells [m] that these lie in."""
    explained = left < BLURRED_PX
    share = np.bincount(cell, explained, minlength=len(count)) / np.maximum(count, 1)
    told = np.minimum(count, FULL_CELL)
    of_all, of_rim = (float(np.average(share > 0.5, weights=cells)) for cells in (told, told * _rim()))
    covers = of_all >= EXPLAINED and of_rim >= RIM_EXPLAINED
    return ScaledRotation(float(log_scale), explained, covers, float(np.mean(left < PARALLAX_PX)))


def cell_weights(xy: Points, size: tuple[int, int]) -> Array | None:
    """What each point [n,2] of an image of (width, height) counts, so that all of its cells do alike and those at the
    rim twice, since what moves by itself is rather in the middle; None without a point at the rim."""
    cell, count = _cells(xy, size)
    whole = 1.0 / count[cell]
    at_rim = np.where(_rim()[cell], whole, 0.0)
    return whole / whole.sum() + at_rim / at_rim.sum() if at_rim.any() else None


def _cells(xy: Points, size: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The cell of the picture that each point [n,2] lies in, and how many lie in every cell."""
    cell = cell_numbers(xy, size, CELLS)
    return cell, np.bincount(cell, minlength=CELLS[0] * CELLS[1])


def _rim() -> NDArray[np.bool_]:
    """Which cells lie at the picture's rim."""
    rim = np.ones(CELLS[::-1], np.bool_)
    rim[1:-1, 1:-1] = False
    return rim.ravel()


def _steady_share(fits: Collection[ScaledRotation]) -> float:
    """Share of the pairs that are explained."""
    return float(np.mean([fit.covers and abs(fit.log_scale) <= MOST_SCALE for fit in fits])) if fits else 0.0


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
