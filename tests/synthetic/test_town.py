"""A town is the same every time, its options do what they say, and impossible ones are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.errors import SyntheticError
from da3_stream.synthetic import CameraPath, Effects, Town
from da3_stream.synthetic import make_town as painted_anew
from tests.worlds.towns import make_town


def short(town: Town, frames: int) -> Town:
    path = CameraPath(town.path.world_from_camera[:frames], town.path.timestamps[:frames])
    return replace(town, path=path)


@pytest.mark.slow
def test_a_frame_alone_is_the_frame_in_sequence(room: Town) -> None:
    noisy = replace(short(room, 5), effects=Effects(0.5, 0.6, 0.5, 3.0, seed=7))
    sequence = list(noisy)
    assert len(sequence) == len(noisy) == 5
    for i in (4, 0, 2):
        alone = noisy.frame(i)
        np.testing.assert_array_equal(alone.image, sequence[i].image)
        np.testing.assert_array_equal(alone.depth, sequence[i].depth)
        assert alone.timestamp == sequence[i].timestamp


@pytest.mark.slow
@pytest.mark.parametrize("path", ["block", "handheld"])
def test_the_same_seed_gives_the_same_bytes(path: str) -> None:
    first, second = (make(path, frames=30, size=(64, 48)).frame(9) for make in (make_town, painted_anew))
    other = painted_anew(path, frames=30, size=(64, 48), seed=6).frame(9)
    assert first.image.tobytes() == second.image.tobytes()
    assert first.depth.tobytes() == second.depth.tobytes()
    assert first.image.tobytes() != other.image.tobytes()


@pytest.mark.slow
def test_a_frame_carries_its_truth(street: Town) -> None:
    frame = street.frame(17)
    assert frame.image.shape == (120, 160, 3)
    assert frame.image.dtype == np.uint8
    assert frame.depth.shape == (120, 160)
    assert frame.depth.dtype == np.float32
    assert frame.timestamp == pytest.approx(1.7)
    np.testing.assert_array_equal(frame.world_from_camera, street.path.world_from_camera[17])
    np.testing.assert_allclose(frame.intrinsics[:2, 2], (80, 60))


def test_the_eye_stands_at_its_height_over_the_road(street: Town) -> None:
    frame = street.frame(3)
    z = frame.depth[110, 80]
    ray = np.linalg.inv(frame.intrinsics) @ (80.5, 110.5, 1.0)
    ground = frame.world_from_camera[:3, :3] @ (ray * z) + frame.world_from_camera[:3, 3]
    assert ground[2] == pytest.approx(0.0, abs=1e-4)


def test_places_do_not_look_alike(street: Town) -> None:
    images = np.array([street.frame(i).image.mean(axis=2)[::4, ::4].ravel() for i in range(5, 300, 59)])
    correlation = np.corrcoef(images - images.mean(axis=0)) - np.eye(len(images))
    assert correlation.max() < 0.8


@pytest.mark.slow
def test_cars_move_and_hide_what_is_behind() -> None:
    empty = make_town("block", frames=300, size=(96, 72))
    town = make_town("block", frames=300, size=(96, 72), cars=8)
    assert len(town.scene.movers) == 8
    there, later = (town.scene.movers[0].at(t).origin[0] for t in (0.0, 0.1))
    assert 0.3 < np.linalg.norm(later - there) < 0.7
    hidden = [(empty.frame(i).depth - town.frame(i).depth)[empty.frame(i).depth > 0] for i in range(0, 60, 6)]
    assert min(difference.min() for difference in hidden) > -1e-3
    assert max((difference > 0.5).mean() for difference in hidden) > 0.01


def test_exposure_changes_the_brightness_over_time(room: Town) -> None:
    swinging = replace(room, effects=Effects(exposure=1.0))
    ratio = [swinging.frame(i).image.mean() / room.frame(i).image.mean() for i in (0, 97, 290)]
    assert max(ratio) / min(ratio) > 1.4


@pytest.mark.parametrize("effects", [Effects(blur=1.5), Effects(shutter=1.0)])
def test_blur_takes_detail_and_leaves_depth(room: Town, effects: Effects) -> None:
    clean, blurred = room.frame(40), replace(room, effects=effects).frame(40)
    detail = [np.abs(np.diff(frame.image.astype(float), axis=1)).mean() for frame in (clean, blurred)]
    assert detail[1] < 0.97 * detail[0]
    assert blurred.image.mean() == pytest.approx(clean.image.mean(), rel=0.02)
    np.testing.assert_array_equal(clean.depth, blurred.depth)


def test_noise_has_its_sigma_and_changes_from_frame_to_frame(room: Town) -> None:
    noisy = replace(room, effects=Effects(noise=4.0))
    residual = [noisy.frame(i).image.astype(float) - room.frame(i).image for i in (3, 4)]
    assert np.median(np.abs(residual[0])) == pytest.approx(0.6745 * 4 * np.hypot(1, 0.35), rel=0.15)
    assert abs(np.corrcoef(residual[0].ravel(), residual[1].ravel())[0, 1]) < 0.2


@pytest.mark.slow
def test_a_path_of_ones_own_is_followed(street: Town) -> None:
    path = CameraPath(street.path.world_from_camera[100:103], np.array([0.0, 0.2, 0.5]))
    town = make_town(path, frames=3, size=(64, 48))
    assert town.frame(2).timestamp == 0.5
    np.testing.assert_array_equal(town.frame(1).world_from_camera, street.path.world_from_camera[101])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"path": "moon"}, "there is no path 'moon'; choose one of block, eight"),
        ({"frames": 0}, "frames and laps must be at least 1"),
        ({"laps": 0}, "frames and laps must be at least 1"),
        ({"frames": 100, "laps": 9}, "9 laps need at least"),
        ({"size": (8, 240)}, "between 16 and 8192 pixels"),
        ({"size": (320, 10000)}, "between 16 and 8192 pixels"),
        ({"hfov_deg": 180.0}, "field of view"),
        ({"hfov_deg": 0.0}, "field of view"),
        ({"cars": -1}, "cannot be negative"),
        ({"cars": 2, "path": "handheld"}, "no cars drive in a room"),
        ({"blur": -1.0}, "blur must be zero or more"),
        ({"noise": float("nan")}, "noise must be zero or more"),
        ({"exposure": float("inf")}, "exposure must be zero or more"),
        ({"shutter": 1.5}, "shutter cannot be open for more"),
        ({"seed": -1}, "seed"),
        ({"path": CameraPath(np.eye(4)[None], np.zeros(1)), "frames": 2}, "the path has 1 poses"),
    ],
)
def test_what_cannot_be_is_refused(options: dict, sentence: str) -> None:
    arguments = {"path": "block", "frames": 20, **options}
    with pytest.raises(SyntheticError, match=sentence):
        make_town(**arguments)


def test_a_frame_that_is_not_there_is_refused(room: Town) -> None:
    for index in (-1, 300):
        with pytest.raises(SyntheticError, match=f"frames 0 to 299, not {index}"):
            room.frame(index)
