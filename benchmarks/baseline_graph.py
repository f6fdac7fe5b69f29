"""The plain loop optimisation of today's pipelines, re-implemented from its description for comparison.

`reference/streaming_baseline.md`, section 2.9: residuals Log(S Exp(g_b) Exp(g_a)^-1) with g = Log(window_from_world),
every edge with the identity for information, no robust kernel, steps added in the space of logarithms, Levenberg-
Marquardt with lambda from 1e-6, halved on success and doubled otherwise, 30 iterations, no fixed window. Kinder in two
things: float64, and closed-form Jacobians where the original differentiates automatically.
"""

from __future__ import annotations

import numpy as np
from backend_scenes import Array, Scene
from scipy import sparse
from scipy.sparse.linalg import spsolve

from da3_stream.geometry import Sim3
from da3_stream.geometry.sim3_batch import inverse_right_jacobians
from da3_stream.posegraph import group
from da3_stream.posegraph.placing import chained

ITERATIONS = 30
LAMBDA = 1e-6


def plain_graph(scene: Scene) -> list[Sim3]:
    """`world_from_window` of a scene, all of its loops believed."""
    nodes = np.array([(edge.a, edge.b) for edge in scene.edges])
    measured = group.stack([edge.a_from_b for edge in scene.edges])
    chain = chained([Sim3.identity()], scene.graph(False)._measurements.edges, len(scene.truth))
    g = group.log(group.stack(chain).Inv())
    damping, cost = LAMBDA, _cost(measured, nodes, g)
    history = [cost]
    for _ in range(ITERATIONS):
        step = _step(measured, nodes, g, damping)
        found = _cost(measured, nodes, g + step)
        if found < cost:
            g, cost, damping = g + step, found, damping / 2
        else:
            damping *= 2
        history.append(cost)
        if cost < 1e-5 and len(history) > 5 and history[-6] / max(cost, 1e-300) < 1.5:
            break
    world = group.unstack(group.exp(g).Inv())
    return [world[0].inverse() @ transform for transform in world]


def _residuals(measured: group.Batch, nodes: Array, g: Array) -> Array:
    window_from_world = group.exp(g)
    return group.log(measured @ window_from_world[nodes[:, 1]] @ window_from_world[nodes[:, 0]].Inv())


def _cost(measured: group.Batch, nodes: Array, g: Array) -> float:
    return float(np.square(_residuals(measured, nodes, g)).sum())


def _step(measured: group.Batch, nodes: Array, g: Array, damping: float) -> Array:
    """(J^T J with its diagonal times 1 + lambda)^-1 J^T r, negated."""
    residuals = _residuals(measured, nodes, g)
    outer = inverse_right_jacobians(residuals) @ group.adjoints(group.exp(g))[nodes[:, 0]]
    inner = np.linalg.inv(inverse_right_jacobians(g))
    blocks = np.stack([-outer @ inner[nodes[:, 0]], outer @ inner[nodes[:, 1]]], axis=1)
    edge = np.arange(len(nodes))[:, None, None, None]
    rows = np.broadcast_to(7 * edge + np.arange(7)[:, None], blocks.shape)
    columns = np.broadcast_to(7 * nodes[:, :, None, None] + np.arange(7), blocks.shape)
    jacobian = sparse.csr_array((blocks.ravel(), (rows.ravel(), columns.ravel())), shape=(residuals.size, g.size))
    normal = (jacobian.T @ jacobian).tocsc()
    damped = normal + damping * sparse.diags_array(normal.diagonal())
    return -spsolve(damped.tocsc(), jacobian.T @ residuals.ravel()).reshape(g.shape)
