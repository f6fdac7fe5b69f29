"""A run leaves out what masks by hand do, of every frame what its own mask does, also after an interruption."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream import Settings, pipeline
from da3_stream.store import open_run, read_masks
from tests.worlds.street import SIZE
from tests.worlds.street_predictor import MaskKeeper

pytestmark = pytest.mark.slow

COUNT = 30
WIDTH, HEIGHT = SIZE


def mask_of(index: int) -> NDArray[np.bool_]:
    mask = np.ones((HEIGHT, WIDTH), np.bool_)
    mask[-10:] = False
    mask[:5, index : index + 8] = False
    return mask


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """Pictures of 16 bits that use a part of them, and a mask for each in another folder."""
    for folder in ("drive", "people"):
        (tmp_path / folder).mkdir()
    for index in range(COUNT):
        noise = np.random.default_rng(index).integers(5000, 6000, (HEIGHT, WIDTH)).astype(np.uint16)
        cv2.imwrite(str(tmp_path / f"drive/{index:04d}.png"), noise)
        cv2.imwrite(str(tmp_path / f"people/{index:04d}.png"), mask_of(index).astype(np.uint8) * 255)
    return tmp_path / "drive"


def run(source: Path, out: Path, mask: Any, stop_before: int | None = None) -> tuple[dict[str, Any], MaskKeeper]:
    windows = {"size": 12, "overlap": 4}
    settings = Settings.build({"windows": windows, "camera": {"mask": mask}, "frames": {"gate": "off"}})
    predictor = MaskKeeper(stop_before)
    pipeline.run(source, out, settings, predictor)
    return json.loads((out / "run.json").read_text()), predictor


@pytest.mark.parametrize("words", [["off"], ["auto"]])
def test_masks_by_hand_go_through_a_run(drive: Path, tmp_path: Path, words: list[str]) -> None:
    mask = [*words, str(tmp_path / "people")]
    status, whole = run(drive, tmp_path / "whole", mask)
    for index in range(COUNT):
        given = whole.masks[index]
        assert given is not None and not given[~mask_of(index)].any()
        assert words == ["auto"] or np.array_equal(given, mask_of(index))
    assert status["settings"]["camera"]["mask"] == mask
    assert status["input"]["levels"] == pytest.approx([5000, 6000], abs=5)
    texts = [row["text"] for row in status["advice"] if row["code"] in ("input_masks", "input_pixels")]
    assert any("masks leave out" in text for text in texts) and any("stretched" in text for text in texts)
    (stored,) = read_masks(open_run(tmp_path / "whole"), 0, [3])
    assert stored is not None and not stored[~mask_of(3)].any()

    with pytest.raises(KeyboardInterrupt):
        run(drive, tmp_path / "cut", mask, stop_before=2)
    again, resumed = run(drive, tmp_path / "cut", mask)
    assert again["advice"] == status["advice"] and again["input"] == status["input"]
    for index, given in resumed.masks.items():
        assert np.array_equal(given, whole.masks[index])  # type: ignore[arg-type]
    assert (tmp_path / "cut/trajectory.tum").read_bytes() == (tmp_path / "whole/trajectory.tum").read_bytes()
