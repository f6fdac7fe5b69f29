"""The lens is a mean over the windows that could tell, weighted by how sure they were, and then it is held."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.geometry.lens import Lens, LensEstimate
from da3_stream.predictors.sfm.mapping.calibration import CORNER_SIGMA_PX, PATIENCE, Calibration
from da3_stream.predictors.sfm.mapping.sparse_model import FreeLens

SIZE = (640, 480)
GUESS = Lens(550.0, 550.0, 320.0, 240.0)
BOTH = FreeLens(focal=True, radial=True)
FOCAL = FreeLens(focal=True)
RADIAL = FreeLens(radial=True)


def estimate(focal: float, k1: float = 0.0, focal_sigma: float = 1.0, k1_sigma: float = 1e-4) -> LensEstimate:
    """What a window may say of the lens."""
    return LensEstimate(replace(GUESS, fx=focal, fy=focal, k1=k1), focal_sigma, k1_sigma)


def after(start: Calibration, free: FreeLens, *estimates: LensEstimate) -> Calibration:
    for found in estimates:
        start = start.update(found, free, SIZE)
    return start


def test_the_first_window_that_can_tell_replaces_the_guess() -> None:
    lens = after(Calibration.from_guess(GUESS), BOTH, estimate(600.0, -0.1)).lens
    assert lens.fx == pytest.approx(600.0)
    assert lens.fy == pytest.approx(600.0)
    assert lens.k1 == pytest.approx(-0.1)


@given(st.floats(500, 700), st.floats(500, 700), st.floats(0.5, 20), st.floats(0.5, 20))
def test_the_order_of_windows_does_not_matter(first: float, second: float, sigma1: float, sigma2: float) -> None:
    a, b = estimate(first, -0.1, sigma1), estimate(second, 0.05, sigma2, 1e-3)
    forth, back = (after(Calibration.from_guess(GUESS), BOTH, *found).lens for found in ((a, b), (b, a)))
    assert forth.fx == pytest.approx(back.fx, rel=1e-9)
    assert forth.k1 == pytest.approx(back.k1, abs=1e-9)


def test_the_mean_lies_nearer_to_the_surer_window() -> None:
    focal = after(Calibration.from_guess(GUESS), FOCAL, estimate(500.0), estimate(600.0, focal_sigma=30.0)).lens.fx
    assert 500 < focal < 540
    sure, unsure = estimate(550.0, -0.1, k1_sigma=1e-3), estimate(550.0, 0.1, k1_sigma=0.1)
    assert -0.1 < after(Calibration.from_guess(GUESS), RADIAL, sure, unsure).lens.k1 < -0.05


def test_equally_sure_windows_count_alike() -> None:
    lens = after(Calibration.from_guess(GUESS), BOTH, *[estimate(550.0, k1) for k1 in (-0.3, 0.0, 0.06)]).lens
    assert lens.k1 == pytest.approx(-0.08)


def test_more_windows_make_the_lens_surer() -> None:
    one = after(Calibration.from_guess(GUESS), BOTH, estimate(600.0))
    two = after(one, BOTH, estimate(602.0))
    assert two.focal_weight > one.focal_weight > 0
    assert two.radial_weight > one.radial_weight > 0
    assert two.summary()["focal_sigma_px"] < one.summary()["focal_sigma_px"]


def test_uncertain_windows_are_not_believed() -> None:
    calibration = Calibration.from_guess(GUESS)
    assert calibration.accepts(estimate(600.0), BOTH, SIZE)
    assert not calibration.accepts(estimate(600.0, focal_sigma=600.0), BOTH, SIZE)
    assert not calibration.accepts(estimate(600.0, focal_sigma=600.0), FOCAL, SIZE)
    assert not calibration.accepts(estimate(600.0, k1_sigma=1.0), BOTH, SIZE)
    assert not calibration.accepts(estimate(600.0, k1_sigma=1.0), RADIAL, SIZE)
    assert not calibration.accepts(None, BOTH, SIZE)


def test_fewer_views_alone_make_no_window_less_sure() -> None:
    calibration = Calibration.from_guess(GUESS)
    sigma = 1.5 * CORNER_SIGMA_PX / estimate(600.0, k1_sigma=1.0).corner_sigma_px(SIZE)
    assert not calibration.accepts(estimate(600.0, k1_sigma=sigma), BOTH, SIZE)
    assert calibration.accepts(estimate(600.0, k1_sigma=sigma), BOTH, SIZE, share=1 / 3)
    assert not calibration.accepts(estimate(600.0, k1_sigma=2 * sigma), BOTH, SIZE, share=1 / 3)


def test_a_window_without_freedom_needs_no_estimate() -> None:
    assert Calibration.from_guess(GUESS).accepts(None, FreeLens(), SIZE)


def test_what_was_not_free_does_not_move() -> None:
    given = Calibration.from_known(GUESS)
    found = estimate(700.0, -0.1)
    assert after(given, RADIAL, found).lens == replace(GUESS, k1=-0.1)
    focal_only = after(Calibration.from_guess(GUESS), FOCAL, found).lens
    assert focal_only.fx == pytest.approx(700.0)
    assert focal_only.k1 == 0.0
    assert given.update(None, FreeLens(), SIZE).lens == GUESS


def test_a_given_k_is_never_tried_free() -> None:
    given = Calibration.from_known(GUESS)
    assert given.free == RADIAL
    assert given.without_distortion().free == FreeLens()
    assert given.without_distortion().is_frozen
    assert given.summary()["focal_known"]


def test_a_window_determines_all_the_focal_length_or_nothing() -> None:
    calibration = replace(Calibration.from_guess(GUESS), lens=replace(GUESS, k1=0.1))
    sure = estimate(600.0, 0.2)
    assert calibration.determined(sure, BOTH, SIZE) == (BOTH, sure)
    unsure = LensEstimate(sure.lens, 20.0, 1.0, correlation=0.9)
    free, known = calibration.determined(unsure, BOTH, SIZE)
    assert free == FOCAL
    assert known.lens.k1 == 0.1
    assert known.lens.fx == pytest.approx(600.0 - 0.9 * 20.0 / 1.0 * 0.1)
    assert known.focal_sigma == pytest.approx(20.0 * (1 - 0.9**2) ** 0.5)
    assert calibration.determined(estimate(600.0, focal_sigma=300.0, k1_sigma=1.0), BOTH, SIZE)[0] == FreeLens()
    assert calibration.determined(estimate(600.0, k1_sigma=1.0), RADIAL, SIZE)[0] == FreeLens()


def test_the_focal_ratio_of_the_axes_is_kept() -> None:
    stretched = replace(GUESS, fy=275.0)
    lens = after(Calibration.from_guess(stretched), FOCAL, estimate(600.0), estimate(580.0)).lens
    assert lens.fx / lens.fy == pytest.approx(2.0)


def test_the_lens_is_held_once_patience_is_spent() -> None:
    calibration = Calibration.from_guess(GUESS)
    for window in range(PATIENCE):
        assert not calibration.is_frozen, window
        calibration = calibration.update(estimate(600.0 + window), BOTH, SIZE)
    assert calibration.is_frozen
    assert calibration.update(None, FreeLens(), SIZE).lens == calibration.lens


def test_a_focal_length_that_no_window_could_tell_is_said_to_be_a_guess() -> None:
    calibration = Calibration.from_guess(GUESS).update(None, FreeLens(), SIZE)
    summary = calibration.summary()
    assert not summary["focal_known"]
    assert summary["focal_sigma_px"] is None
    assert summary["focal_px"] == [550.0, 550.0]


def left_over(shift_px: float, sigma_px: float = 0.3) -> LensEstimate:
    """What a window finds of the distortion that a calibration left over, by the shift of the corner."""
    k1 = shift_px / GUESS.corner_gradient(SIZE)
    return LensEstimate(replace(GUESS, k1=k1), 0.0, sigma_px / GUESS.corner_gradient(SIZE))


def test_a_calibration_without_distortion_is_not_given_one_by_noise() -> None:
    known, free = Calibration.from_known(GUESS), FreeLens(radial=True)
    for shift in (0.7, -0.6):
        sure, _ = known.determined(left_over(shift), free, SIZE)
        assert not sure
        known = known.doubt(left_over(shift), free, SIZE, 1.0)
    assert known.lens == GUESS and known.is_frozen


def test_a_distortion_that_windows_agree_on_is_believed() -> None:
    known, free = Calibration.from_known(GUESS), FreeLens(radial=True)
    sure, estimate = known.determined(left_over(6.0), free, SIZE)
    assert sure == free
    learnt = known.update(estimate, free, SIZE)
    assert learnt.lens.shift_px(SIZE) == pytest.approx(6.0) and not learnt.is_frozen
    faint = left_over(2.2)
    assert not known.determined(faint, free, SIZE)[0]
    again = known.doubt(faint, free, SIZE, 1.0)
    assert again.lens == GUESS and again.determined(faint, free, SIZE)[0] == free
    assert again.update(faint, free, SIZE).lens.shift_px(SIZE) == pytest.approx(2.2)
