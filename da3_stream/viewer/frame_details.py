"""/frame/ROW: what is known of one frame."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import PurePath
from typing import Any

import numpy as np

from ..store import RunReader, read_witnesses
from ..trust import doubts_of_pose
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
    centre, source = now.poses.cameras.translation[row], _source_of(reader, source_index)
    known = bool(np.isfinite(centre).all())
    confidence = float(now.poses.confidence[row])
    return {
        "row": row,
        "source_index": source_index,
        "time": float(frames.time[row]),
        "file": PurePath(source[0]).name or None,  # its folder is nothing for others who look
        "status": STATUSES[frames.status[row]],
        "segment": segment if segment >= 0 else None,
        "submap": submap,
        "confidence": confidence if np.isfinite(confidence) else None,
        "doubts": _doubts(now, row) if known else [],
        "centre": centre.tolist() if known else None,
        "depth": _depth_range(now, row) if known else None,
        "has_image": now.submaps[submap].has_images,
        "picture": _picture(reader, source_index, source),
    }


def _source_of(reader: RunReader, source_index: int) -> tuple[str, bool]:
    """The file that a frame comes from, and whether it is a picture of its own: by frames.csv, which a run has at its
    end; before, the input as a whole."""
    facts, row = reader.status.get("input", {}), int(np.searchsorted(reader.poses.source_index, source_index))
    try:
        with open(reader.path / "frames.csv", newline="", encoding="utf-8", errors="replace") as file:
            line = next(islice(csv.DictReader(file), row, None), {})
        is_it = float(line["time_s"]) == reader.poses.timestamp[row]
    except (OSError, KeyError, ValueError):
        return str(facts.get("name") or ""), False
    return (line["source"], facts.get("kind") == "images") if is_it else (str(facts.get("name") or ""), False)


def _picture(reader: RunReader, source_index: int, source: tuple[str, bool]) -> dict[str, Any]:
    """What the frame's picture is called: its file, or what exports call a frame of a video; and the input's size."""
    file, is_picture = source
    width, height = reader.input_size
    name = PurePath(file).name if is_picture else f"{source_index:06d}.jpg"
    return {"name": name, "width": width, "height": height}


def _doubts(now: Snapshot, row: int) -> list[dict[str, Any]]:
    """What speaks against the pose, in words, most first."""
    assert now.reader is not None
    place = int(now.frames.row_in_submap[row])
    values = read_witnesses(now.reader.run, int(now.frames.submap[row]))
    told = {name: float(column[place]) for name, column in values.items()}
    found = doubts_of_pose(told, STATUSES[now.frames.status[row]])
    return [{"name": doubt.name, "text": doubt.meaning, "value": doubt.value} for doubt in found]


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
