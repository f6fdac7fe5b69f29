"""Facts of a run: what its files tell, counted once for all who show it (`info`, report.html, the viewer's page)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from ..cloud.files.ply import count_vertices
from ..store import JournalLoops, PoseTable, RunReader

LISTS = ("source_indices", "timestamps", "nanoseconds", "interpolated")  # one entry per frame: for programs


def info(run_dir: Path) -> dict[str, Any]:
    """run.json without its per-frame lists, and counts over the run's files; ready for JSON.

    Raises StoreError if the directory is not a run or is damaged.
    """
    return run_facts(RunReader.open(run_dir))


def run_facts(reader: RunReader) -> dict[str, Any]:
    """What `info` tells, of a run that is open. Raises StoreError if it is damaged."""
    poses, events = reader.poses, tuple(reader.run.read_events())
    accepted = [loop.accepted for loop in JournalLoops.of(events)]
    return {
        "path": str(reader.path),
        **{key: value for key, value in reader.status.items() if key not in LISTS},
        "placed": int((poses.segment >= 0).sum()),
        "frame_status": dict(sorted(Counter(poses.status).items())),
        "segments": len(set(poses.segment[poses.segment >= 0].tolist())),
        "units": reader.units,
        "path_length": path_length(poses),
        "points": _point_count(reader.path / "cloud.ply"),
        "loops": {"taken": sum(accepted), "refused": len(accepted) - sum(accepted)},
        "events": dict(sorted(Counter(event["event"] for event in events).items())),
    }


def path_length(poses: PoseTable) -> float:
    """Length of the camera path in world units: the sum over neighbouring frames with a pose in the same segment."""
    placed = poses.segment >= 0
    centres, segments = poses.world_from_camera[placed, :3, 3], poses.segment[placed]
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    return float(steps[segments[1:] == segments[:-1]].sum())


def _point_count(path: Path) -> int | None:
    """The points of a PLY file, None where there is none."""
    return count_vertices(path) if path.exists() else None
