"""The solver's batches of Sim(3): as `Sim3` and `Sim3Array` have it, exact where pypose's own series are not."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from da3_stream.geometry import Sim3, Sim3Array
from da3_stream.geometry.sim3_closed_forms import hat
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


def assert_same(solver: group.Batch, batch: Sim3Array) -> None:
    """The solver's batch is the numpy batch, up to rounding."""
    size = 1 + np.abs(batch.translation).max(initial=0)
    np.testing.assert_allclose(group.scales(solver), batch.scale, rtol=1e-13)
    np.testing.assert_allclose(group.rotations(solver), batch.rotation, atol=1e-13)
    np.testing.assert_allclose(group.translations(solver), batch.translation, atol=1e-13 * size)


@given(st.lists(tangents(), min_size=1, max_size=4), st.lists(tangents(), min_size=4, max_size=4))
def test_the_solver_s_batch_and_the_array_are_one_group(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    xi, eta = np.array(first), np.array(second)[: len(first)]
    a, b, array_a, array_b = group.exp(xi), group.exp(eta), Sim3Array.exp(xi), Sim3Array.exp(eta)
    assert_same(a, array_a)
    assert_same(a @ b, array_a @ array_b)
    assert_same(a.Inv(), array_a.inverse())
    size = 1 + np.abs(array_a.translation).max()
    np.testing.assert_allclose(group.log(a), array_a.log(), atol=1e-12 * size)
    rows = zip(array_a.scale, array_a.rotation, array_a.translation, strict=True)
    singles = np.array([Sim3(*row).adjoint() for row in rows])
    np.testing.assert_allclose(group.adjoints(a), singles, atol=1e-12 * size)


NEITHER_NETWORK_NOR_SOLVER = """
import sys
import da3_stream.pipeline, da3_stream.slam.system
from da3_stream.geometry import Sim3
from da3_stream.posegraph import PoseGraph
graph = PoseGraph(0)
graph.add_edge(0, 1, Sim3.identity())
print(sorted({"torch", "pypose"} & sys.modules.keys()))
graph.solve()
print(sorted({"torch", "pypose"} & sys.modules.keys()))
"""


@pytest.mark.slow
def test_torch_is_imported_where_a_graph_is_solved_and_not_before() -> None:
    script = [sys.executable, "-c", NEITHER_NETWORK_NOR_SOLVER]
    done = subprocess.run(script, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['pypose', 'torch']"]
