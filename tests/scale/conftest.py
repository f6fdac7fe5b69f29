"""A street that the tests of the scale room look at."""

from __future__ import annotations

import pytest

from da3_stream.synthetic import Town
from da3_stream.types import WindowGeometry
from tests.worlds.straight_road import straight_road, window_of

FRAMES = 16


@pytest.fixture(scope="session")
def road() -> Town:
    """A drive over a plain."""
    return straight_road(FRAMES)


@pytest.fixture(scope="session")
def street(road: Town) -> WindowGeometry:
    """The whole of it."""
    return window_of(road, range(FRAMES))
