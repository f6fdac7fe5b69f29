"""Factors: residuals as they are defined, Jacobians as differences show them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from da3_stream.geometry import Sim3, Sim3Array
from da3_stream.posegraph.factors import (
    EdgeFactors,
    Factors,
    GravityFactors,
    PoseFactors,
    PositionFactors,
    ScaleFactors,
)

STEP = 1e-6
NODES = 4


def transforms(rng: np.random.Generator, count: int, size: float) -> list[Sim3]:
    return [Sim3.exp(size * rng.normal(size=7)) for _ in range(count)]


def units(rng: np.random.Generator, count: int) -> np.ndarray:
    found = rng.normal(size=(count, 3))
    return found / np.linalg.norm(found, axis=1)[:, None]


def made(kind: str, rng: np.random.Generator) -> Factors:
    one, two = np.array([[0], [2], [3]]), np.array([[0, 1], [3, 2], [2, 0]])
    if kind == "edge":
        return EdgeFactors(two, Sim3Array.stack(transforms(rng, 3, 0.5)), np.tile(np.eye(7), (3, 1, 1)))
    if kind == "pose":
        return PoseFactors(one, Sim3Array.stack(transforms(rng, 3, 0.5)), np.tile(np.eye(7), (3, 1, 1)))
    if kind == "gravity":
        return GravityFactors(one, units(rng, 3), units(rng, 3), np.tile(np.eye(3), (3, 1, 1)))
    if kind == "position":
        return PositionFactors(one, rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), np.tile(np.eye(3), (3, 1, 1)))
    nodes = two if kind == "relative scale" else one
    return ScaleFactors(nodes, rng.normal(size=3), np.ones((3, 1, 1)))


def differences(factors: Factors, state: Sim3Array) -> np.ndarray:
    """The Jacobians [F,K,M,7] by central differences of each node's step."""
    out = np.zeros_like(factors.linearise(state)[1])
    for node in range(NODES):
        for k in range(7):
            step = np.zeros((NODES, 7))
            step[node, k] = STEP
            ahead, behind = (factors.residuals(state @ Sim3Array.exp(sign * step)) for sign in (1, -1))
            slope = (ahead - behind) / (2 * STEP)
            out[..., k] += (factors.nodes == node)[:, :, None] * slope[:, None, :]
    return out


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["edge", "pose", "gravity", "position", "scale", "relative scale"])
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([1e-6, 0.1, 0.6]))
def test_jacobians_are_what_differences_show(kind: str, seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    factors, state = made(kind, rng), Sim3Array.stack(transforms(rng, NODES, size))
    residuals, jacobians = factors.linearise(state)
    np.testing.assert_array_equal(residuals, factors.residuals(state))
    np.testing.assert_allclose(jacobians, differences(factors, state), atol=1e-7 * (1 + np.abs(jacobians).max()))


@given(seed=st.integers(0, 2**32 - 1))
def test_an_edge_s_residual_is_the_logarithm_of_what_is_left(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world, (a_from_b,) = transforms(rng, 2, 0.4), transforms(rng, 1, 0.4)
    factors = EdgeFactors(np.array([[0, 1]]), Sim3Array.stack([a_from_b]).inverse(), np.eye(7)[None])
    left = a_from_b.inverse() @ world[0].inverse() @ world[1]
    np.testing.assert_allclose(factors.residuals(Sim3Array.stack(world))[0], left.log(), atol=1e-12)


@given(seed=st.integers(0, 2**32 - 1))
def test_residuals_of_the_truth_are_zero(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world = transforms(rng, NODES, 0.5)
    state, nodes = Sim3Array.stack(world), np.arange(NODES)[:, None]
    points, directions = rng.normal(size=(NODES, 3)), units(rng, NODES)
    seen = np.array([t.apply(p) for t, p in zip(world, points, strict=True)])
    down = np.array([t.rotation @ d for t, d in zip(world, directions, strict=True)])
    log_scales = np.log([t.scale for t in world])
    for factors in (
        PoseFactors(nodes, state.inverse(), np.tile(np.eye(7), (NODES, 1, 1))),
        PositionFactors(nodes, points, seen, np.tile(np.eye(3), (NODES, 1, 1))),
        GravityFactors(nodes, directions, down, np.tile(np.eye(3), (NODES, 1, 1))),
        ScaleFactors(nodes, log_scales, np.ones((NODES, 1, 1))),
    ):
        np.testing.assert_allclose(factors.residuals(state), 0, atol=1e-12)
