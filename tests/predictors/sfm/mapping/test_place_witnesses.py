"""Tracks of a camera in one place move as its rotation does, or speak against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry.keypoints import Keypoints
from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.mapping.assemble import WindowCameras, static_cameras
from da3_stream.predictors.sfm.mapping.movers import Stand
from da3_stream.predictors.sfm.mapping.place_witnesses import with_place_witnesses
from da3_stream.predictors.sfm.matching.correspondences import WindowMatches
from da3_stream.predictors.sfm.matching.pairs import match_tracks
from da3_stream.predictors.sfm.matching.tracks import TrackedPoints
from da3_stream.types import Status

COUNT, POINTS = 20, 200
SIZE = (320, 240)
LENS = Lens(210.0, 210.0, 160.0, 120.0)
TURNS = Rotation.from_rotvec(np.outer(np.arange(COUNT), [0.0, 0.7, 0.0]), degrees=True).as_matrix()
RAYS = np.column_stack([np.random.default_rng(4).uniform(-0.5, 0.5, (POINTS, 2)), np.ones(POINTS)])


def tracks(rotations: NDArray[np.float64], drifting: float = 0.0) -> list[TrackedPoints]:
    """Far points as a turned camera sees them; a share of them moves by two pixels a frame beside that."""
    found = []
    for i, rotation in enumerate(rotations):
        local = RAYS @ rotation
        xy = local[:, :2] / local[:, 2:] * LENS.fx + [LENS.cx, LENS.cy]
        xy[: int(drifting * POINTS), 1] += 2.0 * i
        found.append(TrackedPoints(xy.astype(np.float32), np.arange(POINTS)))
    return found


def seen(tracked: list[TrackedPoints]) -> WindowMatches:
    """The same points as keypoints; of pairs of rows those match that are tracked."""
    keypoints = [Keypoints(points.xy, np.zeros((len(points.xy), 128), np.uint8)) for points in tracked]
    pairs = [(a, a + offset) for offset in (1, 2, 4, 8) for a in range(len(tracked) - offset)]
    return WindowMatches(keypoints, {(a, b): match_tracks(tracked[a], tracked[b]) for a, b in pairs}, tracked)


def turning() -> WindowCameras:
    cameras = static_cameras(COUNT, Status.TURNED, "")
    poses = cameras.poses.copy()
    poses[:, :3, :3] = TURNS
    return replace(cameras, poses=poses)


STANDING = static_cameras(COUNT, Status.HELD, "")


@pytest.mark.parametrize(
    ("cameras", "rotations"),
    [(STANDING, np.tile(np.eye(3), (COUNT, 1, 1))), (turning(), TURNS)],
    ids=["stands", "turns"],
)
def test_a_camera_in_one_place_is_supported_by_all_tracks(cameras: WindowCameras, rotations: NDArray) -> None:
    values = with_place_witnesses(cameras, seen(tracks(rotations)), LENS, SIZE).witnesses
    assert (values["track_support"] == 1).all() and (values["track_support_far"] == 1).all()
    assert (values["track_residual_far_px"] < 0.01).all()


def test_what_moves_though_the_camera_stands_takes_support_away() -> None:
    values = with_place_witnesses(STANDING, seen(tracks(np.tile(np.eye(3), (COUNT, 1, 1)), 0.4)), LENS, SIZE).witnesses
    assert values["track_support_far"] == pytest.approx(0.6) and (values["track_residual_far_px"] < 1).all()


def test_what_moves_is_told_by_the_share_of_the_picture_that_it_fills() -> None:
    """A bonnet in half of the picture has most of the tracks, and still the camera may move."""
    cells = (4.0, 4.0)
    grid = np.stack(np.meshgrid(np.arange(320 // cells[0]), np.arange(240 // cells[1])), axis=-1).reshape(-1, 2) * cells
    below = np.flatnonzero(grid[:, 1] >= 120)
    above = np.flatnonzero(grid[:, 1] < 120)[::10]
    start = grid[np.concatenate([above, below])]
    step = np.where(np.arange(len(start))[:, None] < len(above), [1.0, 0.0], [0.0, 0.0])
    ids = np.arange(len(start))
    moving = [TrackedPoints((start + i * step).astype(np.float32), ids) for i in range(COUNT)]
    values = with_place_witnesses(STANDING, seen(moving), LENS, SIZE).witnesses
    assert (values["track_support_far"] > 0.9).all() and values["moved_cover"] == pytest.approx(0.5, abs=0.1)


def test_a_wrong_turn_has_no_support() -> None:
    values = with_place_witnesses(turning(), seen(tracks(TURNS[::-1])), LENS, SIZE).witnesses
    assert (values["track_support"] < 0.1).all()


def test_rows_that_go_on_keep_what_was_known_of_them() -> None:
    poses = np.tile(np.eye(4), (COUNT, 1, 1))
    poses[:10, 2, 3] = np.arange(10)
    poses[10:, 2, 3] = 9.0
    known = {"track_support": np.full(COUNT, 0.25), "measured": np.ones(COUNT)}
    cameras = replace(STANDING, poses=poses, witnesses=known)
    values = with_place_witnesses(cameras, seen(tracks(np.tile(np.eye(3), (COUNT, 1, 1)))), LENS, SIZE).witnesses
    assert (values["track_support"][:9] == 0.25).all() and (values["track_support"][9:] == 1).all()
    assert (values["measured"] == 1).all()


def test_tracks_tell_nothing_where_something_passes() -> None:
    moving = tracks(np.tile(np.eye(3), (COUNT, 1, 1)), 0.8)
    values = with_place_witnesses(STANDING, seen(moving), LENS, SIZE, [Stand(5, 12)]).witnesses["track_support_far"]
    assert np.isnan(values[5:13]).all() and (values[:5] < 0.5).all() and (values[13:] < 0.5).all()
