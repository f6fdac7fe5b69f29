"""A scale that breaks between two frames is seen, and the window is cut there and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from da3_stream.predictors.sfm.mapping.quality import (
    DENSE_BRIDGE,
    FIRM_BRIDGE,
    MIN_BRIDGE,
    ModelQuality,
    assess_pair,
    assess_window,
)
from da3_stream.predictors.sfm.mapping.sparse_model import SparseModel

COUNT = 20
POINTS = 60  # born in every frame and seen in the next one, too


def drive(units: NDArray[np.float64], bridges: dict[int, int] | None = None) -> SparseModel:
    """A straight drive whose frame i sees the world in units of its own; `bridges` limits the points over a gap."""
    steps = units[1:]
    z = np.concatenate([[0.0], np.cumsum(steps)])
    poses = np.tile(np.eye(4), (len(units), 1, 1))
    poses[:, 2, 3] = z
    near = np.linspace(4.0, 16.0, POINTS)
    points = np.concatenate([np.column_stack([near * 0, near * 0, z[i] + near * unit]) for i, unit in enumerate(units)])
    seen = [_seen(i, (bridges or {}).get(i - 1, POINTS)) for i in range(len(units))]
    return SparseModel(np.arange(len(units)), poses, None, points, seen)


def _seen(row: int, carried: int) -> NDArray[np.int64]:
    """The frame's own points, and those of the frame before that are carried over the gap."""
    own = np.arange(row * POINTS, (row + 1) * POINTS)
    before = np.arange(max(0, row - 1) * POINTS, row * POINTS)[:carried]
    points = np.concatenate([own, before])
    return np.stack([np.arange(len(points)), points], axis=1)


def broken(row: int, factor: float) -> SparseModel:
    """A drive whose scale changes before a row, with fewer points over that gap, as a weak link has."""
    return drive(np.where(np.arange(COUNT) < row, 1.0, factor), {row - 1: MIN_BRIDGE + 3})


@pytest.mark.slow
@given(st.integers(2, COUNT - 2), st.floats(5.0, 30.0), st.booleans())
def test_a_broken_scale_rings_and_is_cut_where_it_breaks(row: int, factor: float, grows: bool) -> None:
    verdict = assess_window([broken(row, factor if grows else 1 / factor)], COUNT)
    assert verdict.is_doubtful
    assert verdict.largest_jump > np.log(factor) / 2
    assert verdict.cuts() == (row,)
    assert verdict.cost > assess_window([drive(np.ones(COUNT))], COUNT).cost


@given(st.integers(0, 2**31))
def test_a_clean_drive_with_uneven_speed_rings_no_alarm(seed: int) -> None:
    units = np.random.default_rng(seed).uniform(0.8, 1.25, COUNT)
    verdict = assess_window([drive(units)], COUNT)
    assert not verdict.is_doubtful
    assert verdict.cuts() == ()
    assert verdict.cost == 0.0


def test_a_camera_that_brakes_is_not_a_broken_scale() -> None:
    model = drive(np.ones(COUNT))
    slow = model.model_from_camera.copy()
    slow[10:, 2, 3] = slow[10, 2, 3] + 0.05 * np.arange(COUNT - 10)  # depths stay as they are
    verdict = assess_window([SparseModel(model.rows, slow, None, model.points, model.observations)], COUNT)
    assert verdict.cuts() == ()


@given(st.integers(1, COUNT - 1), st.integers(0, MIN_BRIDGE - 1))
def test_a_gap_with_too_few_points_over_it_is_cut(row: int, carried: int) -> None:
    verdict = assess_window([drive(np.ones(COUNT), {row - 1: carried})], COUNT)
    assert verdict.bridges[row - 1] == carried
    assert verdict.is_doubtful
    assert verdict.cuts() == (row,)


def test_just_enough_points_hold_a_gap_together() -> None:
    verdict = assess_window([drive(np.ones(COUNT), {9: MIN_BRIDGE})], COUNT)
    assert not verdict.is_doubtful
    assert verdict.cuts() == ()


def test_two_breaks_are_two_cuts() -> None:
    units = np.repeat([1.0, 20.0, 1.0], [8, 8, 8])
    verdict = assess_window([drive(units, {7: MIN_BRIDGE, 15: MIN_BRIDGE})], 24)
    assert verdict.cuts() == (8, 16)


def test_rows_outside_the_model_are_missing_but_not_cut() -> None:
    model = drive(np.ones(COUNT))
    verdict = assess_window(
        [SparseModel(model.rows + 3, model.model_from_camera, None, model.points, model.observations)], COUNT + 5
    )
    assert verdict.missing == 5
    assert verdict.is_doubtful
    assert verdict.cuts() == ()


def test_no_model_misses_everything() -> None:
    verdict = assess_window([], COUNT)
    assert (verdict.missing, verdict.is_doubtful, verdict.cuts()) == (COUNT, True, ())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_windows_are_judged_without_error(count: int) -> None:
    verdict = assess_window([drive(np.ones(count))], count)
    assert len(verdict.jumps) == len(verdict.bridges) == count - 1
    assert not verdict.is_doubtful


@pytest.mark.parametrize("factor", [4.0, 0.25])
def test_another_visit_may_be_faster_and_farther_away(factor: float) -> None:
    border = COUNT // 2
    units = np.where(np.arange(COUNT) < border, 1.0, factor)
    assert assess_window([drive(units)], COUNT).cuts() == (border,)
    assert assess_pair([drive(units)], COUNT, border).cuts() == ()
    assert assess_pair([broken(5, factor)], COUNT, border).cuts() == ()


def test_two_places_fall_apart_where_few_points_tie_them_or_one_is_hardly_there() -> None:
    border = COUNT // 2
    thin = drive(np.ones(COUNT), {border - 1: MIN_BRIDGE - 1})
    assert assess_pair([thin], COUNT, border).cuts() == (border,)
    for left_out in (0, border - 4):
        whole = drive(np.ones(COUNT - left_out))
        verdict = assess_pair([whole], COUNT, border)
        assert verdict.cuts() == ((border,) if left_out else ())
        assert verdict.missing == left_out


def test_rows_that_are_farther_apart_are_no_jump() -> None:
    frames = np.cumsum(np.where(np.arange(COUNT) < COUNT // 2, 1, 3))
    model = drive(np.ones(COUNT))
    model.model_from_camera[:, 2, 3] = frames
    local = [model.points[seen[:, 1]] - [0.0, 0.0, row] for row, seen in enumerate(model.observations)]
    moved = np.concatenate([points[:POINTS] + [0.0, 0.0, at] for points, at in zip(local, frames, strict=True)])
    moved *= np.where(np.arange(len(moved)) < len(moved) // 2, 1.0, 1.2)[:, None]
    model = SparseModel(model.rows, model.model_from_camera, None, moved, model.observations)
    assert assess_window([model], COUNT).largest_jump > 0.1
    assert assess_window([model], COUNT, frames=frames).largest_jump < 0.05


@pytest.mark.parametrize(
    ("points", "frames", "thin"),
    [
        (FIRM_BRIDGE, [0, 3, 6, 9, 12], []),
        (FIRM_BRIDGE - 1, [0, 3, 6, 9, 12], [3, 6]),
        (FIRM_BRIDGE - 1, [0, 5, 6, 7, 12], [5, 6]),
        (FIRM_BRIDGE - 1, [0, 1, 2, 3, 4], []),
        (DENSE_BRIDGE - 1, [0, 1, 2, 3, 4], [1, 2]),
    ],
)
def test_a_gap_is_thin_by_fewer_points_where_more_frames_could_bridge_it(
    points: int, frames: list[int], thin: list[int]
) -> None:
    bridges = np.array([200, points, 200, 200])
    assert ModelQuality(0, np.zeros(4), bridges).thin_gaps(np.array(frames)).tolist() == thin
