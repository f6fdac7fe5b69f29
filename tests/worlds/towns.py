"""The synthetic town with walls that are painted once a process: they hang on the seed alone, and cost seconds."""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from unittest.mock import patch

import numpy as np

from da3_stream import synthetic
from da3_stream.synthetic.scenes import town_scene
from da3_stream.synthetic.scenes.scene import TextureBank
from da3_stream.synthetic.scenes.town_textures import town_textures
from da3_stream.synthetic.town import TownFrame


def make_town(path: str | synthetic.CameraPath = "block", **options: Any) -> synthetic.Town:
    """What `da3_stream.synthetic.make_town` makes, sooner."""
    with patch.object(town_scene, "town_textures", _painted_once):
        return synthetic.make_town(path, **options)


@cache
def street(size: tuple[int, int]) -> synthetic.Town:
    """A drive of 300 frames around a block."""
    return make_town("block", frames=300, size=size)


@cache
def street_frame(index: int, size: tuple[int, int]) -> TownFrame:
    """One of its frames, rendered once for all tests."""
    return street(size).frame(index)


def _painted_once(rng: np.random.Generator) -> TextureBank:
    """The textures that a generator paints, which is left as painting leaves it."""
    bank, rng.bit_generator.state = _painted(json.dumps(rng.bit_generator.state))
    return bank


@cache
def _painted(state: str) -> tuple[TextureBank, Any]:
    rng = np.random.default_rng()
    rng.bit_generator.state = json.loads(state)
    return town_textures(rng), rng.bit_generator.state
