"""The innovation of a loop is what chi^2 sinks by without it."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.geometry import Sim3Array
from da3_stream.posegraph.build import Measurements, build
from da3_stream.posegraph.gnc import Optimiser
from da3_stream.posegraph.innovation import innovations, limit
from da3_stream.posegraph.measurements import validate_edge
from da3_stream.posegraph.problem import Problem
from tests.worlds.pose_ring import SIGMAS, ring, seen

LOOPS = [(1, 21), (5, 26), (12, 32)]
FIRST_LOOP = 39  # number of chain edges before them


def problem() -> Problem:
    rng, truth = np.random.default_rng(7), ring(40, 2.0)
    pairs = [*((k, k + 1) for k in range(FIRST_LOOP)), *LOOPS]
    information = np.diag(1 / SIGMAS**2)
    measurements = Measurements(origin=0)
    for a, b in pairs:
        measurements.add_edge(validate_edge(a, b, seen(truth, a, b, rng), information, b != a + 1))
    return build(measurements, hold_scale=False)


def test_it_is_the_fall_of_chi2_when_the_loop_is_left_out() -> None:
    optimiser = Optimiser.of(problem())
    kept, start = np.ones(len(optimiser.problem.loop), bool), Sim3Array.stack(ring(40, 2.0))
    whole = optimiser.optimize_with(kept, start)
    loops = np.flatnonzero(optimiser.problem.loop)
    found = innovations(optimiser.problem, kept, whole.descent.state, loops)
    for loop, innovation in zip(loops, found, strict=True):
        without = optimiser.optimize_with(whole.without(int(loop)), start)
        assert innovation == pytest.approx(2 * (whole.descent.cost - without.descent.cost), rel=0.05)


def test_a_lone_loop_may_say_anything_and_others_the_more_the_longer_the_chain_between() -> None:
    graph, state = problem(), Sim3Array.stack(ring(40, 2.0))
    kept = np.ones(len(graph.loop), bool)
    near, far = limit(graph, kept, state, FIRST_LOOP), limit(graph, kept, state, FIRST_LOOP + 2)
    assert 0 < near < far < np.inf
    kept[[FIRST_LOOP + 1, FIRST_LOOP + 2]] = False
    assert limit(graph, kept, state, FIRST_LOOP) == np.inf
