"""Umeyama: exact on exact points, best on noisy ones, sane on degenerate ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.geometry import Sim3, umeyama


def cost(target: np.ndarray, source: np.ndarray, transform: Sim3, weights: np.ndarray) -> float:
    return float(weights @ np.square(target - transform.apply(source)).sum(axis=1))


@given(st.integers(0, 10**6), st.floats(0.01, 100))
def test_exact_points_give_the_exact_transform(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    truth = Sim3.exp([*rng.normal(size=3), *rng.uniform(-1.5, 1.5, 3), np.log(scale)])
    source = rng.normal(size=(20, 3))
    found = umeyama(truth.apply(source), source, rng.uniform(0.1, 1, 20))
    np.testing.assert_allclose(found.matrix(), truth.matrix(), atol=1e-9 * (1 + scale))


@pytest.mark.parametrize("seed", range(5))
def test_no_small_change_makes_noisy_points_fit_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source, weights = rng.normal(size=(30, 3)), rng.uniform(0.1, 1, 30)
    target = Sim3.exp([1, 2, 3, 0.5, -0.2, 0.9, 0.3]).apply(source) + rng.normal(size=(30, 3)) * 0.1
    best = umeyama(target, source, weights)
    for _ in range(50):
        other = Sim3.exp(rng.normal(size=7) * 1e-3) @ best
        assert cost(target, source, best, weights) <= cost(target, source, other, weights)


def test_a_mirrored_set_is_not_answered_with_a_reflection() -> None:
    source = np.random.default_rng(0).normal(size=(10, 3))
    found = umeyama(source * [1, 1, -1], source)
    assert np.linalg.det(found.rotation) == pytest.approx(1)


def test_without_scale_the_scale_is_one() -> None:
    source = np.random.default_rng(0).normal(size=(10, 3))
    assert umeyama(3 * source, source, with_scale=False).scale == 1.0


def test_one_point_is_moved_onto_the_other() -> None:
    found = umeyama([[1.0, 2, 3]], [[4.0, 5, 6]])
    assert found.scale == 1.0
    np.testing.assert_allclose(found.apply([4.0, 5, 6]), [1, 2, 3])


def test_points_on_a_line_are_mapped_exactly() -> None:
    source = np.outer(np.arange(5.0), [1.0, 2, -1])
    target = np.outer(np.arange(5.0), [0.0, 0, 3]) + 1
    np.testing.assert_allclose(umeyama(target, source).apply(source), target, atol=1e-9)


@pytest.mark.parametrize("height", [0.0, 7.0])
def test_a_flight_at_one_height_is_mapped_exactly_wherever_the_origin_lies(height: float) -> None:
    """COLMAP's estimator gives none where it is in the plane (findings/pycolmap_alignment_plane.sh)."""
    source = np.column_stack([np.random.default_rng(0).uniform(-50, 50, (10, 2)), np.full(10, height)])
    for turn in ([0.0, 0, 0.4], [0.7, -0.2, 0.4]):
        truth = Sim3.exp([0, 0, 0, *turn, np.log(2)])
        np.testing.assert_allclose(umeyama(truth.apply(source), source).matrix(), truth.matrix(), atol=1e-9)
