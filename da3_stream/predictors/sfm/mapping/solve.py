"""From correspondences to the models of a window: pairs are verified, mapped, the lens is estimated, and where the
models are doubtful others are tried."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from ..matching.consistency import Limited, limit_far_pairs
from ..matching.correspondences import Correspondences
from ..matching.pairs import MIN_INLIERS, TwoView, restrict_to_kind, verify_chunk
from ..processes.workers import Workers, chunks
from .calibration import REDO_SHIFT, Calibration
from .global_mapping import FreeLens, SparseModel, map_window
from .parallax import parallax_px
from .quality import ModelQuality, assess_pair, assess_window
from .two_view_witnesses import PosedRows, contradicted_rows

log = logging.getLogger(__name__)

PAIRS_PER_PIECE = 64
FLOW_PARALLAX_PX = 1.5  # neighbours should differ by this much for their flow to tell depth
MAX_STRIDE = 8
OTHER_SEEDS = (1, 2)
LENS_MAPS = 2  # of a window while the lens is learnt
MIN_ACROSS = 3  # pairs of images that match across two places: one alone may be an accident

TwoViews = dict[tuple[int, int], TwoView]


@dataclass(frozen=True, eq=False)
class ThinGaps:
    """Frames [n] of a window before which, or after which, too few points hold its key frames together."""

    frames: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Solution:
    """Models of a window, the lens they hold for, their quality, and the calibration after the window.

    `views` are the pairs verified with the lens nearest to it, `others` the models of second opinions. For every row,
    `contradiction` is the share of what its verified pairs told that nearer ones contradicted, and
    `near_contradiction` that of the pairs with its neighbours, which tracks contradicted.
    """

    models: list[SparseModel]
    lens: Lens
    quality: ModelQuality
    calibration: Calibration
    notes: tuple[str, ...] = ()
    views: TwoViews = field(default_factory=dict)
    others: tuple[list[SparseModel], ...] = ()
    contradiction: NDArray[np.float64] | None = None  # [N]
    near_contradiction: NDArray[np.float64] | None = None  # [N]
    frames: NDArray[np.int64] | None = None  # [N], which frame of the window each row is; None: every frame is a row

    def flow_stride(self) -> int:
        """How many frames apart neighbours for dense depth are: several where the camera is slow. 0 without models."""
        if not self.models:
            return 0
        parallax = parallax_px(self.models[0], self.lens, self.frames)
        wanted = FLOW_PARALLAX_PX / max(parallax, 1e-6)
        return int(np.clip(2 ** np.ceil(np.log2(max(wanted, 1.0))), 1, MAX_STRIDE))


class Solver:
    """Solves one window from its correspondences, on the workers.

    SIFT keypoints alone come first: they are the most precise, because a track creeps along what it follows and is
    carried away by cars. Where their models are doubtful, keypoints and tracks together and tracks alone are tried.
    """

    def __init__(self, workers: Workers, correspondences: Correspondences, size: tuple[int, int]) -> None:
        self._workers, self._correspondences, self._size = workers, correspondences, size
        self._verified: dict[Lens, Limited] = {}

    def solve(self, calibration: Calibration) -> Solution:
        """The best models of the window, and the calibration after it."""
        solution = self._solve_calibrating(calibration)
        if solution.quality.is_doubtful:
            solution = self._second_opinion(solution)
        return self._with_verification(solution, calibration)

    def solve_undoubted(self, calibration: Calibration) -> Solution | ThinGaps | None:
        """The same where keypoints alone leave no doubt, else None: nothing else is tried. Where a gap between key
        frames is bridged by too few points, the frames beside it."""
        solution = self._solve_calibrating(calibration)
        if solution.quality.is_doubtful:
            return None
        thin = solution.quality.thin_gaps(self._correspondences.frame_of)
        return ThinGaps(thin) if len(thin) else self._with_verification(solution, calibration)

    def _with_verification(self, solution: Solution, calibration: Calibration) -> Solution:
        """The solution with what is known of the pairs that it explains."""
        limited = self._verified[calibration.lens]
        return replace(
            solution,
            views=self._verified[self._nearest_verified(solution.lens)].views,
            contradiction=limited.contradiction,
            near_contradiction=limited.of_neighbours,
            frames=self._correspondences.frames,
        )

    def solve_pair(self, calibration: Calibration, split_row: int) -> Solution:
        """Models of two places together, the second from `split_row` on, with a frozen lens.

        Where hardly an image of one matches one of the other nothing is mapped, and nothing else is tried: two models
        are an answer, too.
        """
        views = self._keypoints_only(self._verify_all(calibration.lens))
        across = sum(a < split_row <= b for a, b in views)
        models = self._map(views, calibration.lens, FreeLens()) if across >= MIN_ACROSS else []
        quality = assess_pair(models, self._count, split_row)
        note = f"{across} pairs match across the two places"
        return Solution(models, calibration.lens, quality, calibration, (note,), views)

    def _nearest_verified(self, lens: Lens) -> Lens:
        """Of the lenses that pairs were verified with the one whose focal length is nearest."""
        return min(self._verified, key=lambda other: abs(np.log(other.fx / lens.fx)))

    def keypoint_views(self, lens: Lens) -> TwoViews:
        """The verified pairs under a lens, with their SIFT keypoints only."""
        return self._keypoints_only(self._verify(lens))

    def restricted_to(self, rows: NDArray[np.int64]) -> Solver:
        """A solver of some of the rows (ascending), counted anew, that need not verify their pairs again."""
        solver = Solver(self._workers, self._correspondences.rows(rows), self._size)
        solver._verified = {lens: limited.rows(rows) for lens, limited in self._verified.items()}
        return solver

    def _solve_calibrating(self, calibration: Calibration) -> Solution:
        """Map with the lens free as far as the window determines it, else with the one that is known.

        The first map tells what is determined. Where that is less than was free, or the focal length moved far, a
        second one is made from there: no more, as each takes as long as all else in a window. What these leave open
        costs another one, with the lens that is known.
        """
        lens, free = calibration.lens, calibration.free
        for attempt in range(LENS_MAPS if free else 0):
            models = self._map(self._keypoints_only(self._verify(lens)), lens, free)
            estimate = models[0].estimate if models else None
            if estimate is None or (quality := self._assess(models, estimate.lens)).is_doubtful:
                break  # a window that breaks cannot tell the lens
            sure, known = calibration.determined(estimate, free, self._size, self._share)
            is_far = abs(np.log(known.lens.fx / lens.fx)) >= REDO_SHIFT
            if sure and sure == free and (attempt or not is_far):
                after = calibration.update(known, free, self._size)
                return Solution(models, known.lens, quality, after, views=self._verify(lens))
            if not sure:
                calibration = calibration.doubt(estimate, free, self._size, self._share)
                break
            lens, free = known.lens if is_far else calibration.lens, sure
        views = self._verify(calibration.lens)
        models = self._map(self._keypoints_only(views), calibration.lens, FreeLens())
        after = calibration.update(None, FreeLens(), self._size) if models else calibration
        return Solution(models, calibration.lens, self._assess(models, calibration.lens), after, views=views)

    @property
    def _share(self) -> float:
        """Of the window's frames, those that are rows."""
        frames = self._correspondences.frame_of
        return float(self._count / (frames[-1] - frames[0] + 1))

    def _second_opinion(self, first: Solution) -> Solution:
        """Map once more with the tracks too and, if that leaves doubts, from other random starts and with tracks alone.

        The models of the lowest cost are taken, of equals the first.
        """
        views = self._verify(first.lens)
        keypoints, tracks = self._keypoints_only(views), self._tracks_only(views)
        starts = {f"key points again ({seed})": (keypoints, seed) for seed in OTHER_SEEDS}
        opinions, qualities = {"key points": first.models}, {"key points": first.quality}
        for tries in ({"key points and tracks": (views, 0)}, {**starts, "tracks": (tracks, 0)}):
            others = self._map_each(tries, first.lens)
            opinions |= others
            qualities |= {name: self._assess(models, first.lens) for name, models in others.items()}
            best = min(qualities, key=lambda name: qualities[name].cost)
            if not qualities[best].is_doubtful:
                break
        note = f"second opinion: {best} ({', '.join(f'{n} {q.cost:.1f}' for n, q in qualities.items())})"
        log.info(note)
        rest = tuple(models for name, models in opinions.items() if name != best)
        return Solution(opinions[best], first.lens, qualities[best], first.calibration, (note,), views, rest)

    def _map_each(self, tries: Mapping[str, tuple[TwoViews, int]], lens: Lens) -> dict[str, list[SparseModel]]:
        """The models of each try, verified pairs and a seed, where there are pairs; all at once."""
        futures = {name: self._submit_map(kept, lens, FreeLens(), seed) for name, (kept, seed) in tries.items()}
        return {name: future.result() for name, future in futures.items() if future is not None}

    def _assess(self, models: list[SparseModel], lens: Lens) -> ModelQuality:
        """The quality of a window's models, with what the tracks say of the largest one."""
        if not models:
            return assess_window(models, self._count, frames=self._correspondences.frames)
        poses, found = np.full((self._count, 4, 4), np.nan), self._correspondences
        poses[models[0].rows] = models[0].model_from_camera
        rows = PosedRows.of(poses, (), [lens.undistort(xy) for xy in found.xy], lens)
        contradicted = contradicted_rows(rows, found.matches, found.tracked_from)
        return assess_window(models, self._count, contradicted, found.frames)

    @property
    def _count(self) -> int:
        """Frames of the window."""
        return len(self._correspondences.xy)

    def _keypoints_only(self, views: TwoViews) -> TwoViews:
        return restrict_to_kind(views, self._correspondences.tracked_from, tracked=False)

    def _tracks_only(self, views: TwoViews) -> TwoViews:
        return restrict_to_kind(views, self._correspondences.tracked_from, tracked=True)

    def _verify(self, lens: Lens) -> TwoViews:
        """The pairs that one epipolar geometry explains with this lens and no nearer pair contradicts, computed once
        for each lens."""
        if lens not in self._verified:
            found = self._correspondences
            views = self._verify_all(lens)
            limited = self._workers.submit(limit_far_pairs, found.xy, found.tracked_from, found.matches, views, lens)
            self._verified[lens] = limited.result()
        return self._verified[lens].views

    def _verify_all(self, lens: Lens) -> TwoViews:
        """Epipolar geometry of all pairs, in pieces over the workers."""
        xy, matches = self._correspondences.xy, self._correspondences.matches
        pairs = [pair for pair, matched in matches.items() if len(matched) >= MIN_INLIERS]
        futures = []
        for chunk in chunks(sorted(pairs, key=lambda pair: pair[1]), PAIRS_PER_PIECE):
            points = {row: xy[row] for row in {row for pair in chunk for row in pair}}
            futures.append(self._workers.submit(verify_chunk, points, {pair: matches[pair] for pair in chunk}, lens))
        return {pair: view for future in futures for pair, view in future.result().items()}

    def _map(self, views: TwoViews, lens: Lens, free: FreeLens) -> list[SparseModel]:
        future = self._submit_map(views, lens, free)
        return [] if future is None else future.result()

    def _submit_map(
        self, views: TwoViews, lens: Lens, free: FreeLens, seed: int = 0
    ) -> Future[list[SparseModel]] | None:
        if not views:
            return None
        return self._workers.submit(map_window, self._correspondences.xy, views, lens, self._size, free, seed)
