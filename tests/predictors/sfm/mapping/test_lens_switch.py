"""A switch of lenses is found in the matches, and a camera that goes, leaps or turns is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.predictors.sfm.mapping.lens_switch import lens_switches
from da3_stream.predictors.sfm.matching.correspondences import Correspondences

Array = NDArray[np.float64]
SIZE = (320, 240)
COUNT = 16
ROWS = np.arange(COUNT, dtype=np.float64)
GOING: Array = 0.4 * ROWS


def drive(focals: Array, forward: Array, roll_rad: float = 0.0) -> Correspondences:
    """What cameras with these focal lengths [n] see that have gone forward so far [n]; a point is in all its rows."""
    random = np.random.default_rng(1)
    points = random.uniform((-20, -8, 4), (20, 8, 60), (900, 3))
    xy, ids = [], []
    for row, (focal, gone) in enumerate(zip(focals, forward, strict=True)):
        c, s = np.cos(row * roll_rad), np.sin(row * roll_rad)
        inside = points - (0, 0, gone)
        pixels = focal * (inside[:, :2] / inside[:, 2:]) @ np.array([[c, s], [-s, c]]) + np.array(SIZE) / 2
        pixels += random.normal(0, 0.3, pixels.shape)
        seen = np.flatnonzero((inside[:, 2] > 1) & ((pixels > 0) & (pixels < SIZE)).all(axis=1))
        xy.append(pixels[seen].astype(np.float32))
        ids.append(seen)
    matches = {}
    for row in range(len(xy) - 1):
        _, a, b = np.intersect1d(ids[row], ids[row + 1], return_indices=True)
        matches[row, row + 1] = np.stack([a, b], axis=1).astype(np.uint32)
    return Correspondences(xy, [len(points) for points in xy], matches)


def switch(factor: float) -> Array:
    return 200.0 * np.where(ROWS < 9, 1.0, factor)


@pytest.mark.parametrize("factor", [2.0, 0.5, 1.3])
def test_a_switch_is_found_with_its_row_and_factor(factor: float) -> None:
    (found,) = lens_switches(drive(switch(factor), GOING), SIZE[0])
    assert found.row == 9
    assert found.log_factor == pytest.approx(np.log(factor), abs=0.04)


def test_a_drive_a_roll_and_a_standing_camera_have_none() -> None:
    steady = np.full(COUNT, 200.0)
    for forward in (GOING, -GOING, np.zeros(COUNT)):
        assert lens_switches(drive(steady, forward, roll_rad=0.1), SIZE[0]) == ()


@pytest.mark.parametrize("leap", [3.0, 6.0])
def test_a_leap_forward_is_none(leap: float) -> None:
    forward = GOING + leap * (ROWS >= 9)
    assert lens_switches(drive(np.full(COUNT, 200.0), forward), SIZE[0]) == ()


def test_frames_without_matches_tell_nothing() -> None:
    seen = drive(switch(2.0), GOING)
    assert lens_switches(Correspondences(seen.xy, seen.tracked_from, {}), SIZE[0]) == ()
    assert lens_switches(Correspondences(seen.xy[:1], seen.tracked_from[:1], {}), SIZE[0]) == ()


def test_key_frames_that_are_farther_apart_are_no_switch_and_hide_none() -> None:
    rows = np.array([0, 1, 2, 5, 8, 9, 12, 15])
    steady = drive(np.full(COUNT, 200.0)[rows], GOING[rows])
    assert lens_switches(replace(steady, frames=rows), SIZE[0]) == ()
    (found,) = lens_switches(replace(drive(switch(1.3)[rows], GOING[rows]), frames=rows), SIZE[0])
    assert found.row == 5
