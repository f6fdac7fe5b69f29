"""Spherical harmonics in the basis of Gaussian splats, and coefficients turned with the world."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from da3_stream.geometry import harmonics, harmonics_turn


def test_harmonics_are_orthonormal_over_the_sphere() -> None:
    """By a product rule that integrates polynomials of degree 6 exactly."""
    heights, weights = np.polynomial.legendre.leggauss(4)
    angles = np.arange(8) * np.pi / 4
    z, angle = (grid.ravel() for grid in np.meshgrid(heights, angles, indexing="ij"))
    ring = np.sqrt(1 - z * z)
    basis = harmonics(np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=1), 3)
    gram = basis.T * (np.repeat(weights, 8) * np.pi / 4) @ basis
    np.testing.assert_allclose(gram, np.eye(16), atol=1e-12)


def test_the_basis_is_that_of_the_viewers() -> None:
    x, y, z = d = np.array([0.6, -0.48, 0.64])
    expected = [0.28209479, -0.48860251 * y, 0.48860251 * z, -0.48860251 * x, 1.09254843 * x * y, -1.09254843 * y * z]
    expected += [0.31539157 * (2 * z * z - x * x - y * y), -1.09254843 * x * z, 0.54627422 * (x * x - y * y)]
    np.testing.assert_allclose(harmonics(d[None], 2)[0], expected, atol=1e-8)


def test_harmonics_turn_as_rotations_do() -> None:
    a, b = Rotation.random(2, random_state=0).as_matrix()
    np.testing.assert_allclose(harmonics_turn(a, 3) @ harmonics_turn(b, 3), harmonics_turn(a @ b, 3), atol=1e-12)
    np.testing.assert_allclose(harmonics_turn(a, 3) @ harmonics_turn(a, 3).T, np.eye(15), atol=1e-12)


@pytest.mark.parametrize("angle", [0.0, 1e-7, 1e-4, np.pi])
def test_turned_colours_are_seen_from_turned_directions(angle: float) -> None:
    rng = np.random.default_rng(0)
    turn = Rotation.from_rotvec(angle * np.array([0.0, 0.6, 0.8])).as_matrix()
    directions, coefficients = rng.normal(size=(20, 3)), rng.normal(size=16)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    turned = np.concatenate([coefficients[:1], harmonics_turn(turn, 3) @ coefficients[1:]])
    seen = harmonics(directions @ turn.T, 3) @ turned
    np.testing.assert_allclose(seen, harmonics(directions, 3) @ coefficients, atol=1e-12)


def test_turned_coefficients_are_those_of_the_closed_form(shared: Path) -> None:
    if not (shared / "goldens").is_dir():
        pytest.skip(f"no golden vectors at {shared / 'goldens'}")
    case = np.load(shared / "goldens" / "unit_sh.npz")
    for turn, given, exact in zip(case["in_rotations"], case["in_sh"], case["exact_sh9"], strict=True):
        found = given[:, 1:9] @ harmonics_turn(turn.astype(np.float64), 2).T
        np.testing.assert_allclose(found, exact[:, 1:], atol=2e-6)  # the rotations are float32
