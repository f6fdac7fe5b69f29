"""The nearest rotation is a rotation, the matrix itself where that is one, and no other is nearer."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from da3_stream.geometry import nearest_rotations


@given(seed=st.integers(0, 2**32 - 1))
def test_rotations_stay_as_they_are(seed: int) -> None:
    rotations = Rotation.random(5, seed).as_matrix()
    np.testing.assert_allclose(nearest_rotations(rotations), rotations, atol=1e-14)


@given(seed=st.integers(0, 2**32 - 1))
def test_no_other_rotation_is_nearer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrices = rng.normal(size=(4, 3, 3))
    nearest = nearest_rotations(matrices)
    np.testing.assert_allclose(nearest @ np.swapaxes(nearest, 1, 2), np.broadcast_to(np.eye(3), (4, 3, 3)), atol=1e-13)
    np.testing.assert_allclose(np.linalg.det(nearest), 1.0, atol=1e-13)
    others = Rotation.random(4, seed).as_matrix()
    assert np.all(_distances(matrices, nearest) <= _distances(matrices, others) + 1e-12)


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a - b, axis=(1, 2))
