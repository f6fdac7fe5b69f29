"""Small towns that several tests look at."""

from __future__ import annotations

import pytest

from da3_stream.synthetic import Town
from tests.worlds.towns import make_town


@pytest.fixture(scope="session")
def street() -> Town:
    """A drive around a block, 300 small frames."""
    return make_town("block", frames=300, size=(160, 120))


@pytest.fixture(scope="session")
def room() -> Town:
    """A walk around a room: quick to make."""
    return make_town("handheld", frames=300, size=(96, 64))
