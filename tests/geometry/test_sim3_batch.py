"""The closed forms for many transforms at once, against the matrix exponential and against differences."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from da3_stream.geometry import Sim3, Sim3Array
from da3_stream.geometry.sim3_closed_forms import (
    adjoints,
    hat,
    inverse_right_jacobians,
    inverse_v_matrices,
    v_matrices,
)

unit = st.floats(-1, 1)
sizes = st.sampled_from([0.0, 1e-12, 1e-9, 1e-7, 1e-4, 0.1, 0.3, 0.49, 0.51, 1.0, 3.0, np.pi])


@st.composite
def tangents(draw: st.DrawFn) -> np.ndarray:
    axis = np.array([draw(unit) for _ in range(3)]) + 1e-3
    rotvec = axis / np.linalg.norm(axis) * draw(sizes)
    rho = np.array([draw(unit) for _ in range(3)]) * draw(st.sampled_from([0.0, 1e-7, 1.0, 100.0]))
    return np.concatenate([rho, rotvec, [draw(st.sampled_from([-1, 1])) * draw(sizes)]])


def ad(xi: np.ndarray) -> np.ndarray:
    out = np.zeros((7, 7))
    out[:3, :3] = hat(xi[3:6]) + xi[6] * np.eye(3)
    out[:3, 3:6], out[:3, 6], out[3:6, 3:6] = hat(xi[:3]), -xi[:3], hat(xi[3:6])
    return out


def right_jacobian(xi: np.ndarray) -> np.ndarray:
    """Integral over [0,1] of exp(-u ad) du, read off the exponential of a doubled matrix (Van Loan, 1978)."""
    doubled = np.zeros((14, 14))
    doubled[:7, :7], doubled[:7, 7:] = -ad(xi), np.eye(7)
    return expm(doubled)[:7, 7:]


@given(tangents())
def test_the_inverse_right_jacobian_inverts_the_integral_of_the_exponential(xi: np.ndarray) -> None:
    inverse = inverse_right_jacobians(xi[None])[0]
    size = (1 + np.abs(xi[:3]).max()) * np.abs(inverse).max()
    np.testing.assert_allclose(inverse @ right_jacobian(xi), np.eye(7), atol=2e-13 * size)


@given(st.lists(tangents(), min_size=1, max_size=5))
def test_a_batch_is_its_members_one_by_one(many: list[np.ndarray]) -> None:
    xis = np.array(many)
    together = inverse_right_jacobians(xis)
    for xi, jacobian in zip(xis, together, strict=True):
        np.testing.assert_allclose(jacobian, inverse_right_jacobians(xi[None])[0], rtol=1e-12, atol=1e-12)


@given(tangents())
def test_v_is_the_block_of_the_matrix_exponential(xi: np.ndarray) -> None:
    generator = np.zeros((4, 4))
    generator[:3, :3], generator[:3, 3] = hat(xi[3:6]) + xi[6] * np.eye(3), xi[:3]
    expected = expm(generator)[:3, 3]
    found = v_matrices(xi[None, 3:6], xi[None, 6])[0] @ xi[:3]
    np.testing.assert_allclose(found, expected, atol=1e-13 * (1 + np.abs(xi[:3]).max()) * np.exp(abs(xi[6])))


@given(tangents())
def test_the_inverse_of_v_undoes_it(xi: np.ndarray) -> None:
    product = inverse_v_matrices(xi[None, 3:6], xi[None, 6])[0] @ v_matrices(xi[None, 3:6], xi[None, 6])[0]
    np.testing.assert_allclose(product, np.eye(3), atol=1e-12)


@given(tangents())
def test_the_adjoint_is_that_of_the_single_transform(xi: np.ndarray) -> None:
    a = Sim3.exp(xi)
    found = adjoints(np.array([a.scale]), a.rotation[None], a.translation[None])[0]
    np.testing.assert_allclose(found, a.adjoint(), rtol=1e-12, atol=1e-12)


def test_hats_are_cross_products() -> None:
    v, w = np.array([[1.0, -2.0, 0.5], [0.1, 0.2, 0.3]]), np.array([0.3, 2.0, -1.0])
    np.testing.assert_array_equal(hat(v), np.array([hat(row) for row in v]))
    np.testing.assert_allclose(hat(v) @ w, np.cross(v, w))


def assert_same(batch: Sim3Array, singles: list[Sim3]) -> None:
    found = batch.transforms()
    assert len(found) == len(singles)
    for one, single in zip(found, singles, strict=True):
        np.testing.assert_allclose(one.matrix(), single.matrix(), atol=1e-11 * np.abs(single.matrix()).max())


@given(st.lists(tangents(), max_size=4))
def test_what_is_stacked_comes_back(many: list[np.ndarray]) -> None:
    transforms = [Sim3.exp(xi) for xi in many]
    assert_same(Sim3Array.stack(transforms), transforms)


def test_stacking_makes_rotations_exact() -> None:
    askew = Sim3(1.0, np.eye(3) + np.full((3, 3), 1e-7), np.zeros(3))
    rotation = Sim3Array.stack([askew]).rotation[0]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-15)


@given(tangents(), tangents())
def test_products_inverses_and_adjoints_are_those_of_single_transforms(xi: np.ndarray, eta: np.ndarray) -> None:
    a, b = Sim3.exp(xi), Sim3.exp(eta)
    batch = Sim3Array.stack([a, b])
    assert_same(batch.inverse() @ Sim3Array.stack([b, a]), [a.inverse() @ b, b.inverse() @ a])
    size = 1 + np.abs(a.adjoint()).max()
    np.testing.assert_allclose(batch.adjoints()[0], a.adjoint(), atol=1e-12 * size)


@given(tangents())
def test_exp_is_that_of_single_transforms_and_log_its_inverse(xi: np.ndarray) -> None:
    batch = Sim3Array.exp(xi[None])
    assert_same(batch, [Sim3.exp(xi)])
    np.testing.assert_allclose(Sim3Array.exp(batch.log()).translation, batch.translation, rtol=1e-9, atol=1e-9)
