"""One window solved: pairs verified, mapped, the lens learnt from it, a second opinion where it looks bad."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ....geometry.lens import Lens
from ..matching.correspondences import Correspondences
from ..matching.pairs import MIN_INLIERS, TwoView, only, verify_chunk
from ..processes.workers import Piece, Workers, chunks
from .calibration import REDO_SHIFT, Calibration
from .global_mapping import FreeLens, SparseModel, map_window
from .quality import Verdict, judge, judge_tie

log = logging.getLogger(__name__)

PAIRS_PER_PIECE = 64
FLOW_PARALLAX_PX = 1.5  # neighbours should differ by this much for their flow to tell depth
MAX_STRIDE = 8
OTHER_SEEDS = (1, 2)
MIN_ACROSS = 3  # pictures of two places that match across: one pair alone may be an accident

Views = dict[tuple[int, int], TwoView]


@dataclass(frozen=True, eq=False)
class Solution:
    """What a window came to: models, the lens they hold for, the verdict on them, and what was learnt of the lens."""

    models: list[SparseModel]
    lens: Lens
    verdict: Verdict
    calibration: Calibration
    notes: tuple[str, ...] = ()

    def flow_offsets(self) -> tuple[int, ...]:
        """Neighbours for dense depth: +-1 and +-2 steps, steps of several frames where the camera is slow."""
        if not self.models:
            return ()
        parallax = self._parallax_px
        wanted = FLOW_PARALLAX_PX / max(parallax, 1e-6)
        stride = int(np.clip(2 ** np.ceil(np.log2(max(wanted, 1.0))), 1, MAX_STRIDE))
        return (-2 * stride, -stride, stride, 2 * stride)

    @cached_property
    def _parallax_px(self) -> float:
        """Median distance in pixels by which a frame's own translation moves its points in the next frame."""
        model = self.models[0]
        moves = [_translation_px(model, i, self.lens) for i in range(len(model.rows) - 1)]
        return float(np.median(moves)) if moves else 0.0


def _translation_px(model: SparseModel, i: int, lens: Lens) -> float:
    if not len(model.seen[i]):
        return 0.0
    next_from_camera = np.linalg.inv(model.model_from_camera[i + 1]) @ model.model_from_camera[i]
    camera_from_model = np.linalg.inv(model.model_from_camera[i])
    points = model.points[model.seen[i][:, 1]] @ camera_from_model[:3, :3].T + camera_from_model[:3, 3]
    turned = points @ next_from_camera[:3, :3].T
    moved = turned + next_from_camera[:3, 3]
    front = (turned[:, 2] > 0) & (moved[:, 2] > 0)
    shift = moved[front, :2] / moved[front, 2:] - turned[front, :2] / turned[front, 2:]
    return float(np.median(np.linalg.norm(shift, axis=1)) * lens.fx) if front.any() else 0.0


class Solver:
    """One window's correspondences and the workers that look at them.

    SIFT key points alone come first: they are the most precise, because a track creeps along what it follows and is
    carried away by cars. Where their models ring an alarm, key points and tracks together and tracks alone are asked.
    """

    def __init__(self, workers: Workers, correspondences: Correspondences, size: tuple[int, int]) -> None:
        self._workers, self._found, self._size = workers, correspondences, size
        self._verified: dict[Lens, Views] = {}

    def solve(self, calibration: Calibration) -> Solution:
        """The best models of the window; the calibration moves on if the window could tell."""
        solution = self._calibrated(calibration)
        if not solution.verdict.alarm:
            return solution
        return self._second_opinion(solution)

    def tie(self, calibration: Calibration, split_row: int) -> Solution:
        """Two places seen together, the second from `split_row` on, under a lens that is held.

        Where hardly a picture of one matches one of the other nothing is mapped, and no second opinion is asked: two
        places that fall apart are an answer.
        """
        views = self._key_points(self._verify(calibration.lens))
        across = sum(a < split_row <= b for a, b in views)
        models = self._map(views, calibration.lens, FreeLens()) if across >= MIN_ACROSS else []
        verdict = judge_tie(models, len(self._found.xy), split_row)
        note = f"{across} pairs match across the two places"
        return Solution(models, calibration.lens, verdict, calibration, (note,))

    def _calibrated(self, calibration: Calibration) -> Solution:
        """Map with the boldest freedom for the lens that the window can support; the last try is a held lens."""
        views = self._verify(calibration.lens)
        *bold, last = calibration.tries()
        for free in bold:
            models, lens = self._map_free(views, calibration.lens, free)
            verdict = judge(models, len(self._found.xy))
            estimate = models[0].estimate if models else None
            # a window that breaks cannot tell the lens
            if estimate is not None and not verdict.alarm and calibration.believes(estimate, free, self._size):
                return Solution(models, estimate.lens, verdict, calibration.learnt(estimate, free, self._size))
        models = self._map(self._key_points(views), calibration.lens, last)
        told = calibration.learnt(None, last, self._size) if models else calibration
        return Solution(models, calibration.lens, judge(models, len(self._found.xy)), told)

    def _map_free(self, views: Views, lens: Lens, free: FreeLens) -> tuple[list[SparseModel], Lens]:
        """Map; if the focal length moves far, verify the pairs again with it and map once more."""
        models = self._map(self._key_points(views), lens, free)
        estimate = models[0].estimate if models else None
        if estimate is None or abs(np.log(estimate.lens.fx / lens.fx)) < REDO_SHIFT:
            return models, lens
        return self._map(self._key_points(self._verify(estimate.lens)), estimate.lens, free), estimate.lens

    def _second_opinion(self, first: Solution) -> Solution:
        """Map once more from other random starts, with the tracks too, and with them alone.

        The opinion with the fewest faults is taken, of equals the first.
        """
        views = self._verify(first.lens)
        key_points, tracks = self._key_points(views), only(views, self._found.tracked_from, tracked=True)
        starts = {f"key points again ({seed})": (key_points, seed) for seed in OTHER_SEEDS}
        asked = {**starts, "key points and tracks": (views, 0), "tracks": (tracks, 0)}
        jobs = {name: self._submit_map(kept, first.lens, FreeLens(), seed) for name, (kept, seed) in asked.items()}
        others = {name: job.result() for name, job in jobs.items() if job is not None}
        opinions = {"key points": first.models, **others}
        verdicts = {name: judge(models, len(self._found.xy)) for name, models in opinions.items()}
        best = min(verdicts, key=lambda name: verdicts[name].cost)
        note = f"second opinion: {best} ({', '.join(f'{n} {v.cost:.1f}' for n, v in verdicts.items())})"
        log.info(note)
        return Solution(opinions[best], first.lens, verdicts[best], first.calibration, (note,))

    def _key_points(self, views: Views) -> Views:
        return only(views, self._found.tracked_from, tracked=False)

    def _verify(self, lens: Lens) -> Views:
        """The pairs that hold under a lens, looked at once for each lens."""
        if lens not in self._verified:
            self._verified[lens] = self._verify_all(lens)
        return self._verified[lens]

    def _verify_all(self, lens: Lens) -> Views:
        """Epipolar geometry of all pairs, in pieces over the workers."""
        pairs = [pair for pair, found in self._found.matches.items() if len(found) >= MIN_INLIERS]
        pieces = []
        for chunk in chunks(sorted(pairs, key=lambda pair: pair[1]), PAIRS_PER_PIECE):
            rows = {row for pair in chunk for row in pair}
            matches = {pair: self._found.matches[pair] for pair in chunk}
            pieces.append(self._workers.submit(verify_chunk, {row: self._found.xy[row] for row in rows}, matches, lens))
        return {pair: view for piece in pieces for pair, view in piece.result().items()}

    def _map(self, views: Views, lens: Lens, free: FreeLens) -> list[SparseModel]:
        job = self._submit_map(views, lens, free)
        return [] if job is None else job.result()

    def _submit_map(self, views: Views, lens: Lens, free: FreeLens, seed: int = 0) -> Piece[list[SparseModel]] | None:
        if not views:
            return None
        return self._workers.submit(map_window, self._found.xy, views, lens, self._size, free, seed)
