"""How often a window is mapped while its lens is learnt, and what comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.mapping.calibration import Calibration
from da3_stream.predictors.sfm.mapping.solve import MAP_AGAIN, Solution, Solver
from da3_stream.predictors.sfm.matching.correspondences import Correspondences
from da3_stream.predictors.sfm.processes.workers import Workers
from tests.predictors.sfm.mapping.walks import COUNT, LENS, SIZE, check_poses, pictures, seen_matches


class CountingWorkers:
    """Does the work at once, and counts it by name."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        self.done[work.__name__] += 1
        future = Future[Any]()
        future.set_result(work(*args))
        return future


def solved(true_lens: Lens, calibration: Calibration, noise_px: float = 0.3) -> tuple[Solution, Counter[str]]:
    xy, ids = pictures(true_lens)
    rng = np.random.default_rng(5)
    noisy = [(points + rng.normal(0, noise_px, points.shape)).astype(np.float32) for points in xy]
    found = Correspondences(noisy, [len(points) for points in noisy], seen_matches(ids))
    workers = CountingWorkers()
    return Solver(cast(Workers, workers), found, SIZE).solve(calibration), workers.done


@pytest.mark.slow
@pytest.mark.parametrize(("more", "maps"), [(MAP_AGAIN, 2), (10.0, 1)])
def test_a_focal_length_far_from_the_guess_costs_a_second_map_only_where_pairs_tell_more(
    monkeypatch: pytest.MonkeyPatch, more: float, maps: int
) -> None:
    """This walk turns much, and pairs that turn tell less under a wrong focal length; it is learnt all the same."""
    monkeypatch.setattr("da3_stream.predictors.sfm.mapping.solve.MAP_AGAIN", more)
    guess = replace(LENS, fx=1.3 * LENS.fx, fy=1.3 * LENS.fy)
    solution, done = solved(LENS, Calibration.from_guess(guess).without_distortion())
    assert solution.lens.fx == pytest.approx(LENS.fx, rel=0.01)
    check_poses(solution.models[0], 0.01)
    assert len(solution.models[0].rows) == COUNT
    assert done["map_window"] == maps
    assert done["verify_chunk"] == 2  # with the guess, and with what the map found


@pytest.mark.slow
def test_a_distortion_that_is_noise_is_refined_away_and_not_mapped_again() -> None:
    solution, done = solved(LENS, Calibration.from_known(LENS))
    assert solution.lens == LENS
    assert solution.calibration.doubts == 1
    assert (done["map_window"], done["refine_models"]) == (1, 1)
    check_poses(solution.models[0], 0.01)


@pytest.mark.slow
def test_a_distortion_that_is_there_is_kept() -> None:
    bent = replace(LENS, k1=-0.06)
    solution, done = solved(bent, Calibration.from_known(LENS))
    assert solution.lens.shift_px(SIZE) == pytest.approx(bent.shift_px(SIZE), abs=0.5)
    assert solution.calibration.free.radial and solution.calibration.doubts == 0
    assert (done["map_window"], done["refine_models"]) == (1, 0)


@pytest.mark.slow
def test_a_frozen_lens_is_mapped_with_once() -> None:
    solution, done = solved(LENS, Calibration.from_known(LENS).freeze())
    assert solution.lens == LENS
    assert (done["map_window"], done["refine_models"], done["verify_chunk"]) == (1, 0, 1)
