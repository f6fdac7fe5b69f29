"""A whole run through the made-up street as exporters find it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from da3_stream.settings import CloudSettings
from da3_stream.store import Run
from tests.worlds.street import SOURCE_SIZE, run_with_pages

EVERY_PIXEL = CloudSettings(voxel=1e-3, per_pixel=None, min_confidence=0.0, max_depth_step=1e9, fusion="off")


def whole_run(path: Path, settings: CloudSettings | None = None, **status: object) -> Run:
    """The run with its input's size in run.json, and these entries; its cloud's settings are those of its pages."""
    run = run_with_pages(path, settings=settings)
    kept: dict[str, object] = {"input": {"name": "street", "size": SOURCE_SIZE, "paths": []}}
    if settings is not None:
        kept["settings"] = {"cloud": settings.model_dump()}
    run.write_status({**run.read_status(), **kept, **status})
    return run


def off_the_street(xyz: np.ndarray) -> np.ndarray:
    """How far points of the world [M,3] lie from the ground and the two facades."""
    return np.minimum(abs(xyz[:, 1] - 1.5), abs(abs(xyz[:, 0]) - 4))
