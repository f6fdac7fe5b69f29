"""Thumbnails of frames, evenly over the run, with what is told of each; and the mask of what goes with the camera."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np

from ...store.files import json_line
from ...viewer import RunView
from ...viewer.pictures import frame_image
from .document import answer_size
from .selection import ShownFrames

EDGE_PX = 320  # of a thumbnail, its longer edge


def thumbnails(view: RunView, frames: ShownFrames, count: int, room: int) -> dict[int, dict[str, bytes]]:
    """By row of the table of frames the answers of its picture and its details; at most `count` rows, and every second
    of them again and again until they take no more than `room` bytes."""
    rows = _even([row for row in np.flatnonzero(frames.posed).tolist() if _has_image(frames, row)], count)
    found = {row: _answers(view, frames, row) for row in rows}
    while found and _size(found) > room:
        found = {row: found[row] for row in [*found][1::2]}
    return found


def _has_image(frames: ShownFrames, row: int) -> bool:
    return frames.run.submaps[int(frames.run.frames.submap[row])].has_images


def _even(rows: list[int], count: int) -> list[int]:
    return [rows[k] for k in np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))]


def _answers(view: RunView, frames: ShownFrames, row: int) -> dict[str, bytes]:
    details = view.frame(row)
    name = details["file"] and PurePath(details["file"]).name  # not where it lies: that tells of whoever sends the file
    return {
        f"/image/{row}": frame_image(frames.run, row, EDGE_PX),
        f"/frame/{row}": json_line({**details, "file": name}).encode(),
    }


def _size(found: dict[int, dict[str, bytes]]) -> int:
    return sum(answer_size(path, len(body)) for answers in found.values() for path, body in answers.items())


def static_mask(frames: ShownFrames) -> dict[str, bytes]:
    """By path the answer of the mask, where the run has one."""
    path = frames.reader.path / "static_mask.png"
    return {"/mask": path.read_bytes()} if path.is_file() else {}
