"""What the comments of a PLY file say of its frame of reference (see `FileAxes.comments`), before and after a turn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...cloud.axes import record_comments
from ...geometry import Sim3

_OURS = "da3_stream"
_KEYS = ("axes", "up", "up_sigma_deg", "units", "file_from_world", "crs", "anchor")
_INPUT = "file_from_input"  # of files of other programs: where their coordinates were


def read_record(comments: Sequence[str]) -> dict[str, Any]:
    """The record by its keys; {} where the file is not of this program, or says nothing that can be read."""
    if not any(comment.startswith(_OURS) for comment in comments):
        return {}
    found = {}
    for line in "\n".join(comments).replace("\n+ ", "").splitlines():
        key, _, value = line.partition(": ")
        if key in _KEYS:
            try:
                found[key] = json.loads(value)
            except ValueError:
                return {}
    return found


def turned_comments(comments: tuple[str, ...], turn: Sim3) -> tuple[str, ...]:
    """The comments of the same file after a turn: its record anew, or the turn itself where it has none."""
    record = read_record(comments)
    if not record:
        return (*comments, *record_comments({_INPUT: turn.matrix().tolist()}))
    if np.array_equal(turn.matrix(), np.eye(4)):
        return comments
    record |= {"axes": "upright", "up": "z", "crs": None}
    record.pop("up_sigma_deg", None)  # of another up
    if "file_from_world" in record:
        record["file_from_world"] = (turn.matrix() @ np.array(record["file_from_world"])).tolist()
    if record.get("anchor"):
        map_from_file = np.array(record["anchor"]["map_from_file"]) @ turn.inverse().matrix()
        record["anchor"] = {**record["anchor"], "map_from_file": map_from_file.tolist()}
    return (*_others(comments), *record_comments(record))


def _others(comments: Sequence[str]) -> list[str]:
    """The comments without those of the record and their continuations."""
    kept, ours = list[str](), False
    for line in comments:
        ours = line.partition(": ")[0] in _KEYS or (ours and line.startswith("+ "))
        if not ours:
            kept.append(line)
    return kept
