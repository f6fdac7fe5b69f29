"""What goes with the camera is found while the scene moves, and nothing else is lost; masks survive an interruption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.frames import AHEAD, MaskedFrames
from da3_stream.frames.gate.image_quality import measure_quality
from da3_stream.frames.gate.optical_flow import measure_motion
from da3_stream.frames.static_mask.scene_motion import SceneFlow
from da3_stream.types import Frame

UInt8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

WIDTH, HEIGHT = 200, 150


def texture(seed: int, height: int, width: int) -> UInt8:
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    coarse = cv2.GaussianBlur(noise, (0, 0), 2.0)
    image = cv2.normalize(coarse, None, 20, 235, cv2.NORM_MINMAX).astype(np.uint8)  # type: ignore[call-overload]
    return np.repeat(image[..., None], 3, axis=2)


def drive(count: int, step: tuple[int, int] = (4, 2), seed: int = 0) -> list[UInt8]:
    """A camera that glides over a textured wall, with a little noise of its own."""
    wall, rng = texture(seed, HEIGHT + 2 * 130, WIDTH + 4 * 130), np.random.default_rng(seed)
    seen = [wall[step[1] * k :, step[0] * k :][:HEIGHT, :WIDTH] for k in range(count)]
    return [np.clip(image + rng.normal(0, 1.5, image.shape), 0, 255).astype(np.uint8) for image in seen]


def bonnet() -> tuple[UInt8, Bool]:
    x, y = np.meshgrid(np.linspace(-1, 1, WIDTH), np.linspace(0, 1, HEIGHT))
    return texture(9, HEIGHT, WIDTH) // 2, y > 0.75 + 0.1 * x**2


def plate() -> tuple[UInt8, Bool]:
    """A flat plate with one line of writing."""
    image, where = np.full((HEIGHT, WIDTH, 3), 200, np.uint8), np.zeros((HEIGHT, WIDTH), np.bool_)
    where[20:50, 120:180] = True
    image[32:38, 130:170] = 20
    return image, where


def under(overlay: tuple[UInt8, Bool], images: Sequence[UInt8]) -> list[UInt8]:
    image, where = overlay
    return [np.where(where[..., None], image, below) for below in images]


def frames(images: Sequence[UInt8]) -> list[Frame]:
    return [Frame(k, k / 10, image, str(k)) for k, image in enumerate(images)]


def masks(images: Sequence[UInt8]) -> list[Bool | None]:
    return [frame.mask for frame in MaskedFrames(frames(images))]


def found_and_lost(mask: Bool | None, where: Bool) -> tuple[float, float]:
    gone = np.zeros(where.shape, np.bool_) if mask is None else ~mask
    return float(gone[where].mean()), float(gone[~where].mean())


@pytest.mark.slow
@pytest.mark.parametrize("overlay", [bonnet(), plate()], ids=["bonnet", "plate"])
def test_what_goes_with_the_camera_is_found_from_the_first_frame_on(overlay: tuple[UInt8, Bool]) -> None:
    told = masks(under(overlay, drive(50)))
    for mask in (told[0], told[-1]):
        found, lost = found_and_lost(mask, overlay[1])
        assert found >= 0.95 and lost <= 0.02
    assert len({id(mask) for mask in told}) <= 4  # shared, not one for each frame


def frame_around(share: float) -> tuple[UInt8, Bool]:
    """Something around a window that takes a share of the image, as strongly textured as what is seen through it."""
    where, side = np.ones((HEIGHT, WIDTH), np.bool_), (1 - share) ** 0.5
    high, wide = int(side * HEIGHT), int(side * WIDTH)
    where[HEIGHT // 3 :][:high, WIDTH // 4 :][:, :wide] = False
    return texture(7, HEIGHT, WIDTH), where


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.66, 0.78])
def test_what_goes_with_the_camera_is_found_where_it_has_most_of_the_image(share: float) -> None:
    image, where = frame_around(share)
    found, lost = found_and_lost(masks(under((image, where), drive(50)))[0], where)
    assert found >= 0.95 and lost <= 0.02


def straight_on(count: int) -> list[UInt8]:
    """A camera that drives straight on over textured ground between textured walls, under a sky with clouds."""
    x, y = np.meshgrid(np.arange(WIDTH) - WIDTH / 2 + 0.5, np.arange(HEIGHT) - HEIGHT / 2 + 0.5)
    depth = np.minimum(1.0 / np.maximum(y, 1e-3), 1.5 / np.maximum(np.abs(x), 1e-3))
    sky, side = y < -3.0 * np.abs(x), 1.5 / np.abs(x) < 1.0 / np.maximum(y, 1e-3)
    height = np.where(side, y, np.where(x > 0, 1.0, -1.0) * x) * depth
    wall, clouds = texture(3, 512, 512), 180 + texture(4, HEIGHT, WIDTH) // 12
    rng, images = np.random.default_rng(2), []
    for k in range(count):
        along = (1.2 * depth * WIDTH + 0.16 * k) * 20
        seen = cv2.remap(wall, *(np.float32(v % 500) for v in (along, 120 * height + 250)), cv2.INTER_LINEAR)
        image = np.where(sky[..., None], clouds, seen)
        images.append(np.clip(image + rng.normal(0, 1.5, image.shape), 0, 255).astype(np.uint8))
    return images


def legs() -> tuple[UInt8, Bool]:
    """A leg of a drone that hangs from the upper border towards the focus of expansion."""
    where = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.line(where, (10, -2), (60, 40), 1, 7)
    return texture(5, HEIGHT, WIDTH) // 3, where > 0


@pytest.mark.slow
@pytest.mark.parametrize("overlay", [plate(), legs()], ids=["plate", "leg"])
def test_a_straight_drive_shows_what_hangs_into_the_upper_half(overlay: tuple[UInt8, Bool]) -> None:
    found, lost = found_and_lost(masks(under(overlay, straight_on(60)))[-1], overlay[1])
    assert found > 0.9
    assert lost < 0.02


@pytest.mark.slow
def test_a_straight_drive_loses_no_sky() -> None:
    assert masks(straight_on(60))[-1] is None


def beside_the_sea(count: int) -> list[UInt8]:
    """A drone without a turn flies towards land; on the left is sea, which only moves near the shore. The horizon
    is in the upper half of the image."""
    land, near = drive(count, step=(4, 0), seed=1)[::-1], drive(count, step=(2, 0), seed=2)[::-1]
    far = texture(4, HEIGHT, WIDTH)
    sky, shore, rng = slice(0, 68), slice(124, HEIGHT), np.random.default_rng(5)
    for k, (image, waves) in enumerate(zip(land, near, strict=True)):
        sea = slice(0, 110 - k)
        image[:, sea] = np.clip(far + rng.normal(0, 1.5, far.shape), 0, 255)[:, sea]
        image[shore, sea] = waves[shore, sea]
        image[sky] = 210
    return land


@pytest.mark.slow
def test_a_sea_too_far_away_to_move_is_not_lost() -> None:
    mask = masks(beside_the_sea(45))[-1]
    assert mask is None or (~mask).mean() < 0.015


def test_ground_below_what_stands_and_above_what_moves_may_be_far_away() -> None:
    at = np.float32([[0.9 * WIDTH, 0.3 * HEIGHT], [0.1 * WIDTH, 0.8 * HEIGHT]])
    flow = SceneFlow(np.zeros((6, 2)), 2.0, 2.0, np.zeros(2, np.float32), 0.1, at, 0 * at, (WIDTH, HEIGHT))
    near = flow.is_near(10, 10)
    assert not near[:8, :3].any() and near[8:, :3].all()  # the sea, but for the shore
    assert near[3:, 8:].all() and not near[:3, 8:].any() and near[:, 4:7].all()


@pytest.mark.slow
def test_a_scene_without_anything_of_the_kind_loses_nothing() -> None:
    assert masks(drive(50)) == [None] * 50


def test_a_camera_that_stands_loses_nothing() -> None:
    assert masks(drive(50, step=(0, 0))) == [None] * 50


def test_a_camera_that_stands_loses_nothing_when_something_passes() -> None:
    still, passing = drive(50, step=(0, 0)), texture(3, 60, 50)
    for k, image in enumerate(still):
        image[40:100, 3 * k : 3 * k + 50] = passing[:, : max(0, min(50, WIDTH - 3 * k))]
    assert masks(still) == [None] * 50


@pytest.mark.slow
@pytest.mark.parametrize("step", [3, 8])
def test_a_camera_that_stands_loses_nothing_when_something_goes_to_and_fro_from_the_beginning(step: int) -> None:
    still, passing = drive(90, step=(0, 0)), texture(3, 60, 50)
    for k, image in enumerate(still):
        left = abs((step * k) % (2 * (WIDTH - 50)) - (WIDTH - 50))
        image[40:100, left : left + 50] = passing
    assert masks(still) == [None] * 90


def stop_behind_a_lorry() -> list[UInt8]:
    """A drive, a stop at which a lorry passes that fills four fifths of the image, and the drive goes on."""
    moving, lorry = drive(75), texture(3, 120, WIDTH + 8 * 75)
    images = [*moving[:20], *[moving[20]] * 38, *moving[20:40]]
    for k in range(26, 58):
        images[k] = images[k].copy()
        shown = min(WIDTH, 40 * (k - 25), 40 * (58 - k))
        where = slice(0, shown) if k < 42 else slice(WIDTH - shown, WIDTH)
        images[k][15:135, where] = lorry[:, 8 * (60 - k) :][:, :WIDTH][:, where]
    return images


@pytest.mark.slow
def test_a_stop_loses_nothing_when_a_lorry_passes_that_fills_the_image() -> None:
    assert all(mask is None for mask in masks(stop_behind_a_lorry()))


@pytest.mark.slow
def test_what_comes_late_is_found_late_and_what_goes_is_given_back() -> None:
    overlay, images = plate(), drive(120)
    told = masks([*images[:20], *under(overlay, images[20:75]), *images[75:]])
    assert found_and_lost(told[60], overlay[1])[0] >= 0.95
    assert found_and_lost(told[-1], overlay[1])[0] <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("case", ["drive", "stop", "slow, most of the image"])
def test_masks_go_on_after_an_interruption_as_if_there_had_been_none(case: str) -> None:
    seen = {
        "drive": lambda: drive(70),
        "stop": stop_behind_a_lorry,
        "slow, most of the image": lambda: drive(70, (2, 1)),
    }
    images = frames(under(frame_around(0.7) if case.startswith("slow") else bonnet(), seen[case]()))
    whole = list(MaskedFrames(images))
    for stop in (5, 33, 69):
        state = whole[stop].mask_state
        assert state is not None and state["resume_index"] <= stop < state["resume_index"] + AHEAD
        again = list(MaskedFrames(images[state["resume_index"] :], state))
        for before, after in zip(whole[state["resume_index"] :], again, strict=True):
            assert before.index == after.index
            assert (before.mask is None) is (after.mask is None)
            assert before.mask is None or np.array_equal(before.mask, after.mask)  # type: ignore[arg-type]


def test_the_gate_measures_motion_outside_of_the_mask() -> None:
    image, where = bonnet()
    first, second = under((image, where), drive(2, step=(3, 0)))
    motions = [measure_motion(*(measure_quality(seen, mask) for seen in (first, second))) for mask in (None, ~where)]
    assert motions[1].motion == pytest.approx(3 / WIDTH, rel=0.2)
    assert motions[1].tracked >= 0.9


def test_writing_makes_no_blank_frame_sharp() -> None:
    image, where = plate()
    blank = np.where(where[..., None], image, np.uint8(128))
    assert not measure_quality(blank).is_blank
    assert measure_quality(blank, ~where).is_blank


@pytest.mark.slow
def test_only_what_the_frames_own_masks_do_not_tell_is_told_as_found() -> None:
    outline = np.ones((HEIGHT, WIDTH), np.bool_)
    cv2.ellipse(outline.view(np.uint8), (WIDTH // 2, 0), (WIDTH, 12), 0, 0, 360, 0, -1)  # beyond a straightened lens
    black = (np.zeros((HEIGHT, WIDTH, 3), np.uint8), ~outline)
    alone = [frame.static_mask for frame in MaskedFrames(frames(under(black, drive(50))))]
    assert alone[-1] is not None  # found, where nobody tells it
    with_masks = [replace(frame, mask=outline) for frame in frames(under(black, drive(50)))]
    assert all(frame.static_mask is None for frame in MaskedFrames(with_masks))
    with_plate = [replace(frame, mask=outline) for frame in frames(under(plate(), under(black, drive(50))))]
    found, lost = found_and_lost(list(MaskedFrames(with_plate))[-1].static_mask, plate()[1])
    assert found >= 0.95 and lost <= 0.02
