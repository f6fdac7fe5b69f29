"""Small models of every kind, and pictures to look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from da3_stream.settings import Settings, load_settings
from tests.worlds.seeded_models import ANY_VIEW, METRIC, NESTED, write_checkpoint

KINDS = {"any-view": ANY_VIEW, "nested": NESTED, "mono": METRIC, "metric": METRIC}
NAMES = {"metric": "da3metric-tiny"}


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A checkpoint of each kind."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models")
    return {kind: write_checkpoint(folder / kind, of, NAMES.get(kind, "seeded")) for kind, of in KINDS.items()}


@pytest.fixture
def settings(models: dict[str, Path]) -> Callable[..., Settings]:
    """Settings of a prediction by a kind of model."""

    def of(kind: str = "any-view", **more: object) -> Settings:
        chosen = {"model.name": str(models[kind]), "model.device": "cpu", "model.resolution": 64}
        return load_settings("predict", options=chosen | more)

    return of


def photo(seed: int, size: tuple[int, int] = (112, 84)) -> np.ndarray:
    """A picture [H,W,3] of (width, height) with something to see."""
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(0, 255, (7, 9, 3), np.uint8), size, interpolation=cv2.INTER_CUBIC)


def write_photos(folder: Path, count: int, size: tuple[int, int] = (112, 84), suffix: str = "png") -> Path:
    """A folder of so many pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        cv2.imwrite(str(folder / f"photo{number:02}.{suffix}"), photo(number, size))
    return folder
