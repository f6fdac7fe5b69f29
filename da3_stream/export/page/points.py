"""The points of a page: which it has room for, and their answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...store.files import json_line
from ...viewer import RunView
from .blocks import cut_block, cut_node
from .budget import Chosen, SubmapNodes, choose_points
from .document import answer_size
from .selection import ShownFrames

_LONGER = 24  # bytes that an entry may grow by, where its numbers change


@dataclass(frozen=True)
class Held:
    """What a page holds of a submap."""

    submap: int
    nodes: int
    points: int
    answers: dict[str, bytes]  # by path


def choose_nodes(view: RunView, frames: ShownFrames, room: int) -> list[Chosen]:
    """Points of the submaps that are shown, in so many bytes of a page, their headers with them."""
    submaps, left = [], room
    for submap, facts in frames.run.submaps.items():
        scale = frames.scale(submap)
        if scale is None or not facts.points:
            continue
        header = view.levels(submap).header
        submaps.append(_nodes(submap, header, scale))
        left -= answer_size(f"/submaps/{submap}", len(_header(header, []))) + answer_size(f"/points/{submap}", 0)
    return choose_points(submaps, left)


def hold_points(view: RunView, frames: ShownFrames, chosen: Sequence[Chosen]) -> Iterator[Held]:
    """The chosen points of each submap, those of frames that are not shown left out."""
    for each in chosen:
        if each.points:
            yield _held(view, frames, each)


def _held(view: RunView, frames: ShownFrames, chosen: Chosen) -> Held:
    levels = view.levels(chosen.submap)
    shown = frames.rows_of_levels(chosen.submap, levels.header)
    entries, blocks, offset = [], [], 0
    for number, count in enumerate(chosen.points):
        block, points = cut_block(levels.read(number, number), count, shown)
        entries.append(cut_node(levels.nodes[number], points, offset))
        blocks.append(block)
        offset += len(block)
    answers = {
        f"/submaps/{chosen.submap}": _header(levels.header, entries),
        f"/points/{chosen.submap}": b"".join(blocks),
    }
    return Held(chosen.submap, len(entries), sum(entry["points"] for entry in entries), answers)


def _nodes(submap: int, header: dict[str, Any], scale: float) -> SubmapNodes:
    nodes = header["nodes"]
    return SubmapNodes(
        submap,
        np.array([node["points"] for node in nodes], np.int64),
        np.array([node["spacing"] for node in nodes]) * scale,
        np.array([len(json_line(node)) + _LONGER for node in nodes], np.int64),
    )


def _header(header: dict[str, Any], entries: list[dict[str, Any]]) -> bytes:
    points = sum(entry["points"] for entry in entries)
    return json_line({**header, "points": points, "nodes": entries, "revision": 0}).encode()
