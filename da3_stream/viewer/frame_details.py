"""/frame/ROW: what is known of one frame."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..store import read_witnesses
from ..types import Float32
from .snapshot import Snapshot
from .tables import STATUSES


def frame_details(now: Snapshot, row: int) -> dict[str, Any]:
    """Of a row of the table of frames; ready for JSON. Raises IndexError where there is none, StoreError where a file
    cannot be read."""
    if now.reader is None or not 0 <= row < len(now.frames):
        raise IndexError(row)
    frames, reader, submap = now.frames, now.reader, int(now.frames.submap[row])
    source_index, segment = int(frames.source_index[row]), int(reader.geometry.frame_poses.segment[row])
    centre = now.poses.cameras.translation[row]
    known = bool(np.isfinite(centre).all())
    confidence = float(now.poses.confidence[row])
    return {
        "row": row,
        "source_index": source_index,
        "time": float(frames.time[row]),
        "file": _file_of(reader.status, source_index),
        "status": STATUSES[frames.status[row]],
        "segment": segment if segment >= 0 else None,
        "submap": submap,
        "confidence": confidence if np.isfinite(confidence) else None,
        "witnesses": _witnesses(now, row),
        "centre": centre.tolist() if known else None,
        "depth": _depth_range(now, row) if known else None,
        "has_image": now.submaps[submap].has_images,
    }


def _file_of(status: Any, source_index: int) -> str | None:
    """The name of the input, or of the picture where each frame is a file of its own."""
    files = status.get("input", {}).get("files", ())
    if len(files) > 1 and status["input"].get("kind") == "images" and source_index < len(files):
        return str(files[source_index]["path"])
    return status.get("input", {}).get("name")


def _witnesses(now: Snapshot, row: int) -> list[dict[str, Any]]:
    """What the pose was judged by, by name."""
    assert now.reader is not None
    place = int(now.frames.row_in_submap[row])
    values = read_witnesses(now.reader.run, int(now.frames.submap[row]))
    told = ((name, float(column[place])) for name, column in values.items())
    return [{"name": name, "value": value} for name, value in told if np.isfinite(value)]


def _depth_range(now: Snapshot, row: int) -> dict[str, float] | None:
    """The 5th, 50th and 95th percentile, in world units."""
    depth = depth_of(now, row)
    known = depth[depth > 0]
    if not known.size:
        return None
    low, middle, high = np.percentile(known, (5, 50, 95)).tolist()
    return {"p5": low, "median": middle, "p95": high, "share": float(known.size / depth.size)}


def depth_of(now: Snapshot, row: int) -> Float32:
    """Depth [H,W] in world units, 0 where there is none and in the sky. Raises KeyError where the frame has none."""
    if now.reader is None or not 0 <= row < len(now.frames):
        raise IndexError(row)
    return now.reader.depth_without_sky(int(now.frames.source_index[row]))[0]
