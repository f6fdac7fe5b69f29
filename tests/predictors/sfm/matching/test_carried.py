"""What is carried along is told from a camera that stands while something passes, and gives no evidence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.geometry.keypoints import Keypoints
from da3_stream.predictors.sfm.matching.carried import carried_part, without_carried
from da3_stream.predictors.sfm.matching.correspondences import WindowMatches
from da3_stream.predictors.sfm.matching.pairs import window_pairs
from da3_stream.predictors.sfm.matching.tracks import TrackedPoints

SIZE, ROWS = (320, 240), 30
POINTS = np.random.default_rng(0).uniform((-8, -4, 2), (8, 4, 24), (1500, 3))
ON_CAR = np.random.default_rng(1).uniform((0, 0), SIZE, (1200, 2))

Row = dict[int, NDArray[np.float64]]  # where each thing is seen


def street(step: float) -> Row:
    """Points beside a way, after so many steps along it."""
    ahead = POINTS - (0.1 * step, 0, 0.5 * step)
    xy = 200 * ahead[:, :2] / ahead[:, 2:] + (160, 120)
    seen = (ahead[:, 2] > 1) & (np.abs(xy - (160, 120)) < (160, 120)).all(axis=1)
    return {int(number): xy[number] for number in np.flatnonzero(seen)}


def bonnet(row: Row, top: float) -> Row:
    """The row, covered by the car's own front below a height."""
    car = {10_000 + int(number): ON_CAR[number] for number in np.flatnonzero(ON_CAR[:, 1] > top)}
    return {**{number: xy for number, xy in row.items() if xy[1] < top}, **car}


def passed(row: Row, time: int, width: float, pace: float) -> Row:
    """The row, covered by a body of a width that passes at a pace in pixels."""
    left = pace * time - width
    body = np.random.default_rng(2).uniform((0, 0), (width, 240), (int(4 * width), 2)) + (left, 0)
    inside = np.flatnonzero((body[:, 0] > 0) & (body[:, 0] < 320))
    behind = {number: xy for number, xy in row.items() if not left < xy[0] < left + width}
    return {**behind, **{20_000 + int(number): body[number] for number in inside}}


def crowd(row: Row, time: int) -> Row:
    """The row, and in its lower half things that move each their own way."""
    rng = np.random.default_rng(3)
    start, pace = rng.uniform((0, 120), SIZE, (200, 2)), rng.normal(0, 5, (200, 2))
    xy = (start + pace * time - (0, 120)) % (320, 120) + (0, 120)
    return {**{number: at for number, at in row.items() if at[1] < 120}, **{30_000 + k: xy[k] for k in range(200)}}


def found(rows: list[Row]) -> WindowMatches:
    """Keypoints, matches and tracks of all that is seen in rows, with errors of a tenth of a pixel."""
    rng = np.random.default_rng(4)
    numbers = [np.array(sorted(row)) for row in rows]
    xy = [np.array([row[k] for k in sorted(row)]) + rng.normal(0, 0.1, (len(row), 2)) for row in rows]
    points = [of_row.astype(np.float32) for of_row in xy]
    matches = {}
    for a, b in window_pairs(len(rows)):
        _, first, second = np.intersect1d(numbers[a], numbers[b], return_indices=True)
        matches[a, b] = np.stack([first, second], axis=1).astype(np.uint32)
    keypoints = [Keypoints(of_row, np.zeros((len(of_row), 128), np.uint8)) for of_row in points]
    return WindowMatches(keypoints, matches, list(map(TrackedPoints, points, numbers)))


@pytest.mark.parametrize("top", [180.0, 90.0], ids=["a quarter", "most of the picture"])
def test_what_is_carried_along_gives_no_matches_and_no_tracks(top: float) -> None:
    window = found([bonnet(street(step), top) for step in range(ROWS)])
    cleaned = without_carried(window, SIZE)
    assert cleaned.moves and (top > 120 or not window.moves)
    for (a, b), before in window.matches.items():
        height = window.keypoints[a].xy[before[:, 0], 1]
        left = np.isin(before[:, 0], cleaned.matches[a, b][:, 0])
        scene = height < top - 20
        assert (~left[scene]).sum() <= 0.05 * scene.sum() and not left[height > top + 20].any()
    assert all((points.xy[:, 1] < top + 20).all() for points in cleaned.tracked)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rows",
    [
        lambda: [street(step) for step in range(ROWS)],
        lambda: [street(0) for _ in range(ROWS)],
        lambda: [passed(street(0), time, 200, 18) for time in range(ROWS)],
        lambda: [passed(street(0), time, 100, 12) for time in range(ROWS)],
        lambda: [crowd(street(0), time) for time in range(ROWS)],
        lambda: [street(max(0, step - 20)) for step in range(ROWS)],
    ],
    ids=["a drive", "a stand", "something large passes", "something small passes", "a crowd", "setting off"],
)
def test_nothing_is_carried_by_a_camera_that_stands_or_has_no_car_in_view(rows: Callable[[], list[Row]]) -> None:
    window = found(rows())
    assert not carried_part(window.keypoints, window.matches, SIZE).any() and without_carried(window, SIZE) is window
