"""What is given of the lens begins the calibration, at whatever size images are worked on, and is told as it came."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.geometry import intrinsics_matrix
from da3_stream.predictors.sfm.given_lens import GivenLens

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
