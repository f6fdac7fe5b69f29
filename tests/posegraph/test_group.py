"""Batches of Sim(3): the same as one by one, and exact where pypose's own series are not."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from da3_stream.geometry import Sim3
from da3_stream.geometry.sim3 import hat
from da3_stream.posegraph import group

sizes = st.sampled_from([0.0, 1e-12, 1e-9, 1e-7, 1e-5, 1e-3, 0.1, 1.0, 3.0])


@st.composite
def tangents(draw: st.DrawFn) -> np.ndarray:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    axis = rng.normal(size=3)
    return np.concatenate([rng.normal(size=3), axis / np.linalg.norm(axis) * draw(sizes), [draw(sizes)]])


@given(tangents())
def test_exp_is_the_matrix_exponential_and_log_its_inverse(xi: np.ndarray) -> None:
    generator = np.zeros((4, 4))
    generator[:3, :3], generator[:3, 3] = hat(xi[3:6]) + xi[6] * np.eye(3), xi[:3]
    batch = group.exp(xi[None])
    np.testing.assert_allclose(group.unstack(batch)[0].matrix(), expm(generator), atol=1e-12 * np.exp(xi[6]))
    np.testing.assert_allclose(group.log(batch)[0], xi, atol=1e-12)


@given(tangents(), tangents())
def test_products_and_inverses_are_those_of_single_transforms(xi: np.ndarray, eta: np.ndarray) -> None:
    a, b = Sim3.exp(xi), Sim3.exp(eta)
    found = group.unstack(group.stack([a, b]).Inv() @ group.stack([b, a]))
    for batch, single in zip(found, (a.inverse() @ b, b.inverse() @ a), strict=True):
        np.testing.assert_allclose(batch.matrix(), single.matrix(), atol=1e-11 * np.abs(single.matrix()).max())


@given(st.lists(tangents(), max_size=4))
def test_what_is_stacked_comes_back(many: list[np.ndarray]) -> None:
    transforms = [Sim3.exp(xi) for xi in many]
    back = group.unstack(group.stack(transforms))
    assert len(back) == len(transforms)
    for found, given_ in zip(back, transforms, strict=True):
        np.testing.assert_allclose(found.matrix(), given_.matrix(), rtol=1e-12, atol=1e-12)
