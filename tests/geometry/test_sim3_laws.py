"""Sim(3): the laws of a group that acts on space, and of its logarithm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

from da3_stream.geometry import Sim3
from da3_stream.geometry.sim3_closed_forms import hat

unit = st.floats(-1, 1)
sizes = st.sampled_from([1e-9, 1e-7, 1e-4, 0.1, 1.0, 3.0])


@st.composite
def tangents(draw: st.DrawFn) -> np.ndarray:
    """rho, rotation vector (below pi) and log-scale, from next to nothing to large."""
    rho = np.array([draw(unit) for _ in range(3)]) * draw(st.sampled_from([0.0, 1e-7, 1.0, 100.0]))
    axis = np.array([draw(unit) for _ in range(3)]) + 1e-3
    rotvec = axis / np.linalg.norm(axis) * draw(sizes)
    return np.concatenate([rho, rotvec, [draw(unit) * draw(sizes)]])


def close(a: Sim3, b: Sim3, tolerance: float = 1e-9) -> None:
    scale = 1 + np.abs(b.matrix()).max()
    np.testing.assert_allclose(a.matrix() / scale, b.matrix() / scale, atol=tolerance)


def generator(xi: np.ndarray) -> np.ndarray:
    """The 4x4 matrix whose exponential is the transform."""
    out = np.zeros((4, 4))
    out[:3, :3] = hat(xi[3:6]) + xi[6] * np.eye(3)
    out[:3, 3] = xi[:3]
    return out


transforms = tangents().map(Sim3.exp)


@given(tangents())
def test_exp_is_the_matrix_exponential(xi: np.ndarray) -> None:
    expected = expm(generator(xi))
    np.testing.assert_allclose(Sim3.exp(xi).matrix(), expected, atol=1e-9 * (1 + np.abs(expected).max()))


@given(tangents())
def test_log_undoes_exp(xi: np.ndarray) -> None:
    np.testing.assert_allclose(Sim3.exp(xi).log(), xi, atol=1e-7 * (1 + np.abs(xi[:3]).max()))


@given(transforms)
def test_exp_undoes_log(a: Sim3) -> None:
    close(Sim3.exp(a.log()), a, 1e-8)


@given(transforms)
def test_the_inverse_is_on_both_sides(a: Sim3) -> None:
    close(a @ a.inverse(), Sim3.identity(), 1e-8)
    close(a.inverse() @ a, Sim3.identity(), 1e-8)


@given(transforms, transforms, transforms)
def test_composition_is_associative_and_that_of_matrices(a: Sim3, b: Sim3, c: Sim3) -> None:
    close((a @ b) @ c, a @ (b @ c), 1e-8)
    expected = a.matrix() @ b.matrix()
    np.testing.assert_allclose((a @ b).matrix(), expected, atol=1e-9 * (1 + np.abs(expected).max()))


@given(transforms, transforms)
def test_it_acts_as_composed(a: Sim3, b: Sim3) -> None:
    points = np.random.default_rng(0).normal(size=(4, 5, 3))
    np.testing.assert_allclose((a @ b).apply(points), a.apply(b.apply(points)), rtol=1e-7, atol=1e-6)
    assert a.apply(points).shape == (4, 5, 3)


@given(transforms)
def test_a_matrix_is_taken_apart_as_it_was_put_together(a: Sim3) -> None:
    close(Sim3.from_matrix(a.matrix()), a)
    assert np.linalg.det(a.rigid()[:3, :3]) == pytest.approx(1)


@given(transforms, tangents())
def test_the_adjoint_moves_tangents(a: Sim3, xi: np.ndarray) -> None:
    small = 1e-3 * xi / (1 + np.abs(xi).max())
    close(a @ Sim3.exp(small) @ a.inverse(), Sim3.exp(a.adjoint() @ small), 1e-7)


@pytest.mark.slow
@given(tangents())
def test_opposite_tangents_give_inverses(xi: np.ndarray) -> None:
    close(Sim3.exp(-xi), Sim3.exp(xi).inverse(), 1e-8)


def test_without_scale_it_is_a_rigid_motion() -> None:
    rotvec = np.array([0.3, -0.2, 0.9])
    a = Sim3.exp([1.0, 2.0, 3.0, *rotvec, 0.0])
    np.testing.assert_allclose(a.rotation, Rotation.from_rotvec(rotvec).as_matrix())
    assert a.scale == 1.0


def test_hat_is_the_cross_product() -> None:
    v, w = np.array([1.0, -2.0, 0.5]), np.array([0.3, 0.4, -1.0])
    np.testing.assert_allclose(hat(v) @ w, np.cross(v, w))
