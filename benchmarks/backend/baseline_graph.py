"""The plain loop optimisation of today's pipelines, re-implemented from its description for comparison.

Residuals are Log(S Exp(g_b) Exp(g_a)^-1) with g = Log(window_from_world),
every edge with the identity for information, no robust kernel, Jacobians by automatic differentiation through pypose
in float32, steps added in the space of logarithms, Levenberg-Marquardt with lambda from 1e-6, halved on success and
doubled otherwise, 30 iterations, no fixed window. Kinder in one thing: the normal equations are solved in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve
from scipy.spatial.transform import Rotation

from benchmarks.backend.scenes import Array, Scene
from da3_stream.geometry import Sim3, Sim3Array

ITERATIONS = 30
LAMBDA = 1e-6
Tensor = Any  # torch's, whose import is left to whoever computes


def plain_graph(scene: Scene) -> list[Sim3]:
    """`world_from_window` of a scene (its first edges the chain), all of its loops believed."""
    import torch

    nodes = np.array([(edge.a, edge.b) for edge in scene.edges])
    measured = _as_pypose(Sim3Array.stack([edge.a_from_b for edge in scene.edges]))
    g = torch.from_numpy(Sim3Array.stack(_chain(scene)).inverse().log()).float()
    damping, cost = LAMBDA, _cost(measured, nodes, g)
    history = [cost]
    for _ in range(ITERATIONS):
        moved = g + torch.from_numpy(_step(measured, nodes, g, damping)).float()
        found = _cost(measured, nodes, moved)
        if found < cost:
            g, cost, damping = moved, found, damping / 2
        else:
            damping *= 2
        history.append(cost)
        if cost < 1e-5 and len(history) > 5 and history[-6] / max(cost, 1e-30) < 1.5:
            break
    world = Sim3Array.exp(g.double().numpy()).inverse().transforms()
    return [world[0].inverse() @ transform for transform in world]


def _as_pypose(batch: Sim3Array) -> Any:
    import pypose
    import torch

    quaternions = Rotation.from_matrix(batch.rotation).as_quat()
    return pypose.Sim3(torch.from_numpy(np.hstack([batch.translation, quaternions, batch.scale[:, None]]))).float()


def _chain(scene: Scene) -> list[Sim3]:
    world = [Sim3.identity()]
    for edge in scene.edges[: len(scene.truth) - 1]:
        world.append(world[-1] @ edge.a_from_b)
    return world


def _residuals(measured: Any, g_a: Tensor, g_b: Tensor) -> Tensor:
    import pypose

    return (measured @ pypose.sim3(g_b).Exp() @ pypose.sim3(g_a).Exp().Inv()).Log().tensor()


def _cost(measured: Any, nodes: Array, g: Tensor) -> float:
    return float(_residuals(measured, g[nodes[:, 0]], g[nodes[:, 1]]).square().sum())


def _step(measured: Any, nodes: Array, g: Tensor, damping: float) -> Array:
    """(J^T J with its diagonal times 1 + lambda)^-1 J^T r, negated."""
    residuals, blocks = _linearised(measured, nodes, g)
    edge = np.arange(len(nodes))[:, None, None, None]
    rows = np.broadcast_to(7 * edge + np.arange(7)[:, None], blocks.shape)
    columns = np.broadcast_to(7 * nodes[:, :, None, None] + np.arange(7), blocks.shape)
    entries = (blocks.ravel(), (rows.ravel(), columns.ravel()))
    jacobian = sparse.csr_array(entries, shape=(residuals.size, 7 * len(g)))
    normal = (jacobian.T @ jacobian).tocsc()
    damped = normal + damping * sparse.diags_array(normal.diagonal())
    return -spsolve(damped.tocsc(), jacobian.T @ residuals.ravel()).reshape(-1, 7)


def _linearised(measured: Any, nodes: Array, g: Tensor) -> tuple[Array, Array]:
    """Residuals [E,7] and their derivatives [E,2,7,7] by the two ends' numbers."""
    import torch

    ends = [g[nodes[:, end]].requires_grad_() for end in range(2)]
    residuals = _residuals(measured, *ends)
    slopes = [torch.autograd.grad(residuals[:, k].sum(), ends, retain_graph=True) for k in range(7)]
    blocks = torch.stack([torch.stack(pair, dim=1) for pair in slopes], dim=2)
    return residuals.detach().double().numpy(), blocks.double().numpy()
