"""Robust statistics: their laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.geometry.robust_statistics import (
    geometric_median,
    grouped_median,
    location,
    weighted_median,
)

VALUES = st.lists(st.integers(-1000, 1000), min_size=1, max_size=60).map(lambda v: np.array(v) / 8.0)


@given(VALUES)
def test_the_weighted_median_with_equal_weights_is_the_median(values: np.ndarray) -> None:
    assert weighted_median(values, np.ones(len(values))) == pytest.approx(np.median(values))


@given(VALUES)
def test_a_weight_of_two_is_a_value_given_twice(values: np.ndarray) -> None:
    assert weighted_median(values, np.full(len(values), 2.0)) == weighted_median(
        np.repeat(values, 2), np.ones(2 * len(values))
    )


@given(VALUES)
def test_locations_change_sign_with_the_values(values: np.ndarray) -> None:
    weights = np.ones(len(values))
    assert weighted_median(-values, weights) == -weighted_median(values, weights)
    assert location(-values, weights, 1e-6)[0] == pytest.approx(-location(values, weights, 1e-6)[0], abs=1e-9)


@given(VALUES, st.integers(1, 7))
def test_grouped_medians_are_the_medians_of_the_groups(values: np.ndarray, count: int) -> None:
    groups = np.arange(len(values)) % count
    medians, totals = grouped_median(values, np.ones(len(values)), groups, count)
    for group in range(count):
        members = values[groups == group]
        assert totals[group] == len(members)
        assert np.isnan(medians[group]) if not len(members) else medians[group] == pytest.approx(np.median(members))


def test_the_geometric_median_ignores_a_far_point() -> None:
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(0, 0.01, (11, 3)), [[100.0, 0.0, 0.0]]])
    assert np.linalg.norm(geometric_median(points)) < 0.02
