"""Where the inliers lie: with a large minority off to one side, and unmoved by what carries no weight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.stitching.inlier_mixture import fit_inlier_mixture, shortest_half

SEEDS = st.integers(0, 10_000)


def rows_with_a_minority(seed: int, share: float) -> np.ndarray:
    """Four rows of 200 values about 0, 1, 2, 3, a share of them off by +0.12."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 0.01, (4, 200)) + np.arange(4)[:, None]
    values[:, : int(200 * share)] += 0.12
    return values


@given(SEEDS, st.floats(0, 0.4))
def test_a_large_minority_on_one_side_does_not_drag_the_inliers(seed: int, share: float) -> None:
    values = rows_with_a_minority(seed, share)
    found = fit_inlier_mixture(values, np.ones_like(values), 1e-6)
    assert found.centres == pytest.approx(np.arange(4), abs=0.006)


@given(SEEDS)
def test_values_without_weight_say_nothing(seed: int) -> None:
    values = rows_with_a_minority(seed, 0.3)
    weights = np.ones_like(values)
    weights[:, ::3] = 0
    plain = fit_inlier_mixture(values, weights, 1e-6)
    values[:, ::3] = np.nan
    assert np.array_equal(fit_inlier_mixture(values, weights, 1e-6).centres, plain.centres)


@given(SEEDS)
def test_the_inliers_move_with_the_values(seed: int) -> None:
    values = rows_with_a_minority(seed, 0.3)
    plain, moved = (fit_inlier_mixture(v, np.ones_like(v), 1e-6).centres for v in (values, values + 7.0))
    assert moved == pytest.approx(plain + 7.0, abs=1e-9)


def test_a_row_without_any_weight_is_unknown_and_harms_no_other() -> None:
    values = rows_with_a_minority(1, 0.3)
    weights = np.ones_like(values)
    weights[2] = 0
    found = fit_inlier_mixture(values, weights, 1e-6)
    assert np.isnan(found.centres[2])
    assert found.centres[[0, 1, 3]] == pytest.approx([0, 1, 3], abs=0.006)
    assert not found.membership[2].any()


def test_the_shortest_half_of_one_value_is_the_value() -> None:
    assert shortest_half(np.array([3.0, 9.0]), np.array([1.0, 0.0])) == (3.0, 0.0)
    assert np.isnan(shortest_half(np.array([3.0]), np.array([0.0]))).all()
