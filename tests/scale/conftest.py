"""A street that the tests of the scale room look at."""

from __future__ import annotations

import pytest
from town_windows import window_of

from da3_stream.synthetic import Town, make_town
from da3_stream.types import WindowGeometry

FRAMES = 16


@pytest.fixture(scope="session")
def town() -> Town:
    """A drive around a block."""
    return make_town("block", frames=300, size=(224, 140))


@pytest.fixture(scope="session")
def street(town: Town) -> WindowGeometry:
    """The first frames of the drive."""
    return window_of(town, range(FRAMES))
