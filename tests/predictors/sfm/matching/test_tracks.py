"""Key points and tracks say where things are, with the first pixel's centre at 0.5, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.geometry.keypoints import extract_keypoints
from da3_stream.predictors.sfm.matching.tracks import TRACK_WINDOW_PX, track_points

SHAPE = (120, 160)


def blob(x: float, y: float, sigma: float = 5.0, shape: tuple[int, int] = SHAPE) -> NDArray[np.uint8]:
    """A soft bright spot whose middle is at (x, y), the first pixel's centre being at 0.5."""
    columns, rows = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    light = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return np.round(40 + 180 * light).astype(np.uint8)


def waves(shift: tuple[float, float]) -> NDArray[np.uint8]:
    """Waves in all directions, moved by exactly (x, y) pixels."""
    rng = np.random.default_rng(0)
    frequency, phase = rng.uniform(-0.5, 0.5, (60, 2)), rng.uniform(0, 2 * np.pi, 60)
    columns, rows = np.meshgrid(np.arange(SHAPE[1]) - shift[0], np.arange(SHAPE[0]) - shift[1])
    angle = columns[..., None] * frequency[:, 0] + rows[..., None] * frequency[:, 1] + phase
    return np.round(np.clip(128 + 12 * np.sin(angle).sum(axis=-1), 0, 255)).astype(np.uint8)


@pytest.mark.parametrize(("x", "y"), [(80.0, 60.0), (60.5, 40.5), (91.3, 71.8)])
@pytest.mark.parametrize("shape", [SHAPE, (300, 400)], ids=["enlarged", "as it is"])
def test_a_blobs_key_point_is_at_its_middle(x: float, y: float, shape: tuple[int, int]) -> None:
    (found,) = extract_keypoints([blob(x, y, shape=shape)])
    assert np.linalg.norm(found.xy - (x, y), axis=1).min() < 0.1
    assert found.xy.dtype == np.float32
    assert found.descriptors.shape == (len(found.xy), 128)
    assert found.descriptors.dtype == np.uint8


def test_a_new_track_begins_at_the_middle_of_the_bright_pixel() -> None:
    picture = np.full(SHAPE, 40, np.uint8)
    picture[40, 60] = 255
    (points,) = track_points([picture])
    np.testing.assert_allclose(points.xy, [(60.5, 40.5)], atol=0.01)


def test_tracks_follow_a_moving_picture_by_what_it_moves() -> None:
    moves = [(1.7 * i, -0.6 * i) for i in range(4)]
    points = track_points([waves(move) for move in moves])
    for first, second in zip(points[:-1], points[1:], strict=True):
        _, a, b = np.intersect1d(first.track, second.track, return_indices=True)
        assert len(a) > 30
        np.testing.assert_allclose(np.median(second.xy[b] - first.xy[a], axis=0), (1.7, -0.6), atol=0.05)


def test_a_track_is_on_a_frame_at_most_once_and_lost_ones_never_return() -> None:
    points = track_points([waves((4.0 * i, 0.0)) for i in range(6)])
    for found in points:
        assert len(np.unique(found.track)) == len(found.track) == len(found.xy)
    for first, second, third in zip(points[:-2], points[1:-1], points[2:], strict=True):
        lost = np.setdiff1d(first.track, second.track)
        assert not np.isin(lost, third.track).any()


def test_tracks_stay_inside_the_picture() -> None:
    for found in track_points([waves((6.0 * i, 3.0 * i)) for i in range(5)]):
        assert (found.xy > 0).all()
        assert (found.xy < SHAPE[::-1]).all()


@pytest.mark.parametrize("value", [0, 127, 255])
def test_blank_pictures_hold_nothing(value: int) -> None:
    blank = np.full(SHAPE, value, np.uint8)
    for found in extract_keypoints([blank, blank]):
        assert found.xy.shape == (0, 2)
        assert found.descriptors.shape == (0, 128)
    for points in track_points([blank, blank, blank]):
        assert points.xy.shape == (0, 2)
        assert points.track.shape == (0,)


def test_tracks_end_in_blank_frames_and_begin_anew_after_them() -> None:
    picture, blank = waves((0, 0)), np.zeros(SHAPE, np.uint8)
    before, _, after = track_points([picture, blank, picture])
    assert len(before.xy) > 30
    assert len(after.xy) > 30
    assert not np.isin(before.track, after.track).any()


def test_noise_that_changes_from_frame_to_frame_is_hardly_followed() -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, SHAPE, dtype=np.uint8) for _ in range(3)]
    points = track_points(noise)
    followed = np.intersect1d(points[0].track, points[1].track)
    assert len(followed) < 0.25 * len(points[0].track)
    assert all(len(found.xy) == len(found.descriptors) for found in extract_keypoints(noise))


def test_faint_noise_gives_well_formed_findings() -> None:
    rng = np.random.default_rng(1)
    faint = [rng.integers(127, 130, SHAPE, dtype=np.uint8) for _ in range(2)]
    assert all(found.xy.shape[1] == 2 for found in extract_keypoints(faint))
    assert all(len(found.xy) == len(found.track) for found in track_points(faint))


def test_no_track_is_on_what_is_masked_or_so_near_that_it_would_be_dragged() -> None:
    pictures = [waves((0.0, 6.0 * i)) for i in range(5)]  # down, into the masked part
    mask = np.ones(SHAPE, np.bool_)
    mask[80:] = False
    points = track_points(pictures, [mask] * 5)
    assert all(len(found.xy) > 10 and found.xy[:, 1].max() <= 80 - TRACK_WINDOW_PX // 2 for found in points)
    entered = points[0].xy[:, 1] > 60
    assert entered.any() and not np.isin(points[0].track[entered], points[-1].track).any()
    late = track_points(pictures, [None, None, mask, mask, mask])
    assert late[1].xy[:, 1].max() > 90 and late[2].xy[:, 1].max() < 80
