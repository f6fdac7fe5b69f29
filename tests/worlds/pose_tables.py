"""Pose tables that are made up: of so many rows, with this confidence."""

from __future__ import annotations

import numpy as np

from da3_stream.store import PoseTable

STEP_S = 0.5


def table(confidence: list[float], status: list[str] | None = None) -> PoseTable:
    """A run of which every other frame is selected, two a second; one without any confidence has no pose."""
    n = len(confidence)
    known = np.array(confidence) > 0
    return PoseTable(
        source_index=2 * np.arange(n),
        timestamp=STEP_S * np.arange(n, dtype=np.float64),
        has_times=True,
        segment=np.where(known, 0, -1),
        world_from_camera=np.where(known[:, None, None], np.eye(4), np.nan),
        depth_scale=np.where(known, 1.0, np.nan),
        intrinsics=np.tile(np.eye(3), (n, 1, 1)),
        status=tuple(status or ["OK" if k else "UNPLACED" for k in known]),
        confidence=np.array(confidence),
    )
