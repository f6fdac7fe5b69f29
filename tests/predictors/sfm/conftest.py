"""What the tests of the sfm predictor share: a street with its truth, points with exact tracks, predictors that end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.predictors.sfm import SfmPredictor
from da3_stream.predictors.sfm import predictor as predictor_module
from da3_stream.synthetic.town import TownFrame
from da3_stream.types import Frame
from tests.worlds.kept_workers import kept_workers
from tests.worlds.towns import street_frame

STREET_SIZE = (240, 180)
KEYPOINTS = 800  # enough there, and half of the time

MakePredictor = Callable[..., SfmPredictor]


@pytest.fixture(scope="session")
def street() -> list[TownFrame]:
    """Twenty frames of a drive along a street, with their truth."""
    return [street_frame(i, STREET_SIZE) for i in range(20)]


@pytest.fixture(scope="module")
def street_grays(street: list[TownFrame]) -> list[NDArray[np.uint8]]:
    return [np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), np.uint8) for frame in street]


@pytest.fixture(scope="session")
def as_frames() -> Callable[[Sequence[NDArray[np.uint8]]], list[Frame]]:
    """Frames numbered from 0 out of pictures."""
    return lambda pictures: [Frame(i, i / 10, picture, f"{i}") for i, picture in enumerate(pictures)]


@pytest.fixture(scope="session")
def make_predictor() -> Iterator[MakePredictor]:
    """Predictors with one worker process, which serves one after the other; what a test leaves open is closed at the
    end."""
    made: list[SfmPredictor] = []

    def make(known_k: NDArray[np.float64] | None = None, **options: Any) -> SfmPredictor:
        with patch.object(predictor_module, "Workers", kept_workers):
            made.append(SfmPredictor(known_k, STREET_SIZE, workers=1, **{"keypoints": KEYPOINTS} | options))
        return made[-1]

    yield make
    for predictor in made:
        predictor.close()


@pytest.fixture
def predictor(make_predictor: MakePredictor, street: list[TownFrame]) -> Iterator[SfmPredictor]:
    """A fresh predictor that knows K; it is closed afterwards."""
    made = make_predictor(street[0].intrinsics)
    yield made
    made.close()
