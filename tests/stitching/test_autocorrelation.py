"""The variance of a mean: honest for errors that are independent and for errors that drift."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.stitching.autocorrelation import mean_variance


def process(rng: np.random.Generator, count: int, correlation: float) -> np.ndarray:
    """A first-order process [count,3] of variance 1."""
    out = rng.normal(size=(count, 3))
    for row in range(1, count):
        out[row] = correlation * out[row - 1] + np.sqrt(1 - correlation**2) * out[row]
    return out


@pytest.mark.parametrize("count", [12, 24, 60])
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.7, 0.9])
def test_the_mean_is_as_far_off_as_its_variance_says(count: int, correlation: float) -> None:
    rng = np.random.default_rng(0)
    energies = []
    for _ in range(60):
        series = process(rng, count, correlation)
        energies.append(np.square(series.mean(axis=0)).mean() / mean_variance(series))
    assert 0.3 < np.mean(energies) < 3.0


@pytest.mark.slow
@given(st.integers(0, 1000), st.floats(1e-6, 1e6))
def test_the_variance_goes_with_the_square_of_the_unit(seed: int, unit: float) -> None:
    series = process(np.random.default_rng(seed), 10, 0.5)
    assert mean_variance(unit * series) == pytest.approx(unit**2 * mean_variance(series), rel=1e-9)


@pytest.mark.slow
@given(st.integers(0, 1000))
def test_time_may_run_backwards(seed: int) -> None:
    series = process(np.random.default_rng(seed), 10, 0.5)
    assert mean_variance(series[::-1], 2) == pytest.approx(mean_variance(series, 2), rel=1e-9)


def test_a_lost_camera_is_no_drift() -> None:
    series = process(np.random.default_rng(1), 24, 0.0)
    plain = mean_variance(series)
    series[5] += 1000.0
    assert mean_variance(series) < 3 * plain


def test_errors_of_zero_have_no_variance() -> None:
    assert mean_variance(np.zeros((5, 3))) < 1e-200
