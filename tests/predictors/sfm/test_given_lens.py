"""What is given of the lens begins the calibration, at whatever size images are worked on, and is told as it came."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.geometry import intrinsics_matrix
from da3_stream.geometry.lens import Lens, LensEstimate
from da3_stream.predictors.sfm.given_lens import GivenLens
from da3_stream.predictors.sfm.mapping.lens_advice import lens_advice
from da3_stream.predictors.sfm.mapping.sparse_model import FreeLens
from da3_stream.types import AdviceCode

K = intrinsics_matrix(500.0, 510.0, 320.0, 240.0)
SIZE, WORKED_ON = (640, 480), (320, 240)


def test_a_given_k_comes_back_at_the_size_that_it_was_given_at() -> None:
    given = GivenLens(K, SIZE, radial=True)
    start = given.calibration(WORKED_ON)
    np.testing.assert_allclose(start.lens.matrix(), K * [[0.5], [0.5], [1.0]])
    assert start.focal_given and not start.free.focal and start.free.radial
    told = given.summary(start, WORKED_ON)
    assert told["given"] and told["focal_px"] == pytest.approx([500.0, 510.0])


def test_without_k_the_focal_length_is_free_and_the_radial_term_only_where_it_is_asked_for() -> None:
    free, pinhole = (GivenLens(None, SIZE, radial).calibration(WORKED_ON).free for radial in (True, False))
    assert (free.focal, free.radial) == (True, True)
    assert (pinhole.focal, pinhole.radial) == (True, False)


def test_only_a_k_of_another_size_is_asked_about() -> None:
    assert GivenLens(K, (1280, 960), radial=True).size_advice((0, 9))
    assert not GivenLens(K, SIZE, radial=True).size_advice((0, 9))
    assert not GivenLens(None, (1280, 960), radial=True).size_advice((0, 9))


def test_a_guess_is_improved_on_and_weighs_as_much_as_it_is_sure() -> None:
    given = GivenLens(K, SIZE, radial=True, focal_sigma=0.05)
    start = given.calibration(WORKED_ON)
    assert not start.focal_given and start.free.focal and start.lens.fx == 250.0
    told = given.summary(start, WORKED_ON)
    assert not told["given"] and told["focal_sigma_px"] == pytest.approx(25.0)  # 5 % of 500
    sure = LensEstimate(Lens(275.0, 280.5, 160.0, 120.0), focal_sigma=1.0, k1_sigma=0.0)
    better = start.update(sure, FreeLens(focal=True, radial=False), WORKED_ON)
    assert 270 < better.lens.fx < 275 and better.lens.fy / better.lens.fx == pytest.approx(1.02)
    assert not given.size_advice((0, 9)) and not GivenLens(K, (1280, 960), True, 0.05).size_advice((0, 9))


def test_a_guess_is_no_lens_that_was_not_observed() -> None:
    guess, nothing = (GivenLens(k, SIZE, True, sigma).calibration(WORKED_ON) for k, sigma in ((K, 0.05), (None, None)))
    said = [lens_advice(None, (), start, start.lens, range(10), WORKED_ON) for start in (guess, nothing)]
    assert not said[0] and said[1][0].code == AdviceCode.LENS_NOT_OBSERVED
