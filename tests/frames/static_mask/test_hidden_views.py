"""Where only a small part of the picture moves, always the same: a view past what hides the rest, or a camera that
stands while something passes, comes back, or swings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.frames import MaskedFrames
from da3_stream.frames.gate.gate import make_gate
from da3_stream.settings import FramesSettings
from da3_stream.types import Frame

UInt8 = NDArray[np.uint8]

WIDTH, HEIGHT = 200, 150
VIEW = (slice(50, 90), slice(80, 120))  # rows and columns: a twentieth of the picture


def texture(seed: int, height: int, width: int) -> UInt8:
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    image = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2.0), None, 20, 235, cv2.NORM_MINMAX)  # type: ignore[call-overload]
    return np.repeat(image.astype(np.uint8)[..., None], 3, axis=2)


def standing(count: int) -> Iterator[UInt8]:
    """A textured wall that stands, with a little noise of the camera."""
    wall, rng = texture(1, HEIGHT, WIDTH), np.random.default_rng(2)
    return (np.clip(wall + rng.normal(0, 1.5, wall.shape), 0, 255).astype(np.uint8) for _ in range(count))


def with_moving(shift: Callable[[int], int], count: int = 60) -> list[UInt8]:
    """In `VIEW` another wall, moved to the left by `shift` pixels in every image; all else stands."""
    other, images = texture(3, 50, 800), list(standing(count))
    for k, image in enumerate(images):
        image[VIEW] = other[:40, 300 + shift(k) :][:, :40]
    return images


def with_passing(step: int, count: int = 90) -> list[UInt8]:
    """A thing that crosses the picture to and fro."""
    thing, images = texture(3, 50, 50), list(standing(count))
    for k, image in enumerate(images):
        left = abs((step * k) % (2 * (WIDTH - 50)) - (WIDTH - 50))
        image[50:100, left : left + 50] = thing
    return images


def frames(images: Sequence[UInt8]) -> list[Frame]:
    return [Frame(k, k / 10, image, str(k)) for k, image in enumerate(images)]


def view_shares(images: Sequence[UInt8]) -> list[float | None]:
    told = list(MaskedFrames(frames(images)))
    assert all(frame.mask is None for frame in told)
    return [frame.view_share for frame in told]


def test_a_small_view_of_a_drive_is_told_from_the_first_frame_on() -> None:
    shares = view_shares(with_moving(lambda k: 4 * k))
    assert all(share is not None and 0.03 < share < 0.1 for share in shares)


@pytest.mark.parametrize(
    "images",
    [
        list(standing(60)),
        with_passing(step=3),
        with_passing(step=8),
        with_moving(lambda k: round(6 * np.sin(k))),  # leaves
        with_moving(lambda k: 4 * min(max(k - 30, 0), 40), count=120),  # a lorry that has passed by
    ],
    ids=["nothing", "slow", "fast", "leaves", "lorry"],
)
def test_what_passes_or_swings_before_a_camera_that_stands_is_no_view_of_a_drive(images: list[UInt8]) -> None:
    assert view_shares(images) == [None] * len(images)


@pytest.mark.slow
def test_a_drive_that_stops_is_told_for_the_drive_and_not_for_a_long_stop() -> None:
    shares = view_shares(with_moving(lambda k: 4 * min(k, 50), count=150))
    assert all(share is not None for share in shares[:50]) and shares[80:] == [None] * 70


@pytest.mark.slow
def test_view_shares_go_on_after_an_interruption_as_if_there_had_been_none() -> None:
    given = frames(with_moving(lambda k: 4 * min(k, 45), count=90))
    whole = list(MaskedFrames(given))
    state = whole[40].mask_state
    assert state is not None
    again = list(MaskedFrames(given[state["resume_index"] :], state))
    assert [frame.view_share for frame in again] == [frame.view_share for frame in whole[state["resume_index"] :]]


def test_a_kept_frame_has_the_view_of_those_left_out_after_it() -> None:
    gate, image = make_gate("auto", FramesSettings()), next(standing(1))
    given = [Frame(k, k / 10, image, str(k), view_share=0.1 if k == 3 else None) for k in range(6)]
    (kept,) = [*(frame for given_one in given for frame in gate.feed(given_one)), *gate.finish()]
    assert len(kept.left_out) == 5 and kept.view_share == 0.1
