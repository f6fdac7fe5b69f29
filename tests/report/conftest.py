from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from da3_stream.cloud import write_merged_cloud
from da3_stream.settings import Settings
from da3_stream.store import Run, read_run_geometry, write_submap
from tests.worlds.street import PAGES, SUBMAPS, run_with_pages, street_part

STRETCH = {"from_s": 0.4, "to_s": 0.9, "code": "join_doubtful", "text": "two windows <disagree>"}
ADVICE = [
    {"from_s": 1.0, "to_s": 1.2, "code": "standing", "text": "the camera stands"},
    {"from_s": 2.0, "to_s": 2.2, "code": "standing", "text": "the camera stands"},
    {"from_s": 0.0, "to_s": 2.7, "code": "input_times", "text": "times were assumed"},
]
MEASURED = {"inlier_ratio": 0.8, "residual": 0.0125}
STATUS = {
    "trust": {"share": 0.8571, "stretches": [STRETCH]},
    "advice": ADVICE,
    "model": {"name": "da3-large", "hash": "ab"},
    "input": {"name": "drive <1>.mp4", "kind": "video"},
    "settings": Settings.build({"model": {"quality": "fast"}, "loops": {"spacing": 2.0}}).model_dump(mode="json"),
    "seconds": 93.5,
    "seconds_by_stage": {"predict": 50.25, "loops": 3.125, "gate": 0.0},
    "seconds_in_predictor": {"predict": 50.25},
    "peak_rss_bytes": 1_234_567_890,
    "versions": {"python": "3.12.1", "numpy": "2.4.6"},
    "machine": {"processor": "a <fast> one", "cores": 2},
    "static_mask": {"share": 0.0625, "since_s": 0.0, "history": []},
    "started": "2026-11-30T14:00:00+00:00",
}


@pytest.fixture
def told_run(tmp_path: Path) -> Run:
    """A run of 28 frames in three windows that tells all that a run can tell, with a loop and one that was refused."""
    run = run_with_pages(tmp_path / "drive")
    run.write_status(run.read_status() | STATUS)
    for number in range(len(SUBMAPS)):
        frames = street_part(number)
        pictures = tuple(np.full((32, 48, 3), 8 * k, np.uint8) for k in frames.frame_indices[frames.owned])
        write_submap(run, number, replace(frames, images=pictures))
    write_merged_cloud(run, read_run_geometry(run), PAGES)
    for node in (1, 2):
        run.append_event("alignment", node=node, previous=node - 1, scale=0.5 * node, status="OK", **MEASURED)
    similar = {"similarity": 0.934, "support": 6, "depth_agreement": 0.2788}
    run.append_event("loop", nodes=(0, 2), frames=(2, 26), **similar, **MEASURED)
    run.append_event("loop refused", reason="the geometry does not overlap", frames=(1, 12), **similar)
    for name in ("overview.png", "static_mask.png"):
        assert cv2.imwrite(str(run.path / name), np.full((20, 30, 3), 90, np.uint8))
    return run
