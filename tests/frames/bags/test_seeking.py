"""Pictures of a bag in any order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from da3_stream.frames import open_source
from da3_stream.settings import FramesSettings
from tests.frames.bags.conftest import START_NS, STEP_NS, BagWriter
from tests.frames.conftest import picture
from tests.frames.sources.test_seeking import searched

NewBag = Callable[..., BagWriter]


@pytest.mark.parametrize(("kind", "compression"), [("mcap", ""), ("mcap", "file"), ("db3", "message"), ("bag", "lz4")])
def test_every_picture_is_the_one_that_comes_in_turn(new_bag: NewBag, kind: str, compression: str) -> None:
    """Some are recorded at once, and two are no frames: a stamp that falls back, and an encoding that is unknown."""
    bag = new_bag(kind, compression=compression)
    for i in range(24):
        stamp = START_NS + i * STEP_NS if i != 9 else START_NS
        logged = START_NS + (i - i % 3) * STEP_NS
        bag.add_raw("/camera", picture(i), "rgb8" if i != 13 else "unheard of", stamp, logged_ns=logged)
    source = searched(bag.write(), 24, every=2)
    assert [frame.index for frame in source.frames_at([8, 9, 10, 13, 14])] == [8, 10, 14]


def test_several_files(new_bag: NewBag) -> None:
    paths = []
    for number, name in enumerate(("one", "two")):
        bag = new_bag("mcap", name=name)
        for i in range(8):
            bag.add_raw("/camera", picture(i), "rgb8", START_NS + (i + 8 * number) * STEP_NS)
        paths.append(bag.write())
    searched(paths, 16, every=3)


def test_without_times_files_follow_each_other(new_bag: NewBag) -> None:
    paths = []
    for seconds, name in enumerate(("one", "two")):
        bag = new_bag("mcap", name=name)
        for i in range(5):
            bag.add_raw("/camera", picture(i), "rgb8", 0, logged_ns=START_NS + seconds * 10**9)
        paths.append(bag.write())
    expected = [frame.timestamp for frame in open_source(paths, FramesSettings())]
    found = [frame.timestamp for frame in open_source(paths, FramesSettings()).frames_at([7, 2])]
    np.testing.assert_array_equal(found, [expected[2], expected[7]])
