"""Every frame gets a pose: measured ones as they are, gaps bridged, ends carried on, parts kept apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from da3_stream.geometry import Sim3
from da3_stream.predictors.sfm.mapping.assemble import assemble, fill, static_cameras
from da3_stream.predictors.sfm.mapping.sparse_model import SparseModel
from da3_stream.types import Status

Poses = NDArray[np.float64]
COUNT = 12


def screw(count: int = COUNT) -> Poses:
    """The same motion over and over, turning and going."""
    step = Sim3.exp([0.8, 0.1, 0.3, 0.02, 0.15, -0.04, 0.0]).matrix()
    return np.stack([np.linalg.matrix_power(step, i) for i in range(count)])


def turning_in_a_line(count: int = COUNT) -> Poses:
    """Even motion of the centre along a line while the camera turns evenly."""
    poses = np.stack([Sim3.exp([0, 0, 0, 0.0, 0.1 * i, 0.0, 0.0]).matrix() for i in range(count)])
    poses[:, :3, 3] = np.arange(count)[:, None] * [0.3, -0.1, 0.9]
    return poses


def without(poses: Poses, rows: list[int]) -> Poses:
    out = poses.copy()
    out[rows] = np.nan
    return out


def model(rows: list[int], poses: Poses) -> SparseModel:
    nothing = [np.zeros((0, 2), np.int64) for _ in rows]
    return SparseModel(np.array(rows), poses[rows], None, np.zeros((0, 3)), nothing)


@given(st.sets(st.integers(1, COUNT - 2)))
def test_gaps_in_an_even_motion_are_filled_exactly(gaps: set[int]) -> None:
    truth = turning_in_a_line()
    np.testing.assert_allclose(fill(without(truth, sorted(gaps))), truth, atol=1e-9)


@given(st.integers(0, COUNT), st.integers(0, COUNT))
def test_ends_are_carried_on_at_constant_velocity(first: int, last: int) -> None:
    truth = screw()
    known = range(min(first, COUNT - 2), max(min(last, COUNT), min(first, COUNT - 2) + 2))
    rows = [row for row in range(COUNT) if row not in known]
    np.testing.assert_allclose(fill(without(truth, rows)), truth, atol=1e-9)


@given(st.sets(st.integers(0, COUNT - 1)))
def test_filling_keeps_what_is_known_and_gives_rigid_poses(gaps: set[int]) -> None:
    truth = screw()
    filled = fill(without(truth, sorted(gaps)))
    known = [row for row in range(COUNT) if row not in gaps]
    np.testing.assert_array_equal(filled[known], truth[known])
    rotations = filled[:, :3, :3]
    np.testing.assert_allclose(rotations @ rotations.transpose(0, 2, 1), np.tile(np.eye(3), (COUNT, 1, 1)), atol=1e-9)
    np.testing.assert_array_equal(filled[:, 3], np.tile([0, 0, 0, 1], (COUNT, 1)))


@pytest.mark.parametrize("row", [0, 5, COUNT - 1])
def test_one_known_pose_is_held(row: int) -> None:
    truth = screw()
    others = [other for other in range(COUNT) if other != row]
    np.testing.assert_array_equal(fill(without(truth, others)), np.tile(truth[row], (COUNT, 1, 1)))


def test_nothing_known_gives_identities() -> None:
    np.testing.assert_array_equal(fill(np.full((3, 4, 4), np.nan)), np.tile(np.eye(4), (3, 1, 1)))


def test_a_whole_model_is_taken_as_it_is() -> None:
    cameras = assemble([model(list(range(COUNT)), screw())], (), COUNT)
    np.testing.assert_array_equal(cameras.poses, screw())
    assert cameras.measured.all()
    assert (cameras.breaks, cameras.status, cameras.notes) == ((), Status.OK, ())


def test_two_models_are_two_parts_with_a_break_between_them() -> None:
    truth = screw()
    other = Sim3.exp([3, 2, 1, 0, 0, 0.5, 0.0]).matrix() @ truth
    cameras = assemble([model(list(range(7)), truth), model(list(range(8, COUNT)), other)], (), COUNT)
    assert cameras.breaks == (8,)
    np.testing.assert_allclose(cameras.poses[:8], truth[:8], atol=1e-9)  # row 7 follows the part before it
    np.testing.assert_array_equal(cameras.poses[8:], other[8:])
    assert cameras.measured.tolist() == [row != 7 for row in range(COUNT)]
    assert cameras.status == Status.WEAK
    assert "1 frames without a measured pose" in cameras.notes


def test_a_smaller_model_inside_a_larger_ones_rows_is_left_out() -> None:
    truth = turning_in_a_line()
    outer = model([0, 1, 2, 3, 8, 9, 10, 11], truth)
    cameras = assemble([outer, model([4, 5, 6], screw())], (), COUNT)
    assert cameras.breaks == ()
    np.testing.assert_allclose(cameras.poses, truth, atol=1e-9)
    assert not cameras.measured[4:8].any()


@given(st.sets(st.integers(1, COUNT - 1)), st.integers(1, COUNT - 1))
def test_breaks_are_the_cuts_and_the_starts_of_parts(cuts: set[int], border: int) -> None:
    models = [model(list(range(border)), screw()), model(list(range(border, COUNT)), screw())]
    cameras = assemble(sorted(models, key=lambda m: -len(m.rows)), tuple(sorted(cuts)), COUNT)
    assert cameras.breaks == tuple(sorted(cuts | {border}))
    np.testing.assert_array_equal(cameras.poses, screw())
    for cut in cuts:
        assert any(f"row {cut}:" in note for note in cameras.notes)


def test_filling_does_not_look_across_a_cut() -> None:
    truth = np.tile(np.eye(4), (COUNT, 1, 1))
    truth[:, :3, 3] = np.arange(COUNT)[:, None] * [0.3, -0.1, 0.9]
    jumped = truth.copy()
    jumped[6:, :3, 3] = 50.0 * truth[6:, :3, 3]
    rows = [row for row in range(COUNT) if row not in (5, 6)]
    cameras = assemble([model(rows, jumped)], (6,), COUNT)
    assert cameras.breaks == (6,)
    np.testing.assert_allclose(cameras.poses[:6, :3, 3], truth[:6, :3, 3], atol=1e-9)
    np.testing.assert_allclose(cameras.poses[6:, :3, 3], jumped[6:, :3, 3], atol=1e-8)


def test_no_models_are_a_failure_with_finite_poses() -> None:
    cameras = assemble([], (), 4)
    assert cameras.status == Status.FAILED
    assert cameras.notes
    assert not cameras.measured.any()
    np.testing.assert_array_equal(cameras.poses, np.tile(np.eye(4), (4, 1, 1)))


def test_a_held_camera_stays_in_one_place() -> None:
    cameras = static_cameras(3, Status.HELD, "it stands")
    np.testing.assert_array_equal(cameras.poses, np.tile(np.eye(4), (3, 1, 1)))
    assert (cameras.measured.any(), cameras.status, cameras.notes) == (False, Status.HELD, ("it stands",))
