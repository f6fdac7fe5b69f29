"""A scale that wanders is told where submaps know their own: by the camera's height, or by a metric model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.session.advice.wandering import wandering_scale
from da3_stream.store import Scene
from da3_stream.types import AdviceCode, ScaleObservation
from tests.worlds.street import UNITS, street_scene

HEIGHT_M = 1.6


def heights(sigma: float = 0.01, metres: bool = True) -> list[ScaleObservation]:
    """What the submaps of the street tell of their scale, in metres, or in units of the camera's height."""
    common = 0.0 if metres else -float(np.log(HEIGHT_M))
    return [
        ScaleObservation(k, float(np.log(unit)) + common, sigma, "camera height", metres)
        for k, unit in enumerate(UNITS)
    ]


def grown(scene: Scene, submap: int, factor: float) -> Scene:
    """The scene with one submap so many times as large."""
    place = scene.submaps[submap].world_from_window
    moved = replace(scene.submaps[submap], world_from_window=replace(place, scale=factor * place.scale))
    return replace(scene, submaps=tuple(moved if k == submap else s for k, s in enumerate(scene.submaps)))


@pytest.mark.parametrize("metres", [False, True])
def test_the_submap_whose_scale_is_off_is_told_with_its_frames(metres: bool) -> None:
    assert wandering_scale(street_scene(), heights(metres=metres)) == []
    (said,) = wandering_scale(grown(street_scene(), 2, 1.3), heights(metres=metres))
    assert (said.code, said.first_frame, said.last_frame) == (AdviceCode.SCALE_WANDERS, 16, 27)
    assert "1.30 times too large" in said.text
    assert said.distrusts_map


def test_what_lies_within_its_uncertainty_or_does_not_matter_is_not_told() -> None:
    assert wandering_scale(grown(street_scene(), 2, 1.3), heights(sigma=0.1)) == []
    assert wandering_scale(grown(street_scene(), 2, 1.05), heights(sigma=0.001)) == []


def test_two_submaps_that_differ_and_segments_of_their_own_tell_nothing() -> None:
    wrong = grown(street_scene(), 2, 2.0)
    assert wandering_scale(wrong, heights()[1:]) == []
    apart = replace(wrong.submaps[2], segment=1)
    assert wandering_scale(replace(wrong, submaps=(*wrong.submaps[:2], apart)), heights()) == []
