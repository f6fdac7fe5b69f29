"""The city: districts and separators give the whole's optimum; what its machines, its loops and its figures promise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.city.cluster import Machines, Work, simulate
from benchmarks.city.dissection import dissect
from benchmarks.city.fronts import eliminate
from benchmarks.city.hierarchy import Hierarchy
from benchmarks.city.judging import in_doubt, near_enough, quarters
from benchmarks.city.places import cell_of, cells_near
from benchmarks.city.world import City, make_city
from da3_stream.errors import PoseGraphError
from da3_stream.geometry import Sim3Array
from da3_stream.posegraph.levenberg_marquardt import levenberg_marquardt
from da3_stream.posegraph.problem import Problem

STEADY = Machines(4, slots=2, lifetime_h=1e9, speed_sigma=0.0)  # nothing is lost, all are equally fast
ALIKE = Work(80, 100.0, sigma=0.0, hard=0.0)


@pytest.fixture(scope="module")
def city() -> City:
    return make_city(30, false=0.0, seed=3)


def solved_whole(city: City, edges: np.ndarray, start: Sim3Array) -> tuple[Sim3Array, float]:
    every = np.arange(len(city))
    problem = Problem.of(
        city.edges(edges, city.ends[edges]), city.loop[edges], city.ties(every, every), np.ones((len(city), 7), bool)
    )
    found = levenberg_marquardt(problem, start, np.ones(len(edges)), 1e-12, 30)
    assert found.converged
    return found.state, found.cost


@pytest.mark.slow
def test_districts_and_separators_find_the_optimum_of_the_whole(city: City, tmp_path: Path) -> None:
    start, edges = city.start(), np.arange(len(city.ends))
    root = dissect(start.translation[:, :2], city.ends, 20)
    hierarchy = Hierarchy.of(city, root, 2)
    assert len(hierarchy.districts) == 4
    found = hierarchy.solve(start, np.ones(len(edges)), tmp_path)

    state, cost = solved_whole(city, edges, start)
    assert found.converged
    assert found.cost == pytest.approx(cost, rel=1e-10)
    np.testing.assert_allclose(found.state.translation, state.translation, atol=1e-6)
    np.testing.assert_allclose(found.state.rotation, state.rotation, atol=1e-8)
    assert city.error(found.state) < city.error(start) / 2
    assert not [*tmp_path.glob("matrix_*"), *tmp_path.glob("slope_*")]  # what jobs told is used up
    assert [("factored_wall_s" in step) for step in found.steps] == [True, True] + [False] * (len(found.steps) - 2)


def test_no_edge_joins_what_a_separator_parts(city: City) -> None:
    root = dissect(city.gps[:, :2], city.ends, 20)
    parts = root.descend()
    assert sorted(np.concatenate([part.own for part in parts]).tolist()) == list(range(len(city)))
    for part in parts:
        side = np.zeros(len(city), int)
        for k, child in enumerate(part.below, 1):
            side[child.submaps()] = k
            outside = city.ends[(side[city.ends] == k).any(axis=1)]
            assert set(outside[side[outside] != k].tolist()) <= set(child.border.tolist())
        joined = side[city.ends]
        assert not np.any((joined.min(axis=1) > 0) & (joined[:, 0] != joined[:, 1]))


def test_an_elimination_is_half_of_a_solution_and_refuses_what_is_not_determined() -> None:
    rng = np.random.default_rng(0)
    root = rng.standard_normal((9, 9))
    matrix, slope = root @ root.T + np.eye(9), rng.standard_normal(9)
    done, border = eliminate(matrix, 5, 0.0)
    reduced, border_slope = done.reduce(slope)
    rest = -np.linalg.solve(border, border_slope)
    np.testing.assert_allclose([*done.substitute(reduced, rest), *rest], -np.linalg.solve(matrix, slope), atol=1e-10)
    with pytest.raises(PoseGraphError, match="not tied to the world"):
        eliminate(np.zeros((2, 2)), 1, 0.0)


def test_false_loops_go_by_the_runs_positions_and_then_by_the_graph_around_them() -> None:
    city = make_city(8, length=5, passes=3.0, false=0.15, seed=3)
    start = city.start()
    near = near_enough(city, start)
    assert int(city.false.sum()) == 2
    assert np.flatnonzero(~near).tolist() == np.flatnonzero(~near & city.false).tolist() != []
    assert np.any(near & city.false)  # one that is off by too little

    state, _ = solved_whole(city, np.flatnonzero(near), start)
    doubted = in_doubt(city, near, state)
    kept = near.copy()
    for quarter in quarters(city, near, doubted.tolist()):
        kept[quarter.edges[~quarter.judged(city, state)]] = False
    np.testing.assert_array_equal(kept, ~city.false)


def test_without_trouble_machines_take_what_multiplication_says() -> None:
    outcome = simulate(STEADY, ALIKE, 0)
    assert outcome.hours == pytest.approx(80 * 100 / 8 / 3600)
    assert (outcome.done, outcome.lost_cpu_h, outcome.retried) == (80, 0.0, 0)
    assert outcome == simulate(STEADY, ALIKE, 1)  # nothing is left to chance


def test_a_storage_that_is_too_slow_sets_the_pace() -> None:
    machines = Machines(4, slots=2, storage=1e6, lifetime_h=1e9, speed_sigma=0.0)
    outcome = simulate(machines, Work(80, 0.0, read=2e6, written=1e6, sigma=0.0, hard=0.0), 0)
    assert outcome.hours == pytest.approx(80 * 3e6 / 1e6 / 3600)
    assert outcome.storage_bound_h == pytest.approx(outcome.hours)


def test_machines_that_are_lost_cost_time_but_no_task() -> None:
    machines = Machines(4, slots=2, lifetime_h=0.5, repair_h=0.1)
    outcome = simulate(machines, Work(200, 600.0, read=1e9, written=1e9, fails=0.05), 0)
    assert outcome.machines_lost > 0
    assert outcome.done + outcome.given_up == 200
    assert outcome.given_up <= 1
    assert outcome.lost_cpu_h > 0
    assert outcome == simulate(machines, Work(200, 600.0, read=1e9, written=1e9, fails=0.05), 0)
    assert outcome != simulate(machines, Work(200, 600.0, read=1e9, written=1e9, fails=0.05), 1)


def test_a_task_that_fails_each_time_is_given_up_after_its_tries() -> None:
    outcome = simulate(STEADY, Work(5, 100.0, fails=1.0, tries=3), 0)
    assert (outcome.done, outcome.given_up, outcome.retried) == (0, 5, 10)
    assert outcome.lost_cpu_h == pytest.approx(outcome.cpu_h)


def test_the_cells_asked_hold_a_place_measured_a_little_off() -> None:
    rng = np.random.default_rng(0)
    place = rng.uniform(-1000, 1000, (200, 2))
    stored = cell_of(place + rng.uniform(-10, 10, place.shape), 250.0)
    asked = [cells_near(each, 250.0) for each in place + rng.uniform(-10, 10, place.shape)]
    assert all(cell in cells for cell, cells in zip(stored.tolist(), asked, strict=True))
