"""Segments: stretches of the map that nothing ties to each other, until an alignment or a loop does."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..geometry import Sim3
from ..store import Scene, Submap
from .update import Event


@dataclass(frozen=True, eq=False)
class SegmentMerge:
    """The scene after two segments became one, and the line of the journal that says so."""

    scene: Scene
    event: Event


def merge_segments(scene: Scene, a: int, b: int, a_from_b: Sim3) -> SegmentMerge | None:
    """Move the younger segment of two submaps so that b lies in a by `a_from_b`; None where they share a segment."""
    there, here = scene.submaps[a], scene.submaps[b]
    if here.segment == there.segment:
        return None
    there_from_here = there.world_from_window @ a_from_b @ here.world_from_window.inverse()
    older, younger = sorted((here.segment, there.segment))
    older_from_younger = there_from_here if younger == here.segment else there_from_here.inverse()
    submaps = tuple(
        _move(submap, older, older_from_younger) if submap.segment == younger else submap for submap in scene.submaps
    )
    event = Event("segments joined", {"node": b, "segment": older, "joined": younger})
    return SegmentMerge(replace(scene, submaps=submaps), event)


def _move(submap: Submap, segment: int, move: Sim3) -> Submap:
    return replace(submap, segment=segment, world_from_window=move @ submap.world_from_window)
