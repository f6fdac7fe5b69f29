"""A run says what goes with the camera, how much of the image that is and since when, also after an interruption."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from da3_stream import Settings, pipeline
from da3_stream.types import Frame
from tests.frames.static_mask.test_static_mask import bonnet, drive, under
from tests.worlds.street import SIZE
from tests.worlds.street_predictor import MaskKeeper

pytestmark = pytest.mark.slow

COUNT = 64


class Shrinking(MaskKeeper):
    """Sees small images, without their masks."""

    def seen(self, frame: Frame) -> Frame:
        return replace(frame, image=cv2.resize(frame.image, SIZE), mask=None)


def run(
    out: Path, mask: str = "auto", stop_before: int | None = None, count: int = COUNT
) -> tuple[dict[str, Any], Shrinking]:
    settings = Settings.build({"windows": {"size": 24, "overlap": 4}, "camera": {"mask": mask}})
    predictor = Shrinking(stop_before)
    pipeline.run(under(bonnet(), drive(count)), out, settings, predictor)
    return json.loads((out / "run.json").read_text()), predictor


def test_a_run_tells_its_mask_and_goes_on_with_it(tmp_path: Path) -> None:
    status, whole = run(tmp_path / "whole")
    assert status["static_mask"]["share"] == pytest.approx(bonnet()[1].mean(), abs=0.02)
    assert status["static_mask"]["since_s"] == 0.0
    assert [row["code"] for row in status["advice"]] == ["static_mask"]
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", stop_before=2)
    again, resumed = run(tmp_path / "cut")
    assert again["static_mask"] == status["static_mask"] and again["advice"] == status["advice"]
    figures = [(tmp_path / name / "static_mask.png").read_bytes() for name in ("whole", "cut")]
    assert figures[0] == figures[1]
    assert min(resumed.masks) > 12
    for index, mask in resumed.masks.items():
        assert mask is not None and np.array_equal(mask, whole.masks[index])


def test_off_means_no_mask(tmp_path: Path) -> None:
    status, predictor = run(tmp_path / "off", mask="off", count=20)
    assert status["static_mask"] is None and not any(mask is not None for mask in predictor.masks.values())
