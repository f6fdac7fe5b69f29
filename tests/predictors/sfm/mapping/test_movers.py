"""A stand is believed where what does not move says so, whatever passes; and never where the camera drives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.geometry.keypoints import Keypoints
from da3_stream.predictors.sfm.mapping.assemble import WindowCameras
from da3_stream.predictors.sfm.mapping.movers import Stand, StandFinder
from da3_stream.predictors.sfm.mapping.standing import standing_advice, with_stands, without_stands
from da3_stream.predictors.sfm.matching.correspondences import Correspondences
from da3_stream.predictors.sfm.matching.pairs import window_pairs
from da3_stream.types import AdviceCode, Frame, Status

SIZE = (320, 240)
POINTS = 300
DRIVE_PX = 9.0  # what the street moves by in a step of the camera
BODY_PX = 25.0  # what passes moves by in a row

Points = NDArray[np.float32]
Row = tuple[NDArray[np.int64], Points]  # which things are seen, and where


def view(step: float, body_row: int | None = None, cover: float = 0.7, bonnet: bool = False) -> Row:
    """A street after so many steps, a body in front of its left part, a bonnet below: things by number, and where."""
    rng = np.random.default_rng(0)
    street = rng.uniform(0, 1, (4 * POINTS, 2)) * (4 * SIZE[0], SIZE[1])
    pace = DRIVE_PX * rng.uniform(0.6, 1.4, (len(street), 1))  # near things move farther
    xy, numbers = street - step * pace * (1, 0), np.arange(len(street))
    seen = (xy[:, 0] > 0) & (xy[:, 0] < SIZE[0])
    seen &= (xy[:, 0] > cover * SIZE[0]) | (body_row is None)
    parts = [(numbers[seen], xy[seen])]
    if body_row is not None:
        body = rng.uniform(0, 1, (40 * POINTS, 2)) * (40 * SIZE[0], SIZE[1]) - (BODY_PX * body_row, 0)
        on = (body[:, 0] > 0) & (body[:, 0] < cover * SIZE[0])
        parts.append((10_000 + np.flatnonzero(on), body[on]))
    if bonnet:
        parts.append((90_000 + np.arange(150), rng.uniform(0, 1, (150, 2)) * (SIZE[0], 40) + (0, 200)))
    found = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    noise = np.random.default_rng(int(100 * step) + (body_row or 0)).normal(0, 0.15, found[1].shape)
    return found[0], (found[1] + noise).astype(np.float32)


def matched(first: Row, second: Row) -> NDArray[np.uint32]:
    """What both rows see of the same things."""
    _, a, b = np.intersect1d(first[0], second[0], return_indices=True)
    return np.stack([a, b], axis=1).astype(np.uint32)


def finder(rows: Sequence[Row]) -> StandFinder:
    keypoints = [Keypoints(xy, np.zeros((len(xy), 128), np.uint8)) for _, xy in rows]
    matches = {(a, b): matched(rows[a], rows[b]) for a, b in window_pairs(len(rows))}
    return StandFinder(keypoints, matches, SIZE, lambda pair: matched(rows[pair[0]], rows[pair[1]]))


def stop(cover: float = 0.7, bonnet: bool = False) -> list[Row]:
    """Ten steps, a stand of fifteen rows during which something passes, ten more steps."""
    before, after = (
        [view(step, bonnet=bonnet) for step in range(11)],
        [view(step, bonnet=bonnet) for step in range(10, 21)],
    )
    return [*before, *(view(10, body, cover, bonnet) for body in range(13)), *after]


@pytest.mark.parametrize("cover", [0.5, 0.8, 1.0], ids=["half", "most", "all of the picture"])
def test_a_stand_is_found_whatever_passes(cover: float) -> None:
    assert finder(stop(cover)).find() == [Stand(10, 24)]


@pytest.mark.parametrize("rows", [slice(0, 18), slice(15, None)], ids=["ends", "begins"])
def test_a_window_may_begin_or_end_while_something_passes(rows: slice) -> None:
    (stand,) = finder(stop()[rows]).find()
    assert stand == (Stand(10, 17) if rows.start == 0 else Stand(0, 9))


@pytest.mark.parametrize(
    "rows",
    [
        lambda: [view(step) for step in range(30)],
        lambda: [view(step, bonnet=True) for step in range(30)],
        lambda: [view(abs(step)) for step in range(-15, 15)],
        lambda: [view(step, bonnet=step > 9) for step in range(30)],
    ],
    ids=["a drive", "a bonnet", "there and back", "a car ahead that keeps its distance from some time on"],
)
def test_a_camera_that_moves_does_not_stand(rows: Callable[[], list[Row]]) -> None:
    assert finder(rows()).find() == []


def test_a_stand_from_the_first_row_to_the_last_needs_most_of_the_picture() -> None:
    crowd = [view(0), *(view(0, body, 0.6) for body in range(10)), view(0)]
    assert finder(crowd).find() == [Stand(0, 11)]


@pytest.mark.parametrize("cover", [0.6, 0.8])
def test_a_window_may_lie_amid_a_stand_while_something_passes_throughout(cover: float) -> None:
    assert finder([view(0, body, cover) for body in range(20)]).find() == [Stand(0, 19, sure=False)]


def test_a_stand_is_one_row_with_the_points_of_its_ends_and_what_did_not_move_once() -> None:
    xy = [np.array([[x, 5.0], [x, 9.0], [50.0, 50.0]], np.float32) for x in (0, 9, 9, 9, 30)]
    identity = np.array([[0, 0], [1, 1], [2, 2]], np.uint32)
    xy[3][1] = (20, 20)  # moved between the ends
    pairs = [(0, 1), (1, 2), (2, 3), (3, 4), (1, 3), (0, 2), (2, 4), (0, 4)]
    without = without_stands(Correspondences(xy, [2] * 5, dict.fromkeys(pairs, identity)), [Stand(1, 3)])
    assert without.correspondences.frames is None  # a stand takes no time: the camera goes on behind it
    reduced = without.correspondences
    assert without.row_of.tolist() == [0, 1, 1, 1, 2] and not without.stands_throughout
    assert set(reduced.matches) == {(0, 1), (1, 2), (0, 2)} and reduced.tracked_from == [2, 4, 2]
    ends = reduced.xy[1]
    assert ends.tolist() == [*xy[1][:2].tolist(), *xy[3][:2].tolist(), xy[1][2].tolist(), xy[3][2].tolist()]
    assert reduced.matches[0, 1].tolist() == [[0, 0], [1, 1], [2, 4]]
    assert reduced.matches[1, 2].tolist() == [[0, 0], [3, 1], [4, 2]]  # what stood is the same point, what moved is not


def test_the_frames_of_a_stand_are_held_at_one_pose() -> None:
    xy = [np.zeros((0, 2), np.float32)] * 6
    without = without_stands(Correspondences(xy, [0] * 6, {}), [Stand(1, 4)])
    poses = np.tile(np.eye(4), (3, 1, 1))
    poses[:, 0, 3] = range(3)
    spread = {"step": np.arange(3.0)}
    cameras = with_stands(WindowCameras(poses, np.ones(3, bool), (2,), Status.WEAK, ("a cut",), spread), without)
    assert cameras.witnesses["step"].tolist() == [0, 1, 1, 1, 1, 2]
    assert cameras.poses[:, 0, 3].tolist() == [0, 1, 1, 1, 1, 2]
    assert cameras.measured.tolist() == [True, True, False, False, True, True] and cameras.breaks == (5,)
    assert cameras.frame_status == (Status.WEAK,) * 2 + (Status.HELD,) * 2 + (Status.WEAK,) * 2


def test_the_user_hears_when_something_passed() -> None:
    frames = [Frame(10 + row, row / 10, np.zeros((2, 2, 3), np.uint8), "") for row in range(6)]
    (advice,) = standing_advice(frames, [Stand(1, 4)])
    assert (advice.code, advice.first_frame, advice.last_frame) == (AdviceCode.MOVING_OBJECTS, 11, 14)
    assert not advice.distrusts_map
