"""From correspondences to the models of a window: pairs are verified, mapped, the lens is estimated, and where the
models are doubtful others are tried."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens, LensEstimate
from ..matching.correspondences import Correspondences
from ..processes.workers import Workers
from .calibration import REDO_SHIFT, Calibration, focal_shift
from .global_mapping import map_window
from .parallax import parallax_px
from .quality import ModelQuality, assess_pair, assess_window
from .sparse_model import FreeLens, SparseModel, refine_models
from .two_view_witnesses import PosedRows, contradicted_rows
from .verified_pairs import TwoViews, VerifiedPairs

log = logging.getLogger(__name__)

FLOW_PARALLAX_PX = 1.5  # neighbours should differ by this much for their flow to tell depth
MAX_STRIDE = 8
OTHER_SEEDS = (1, 2)
MAP_AGAIN = 1.05  # times as many matches under the focal length that a map found, after which it is made again
MIN_ACROSS = 3  # pairs of images that match across two places: one alone may be an accident


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
        self._pairs = VerifiedPairs(workers, correspondences)

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
        limited = self._pairs.under(calibration.lens)
        return replace(
            solution,
            views=self._pairs.nearest(solution.lens),
            contradiction=limited.contradiction,
            near_contradiction=limited.of_neighbours,
            frames=self._correspondences.frames,
        )

    def solve_pair(self, calibration: Calibration, split_row: int) -> Solution:
        """Models of two places together, the second from `split_row` on, with a frozen lens.

        Where hardly an image of one matches one of the other nothing is mapped, and nothing else is tried: two models
        are an answer, too.
        """
        views = self._pairs.keypoints_of(self._pairs.verify(calibration.lens))
        across = sum(a < split_row <= b for a, b in views)
        models = self._map(views, calibration.lens, FreeLens()) if across >= MIN_ACROSS else []
        quality = assess_pair(models, self._count, split_row)
        note = f"{across} pairs match across the two places"
        return Solution(models, calibration.lens, quality, calibration, (note,), views)

    def keypoint_views(self, lens: Lens) -> TwoViews:
        """The verified pairs under a lens, with their SIFT keypoints only."""
        return self._pairs.keypoints(lens)

    def restricted_to(self, rows: NDArray[np.int64]) -> Solver:
        """A solver of some of the rows (ascending), counted anew, that need not verify their pairs again."""
        solver = Solver(self._workers, self._correspondences.rows(rows), self._size)
        solver._pairs = self._pairs.rows(rows, solver._correspondences)
        return solver

    def _solve_calibrating(self, calibration: Calibration) -> Solution:
        """Map with the lens free as far as it is not known; the models are refined with free what they determine."""
        lens, free = calibration.lens, calibration.free
        models = self._map_verified(lens, free)
        if not free:
            return self._solution(models, calibration)
        if (estimate := self._told_lens(models)) is None:  # a window that breaks cannot tell the lens
            return self._solution(self._map_verified(lens, FreeLens()), calibration)
        if self._verifies_better(estimate.lens, lens):
            again = self._map_verified(estimate.lens, free)
            models, estimate = (again, told) if (told := self._told_lens(again)) else (models, estimate)
        return self._settle_lens(models, estimate, calibration, free)

    def _settle_lens(
        self, models: list[SparseModel], estimate: LensEstimate, calibration: Calibration, free: FreeLens
    ) -> Solution:
        """The solution of models that estimate the lens with these parts free: what they determine stays so."""
        sure, known = calibration.determined(estimate, free, self._size, self._share)
        if sure == free:
            after = calibration.update(known, free, self._size)
            return Solution(models, known.lens, self._assess(models, known.lens), after)
        start = replace(estimate.lens, k1=calibration.lens.k1)
        refined = self._refine(models, start, sure) if sure else []
        if refined and refined[0].estimate is not None:
            return self._settle_lens(refined, refined[0].estimate, calibration, sure)
        return self._hold_lens(models, estimate, calibration.doubt(estimate, free, self._size, self._share))

    def _hold_lens(self, models: list[SparseModel], estimate: LensEstimate, calibration: Calibration) -> Solution:
        """The solution with the lens that is known, from models that estimate another one."""
        lens = calibration.lens
        if focal_shift(estimate.lens, lens) >= REDO_SHIFT:
            return self._solution(self._map_verified(lens, FreeLens()), calibration)
        return self._solution(self._refine(models, lens, FreeLens()), calibration)

    def _solution(self, models: list[SparseModel], calibration: Calibration) -> Solution:
        """The solution of models with the lens that is known."""
        after = calibration.update(None, FreeLens(), self._size) if models else calibration
        return Solution(models, calibration.lens, self._assess(models, calibration.lens), after)

    def _told_lens(self, models: list[SparseModel]) -> LensEstimate | None:
        """The lens that models with a free one tell; None where they leave doubts."""
        estimate = models[0].estimate if models else None
        return None if estimate is None or self._assess(models, estimate.lens).is_doubtful else estimate

    def _verifies_better(self, lens: Lens, before: Lens) -> bool:
        """Whether the pairs, verified with a focal length far from the one of before, tell clearly more."""
        if focal_shift(lens, before) < REDO_SHIFT:
            return False
        matches, matches_before = (
            sum(len(view.matches) for view in self._pairs.keypoints(each).values()) for each in (lens, before)
        )
        return matches > MAP_AGAIN * matches_before

    @property
    def _share(self) -> float:
        """Of the window's frames, those that are rows."""
        frames = self._correspondences.frame_of
        return float(self._count / (frames[-1] - frames[0] + 1))

    def _second_opinion(self, first: Solution) -> Solution:
        """Map once more with the tracks too and, if that leaves doubts, from other random starts and with tracks alone.

        The models of the lowest cost are taken, of equals the first.
        """
        views = self._pairs.under(first.lens).views
        keypoints, tracks = self._pairs.keypoints(first.lens), self._pairs.tracks(first.lens)
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

    def _map_verified(self, lens: Lens, free: FreeLens) -> list[SparseModel]:
        return self._map(self._pairs.keypoints(lens), lens, free)

    def _refine(self, models: list[SparseModel], lens: Lens, free: FreeLens) -> list[SparseModel]:
        return self._workers.submit(refine_models, self._correspondences.xy, models, lens, self._size, free).result()

    def _map(self, views: TwoViews, lens: Lens, free: FreeLens) -> list[SparseModel]:
        future = self._submit_map(views, lens, free)
        return [] if future is None else future.result()

    def _submit_map(
        self, views: TwoViews, lens: Lens, free: FreeLens, seed: int = 0
    ) -> Future[list[SparseModel]] | None:
        if not views:
            return None
        return self._workers.submit(map_window, self._correspondences.xy, views, lens, self._size, free, seed)
