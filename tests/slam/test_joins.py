"""A join is believed where the shared cameras lie as both windows say, and doubted where they do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.geometry import Sim3
from da3_stream.slam.edges import odometry_edge
from da3_stream.slam.joins import assess_join, with_join
from da3_stream.slam.splitting import SubmapGeometry
from da3_stream.stitching import align_windows
from da3_stream.trust import load_judge
from da3_stream.types import Status, WindowGeometry

SHARED, COUNT = 8, 30
K = np.array([[20.0, 0, 16], [0, 20.0, 12], [0, 0, 1]])


def window(first: int, *, unit: float = 1.0, bend: float = 0.0) -> WindowGeometry:
    """Frames of a drive towards a wall with a relief, in a unit of its own; `bend` lets its first steps grow."""
    z = 0.2 * np.arange(first, first + COUNT) + bend * np.maximum(0, SHARED - np.arange(COUNT)) ** 2 / SHARED
    poses = np.tile(np.eye(4), (COUNT, 1, 1))
    poses[:, 2, 3] = z / unit
    relief = np.tile(30 + 5 * np.sin(np.arange(32.0)), (24, 1))
    depth = ((relief - z[:, None, None]) / unit).astype(np.float32)
    images = np.zeros((COUNT, 24, 32, 3), np.uint8)
    return WindowGeometry(
        np.arange(first, first + COUNT), images, depth, np.ones_like(depth), np.tile(K, (COUNT, 1, 1)), poses, False
    )


PREVIOUS = window(0)


@pytest.mark.parametrize("unit", [1.0, 3.0])
def test_windows_that_agree_are_believed(unit: float) -> None:
    current = window(COUNT - SHARED, unit=unit)
    join = assess_join(PREVIOUS, current, align_windows(PREVIOUS, current), load_judge())
    assert join.confidence > 0.9 and join.witnesses["join_shift"] < 0.05 and join.witnesses["join_shared"] == SHARED


def test_windows_that_agree_in_depth_but_not_in_their_path_are_doubted() -> None:
    current = window(COUNT - SHARED, bend=2.0)
    alignment = align_windows(PREVIOUS, window(COUNT - SHARED))  # as if nothing were wrong
    join = assess_join(PREVIOUS, current, alignment, load_judge())
    assert join.confidence < 0.5 and join.witnesses["join_shift"] > 1


def test_an_alignment_of_another_scale_than_the_cameras_is_doubted() -> None:
    current = window(COUNT - SHARED)
    found = align_windows(PREVIOUS, current)
    wrong = replace(found, previous_from_current=found.previous_from_current @ Sim3(2.0, np.eye(3), np.zeros(3)))
    join = assess_join(PREVIOUS, current, wrong, load_judge())
    assert join.confidence < 0.5 and join.witnesses["join_scale"] == pytest.approx(np.log(2), abs=0.05)


def test_near_a_join_no_pose_is_surer_than_the_join() -> None:
    current = replace(window(COUNT - SHARED), pose_confidence=np.full(COUNT, 0.9))
    join = replace(assess_join(PREVIOUS, current, align_windows(PREVIOUS, current), load_judge()), confidence=0.2)
    part = with_join(SubmapGeometry(current, np.arange(COUNT) >= SHARED // 2), join)
    near = np.abs(np.arange(COUNT) - SHARED // 2) <= 10
    assert (part.geometry.pose_confidence[near] == 0.2).all() and (part.geometry.pose_confidence[~near] == 0.9).all()
    assert (np.isfinite(part.geometry.witnesses["join_shift"]) == near).all()


def test_the_judge_doubts_both_sides_of_a_join_from_its_witnesses() -> None:
    row = np.arange(2 * COUNT)
    bad = np.where((row >= COUNT) & (row <= COUNT + 10), 30.0, np.nan)
    witnesses = {"join_shift": bad, "join_turn_deg": bad, "join_scale": bad}
    told = load_judge().confidence(witnesses, (Status.HELD,) * (2 * COUNT), (row >= COUNT).astype(np.int64))
    doubted = (row >= COUNT - 10) & (row <= COUNT + 10)
    assert (told[doubted] < 0.5).all() and (told[~doubted] > 0.5).all()


def test_an_edge_in_doubt_is_weaker_and_one_that_is_believed_is_as_it_was() -> None:
    arguments = (0, 1, Sim3.identity(), np.eye(7))
    full, sure, doubted = (odometry_edge(*arguments, confidence) for confidence in (1.0, 0.6, 0.1))
    np.testing.assert_array_equal(full.information, sure.information)
    np.testing.assert_allclose(doubted.information, full.information / 25)
