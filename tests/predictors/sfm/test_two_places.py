"""A loop check: two places seen together are one model, or none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.predictors.sfm import SfmPredictor
from da3_stream.synthetic.town import TownFrame
from da3_stream.types import Frame, Status, WindowGeometry
from tests.worlds.towns import make_town

EACH = 8
STREET_SIZE = (240, 180)


def looked_at(predictor: SfmPredictor, pictures: list[NDArray[np.uint8]]) -> WindowGeometry:
    """The second half of the pictures is taken as another visit, much later."""
    indices = [*range(100, 100 + EACH), *range(900, 900 + EACH)]
    frames = [Frame(i, i / 10, picture, f"{i}") for i, picture in zip(indices, pictures, strict=True)]
    return predictor.predict_pair(frames[:EACH], frames[EACH:]).check(frames)


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0, 4])
def test_one_street_seen_twice_is_one_model(predictor: SfmPredictor, street: list[TownFrame], shift: int) -> None:
    """Also in the very same pictures, between which nothing moves."""
    rows = [*range(0, 2 * EACH, 2), *range(shift, shift + 2 * EACH, 2)]
    found = looked_at(predictor, [street[row].image for row in rows])
    assert found.status in (Status.OK, Status.WEAK) and found.breaks == ()
    centres = found.window_from_camera[:, :3, 3]
    way = np.linalg.norm(centres[EACH - 1] - centres[0])
    same = [(a, EACH + rows[EACH:].index(row)) for a, row in enumerate(rows[:EACH]) if row in rows[EACH:]]
    assert all(np.linalg.norm(centres[a] - centres[b]) < 0.02 * way for a, b in same)
    depth = found.depth[[0, EACH]] if shift == 0 else found.depth[[4, EACH + 2]]
    both = (depth > 0).all(axis=0)
    assert both.mean() > 0.1
    assert predictor.camera["windows_used"] == 0


@pytest.mark.slow
def test_a_street_and_a_room_are_no_model(predictor: SfmPredictor, street: list[TownFrame]) -> None:
    """Nothing is mapped, and no second opinion is asked."""
    room = make_town("handheld", frames=300, size=STREET_SIZE)
    there = [room.frame(2 * row).image for row in range(EACH)]
    found = looked_at(predictor, [*(street[2 * row].image for row in range(EACH)), *there])
    assert found.status is Status.FAILED
    assert (found.depth == 0).all()
    assert "map_window" not in predictor.timings
