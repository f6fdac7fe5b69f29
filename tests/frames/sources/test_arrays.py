"""Python iterables of arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from da3_stream.frames import open_source, prefetch
from da3_stream.settings import FramesSettings
from da3_stream.types import UInt8
from tests.frames.conftest import picture
from tests.worlds.wall import skipped

ALL = FramesSettings()


def test_a_list_of_arrays_becomes_frames() -> None:
    source = open_source([picture(i) for i in range(5)], ALL)
    assert (source.kind, source.expected, source.has_times, source.fps) == ("arrays", 5, False, None)
    for i, frame in enumerate(source):
        assert (frame.index, frame.timestamp) == (i, i / 30)
        np.testing.assert_array_equal(frame.image, picture(i))


def test_a_generator_is_read_as_far_as_needed() -> None:
    given = []

    def endless() -> Iterator[UInt8]:
        while True:
            given.append(len(given))
            yield picture(0)

    source = open_source(endless(), FramesSettings(every=2, max_frames=4))
    assert source.expected is None
    with prefetch(source, 1) as frames:
        assert [frame.index for frame in frames] == [0, 2, 4, 6]
    assert len(given) == 7


def test_a_buffer_that_is_used_again_is_copied() -> None:
    def camera() -> Iterator[UInt8]:
        buffer = np.zeros((4, 6, 3), np.uint8)
        for i in range(4):
            buffer[:] = i
            yield buffer

    assert [int(frame.image[0, 0, 0]) for frame in list(open_source(camera(), ALL))] == [0, 1, 2, 3]


def test_gray_arrays_are_repeated() -> None:
    gray = np.arange(24, dtype=np.uint8).reshape(4, 6)
    frame = next(iter(open_source([gray], ALL)))
    np.testing.assert_array_equal(frame.image, np.dstack([gray] * 3))


def test_a_video_in_one_array_is_read() -> None:
    assert len(list(open_source(np.zeros((5, 6, 8, 3), np.uint8), ALL))) == 5


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (np.zeros((4, 6, 3), np.float32), "dtype float32, expected uint8"),
        (np.zeros((4, 6, 4), np.uint8), "shape [4, 6, 4], expected [height, width, 3] or [height, width]"),
        (np.zeros((0, 6, 3), np.uint8), "shape [0, 6, 3], expected [height, width, 3] or [height, width]"),
        (None, "type NoneType, expected a numpy array"),
        (picture(1, 50, 50), "size 50x50 differs from the run's 96x64"),
    ],
)
def test_an_item_that_is_no_image_is_skipped_by_name(item: object, reason: str) -> None:
    source = open_source([picture(0), item, picture(2)], ALL)  # type: ignore[list-item]
    assert [frame.index for frame in source] == [0, 2]
    assert [(bad.index, bad.name, bad.reason) for bad in skipped(source)] == [(1, "array_000001", reason)]


def test_what_the_iterable_raises_is_passed_on() -> None:
    def broken() -> Iterator[UInt8]:
        yield picture(0)
        raise RuntimeError("camera unplugged")

    with pytest.raises(RuntimeError, match="camera unplugged"), prefetch(open_source(broken(), ALL)) as frames:
        list(frames)
