"""Inverses of information matrices whose rows have different units."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.geometry.covariance import diagonal_units, inverse_of_definite, pseudo_inverses, ridged_inverses


@st.composite
def informations(draw: st.DrawFn) -> np.ndarray:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mixed, units = np.eye(7) + 0.1 * rng.normal(size=(7, 7)), 10.0 ** rng.integers(-4, 5, 7)
    return mixed.T @ mixed / np.outer(units, units)


@given(informations())
def test_all_inverses_of_a_definite_matrix_are_one(matrix: np.ndarray) -> None:
    units = diagonal_units(matrix)
    inverse = inverse_of_definite(matrix) * units
    np.testing.assert_allclose(inverse @ (matrix / units), np.eye(7), atol=1e-9)
    np.testing.assert_allclose(ridged_inverses(matrix[None])[0] * units, inverse, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(pseudo_inverses(matrix[None], units[None])[0] * units, inverse, rtol=1e-6, atol=1e-6)


def test_what_a_matrix_says_nothing_of_is_very_uncertain_or_left_out() -> None:
    matrix = np.diag([4.0, 1e6, 0.0])
    np.testing.assert_allclose(np.diag(ridged_inverses(matrix[None])[0]), [0.25, 1e-6, 1e9], rtol=1e-6)
    units = diagonal_units(matrix[None])
    np.testing.assert_allclose(np.diag(pseudo_inverses(matrix[None], units)[0]), [0.25, 1e-6, 0.0], rtol=1e-6)
