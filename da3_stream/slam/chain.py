"""Odometry: every part of a window becomes a submap, aligned on the submaps of the windows before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..geometry import Sim3
from ..posegraph import Edge
from ..stitching import align_earlier, align_windows
from ..stitching.static_depth import propagate_depth_to_held_window, propagate_depth_to_static_frames
from ..store import Scene, Submap
from ..trust import Judge, load_judge
from ..types import Alignment, Status, WindowGeometry
from .joins import Join, assess_join
from .neighbours import (
    AlignmentCandidate,
    LastPose,
    RecentSubmap,
    can_align,
    pose,
    restricted_to,
)
from .segments import merge_segments
from .splitting import SubmapGeometry
from .update import Event


@dataclass(frozen=True, eq=False)
class ChainUpdate:
    """The scene with the submaps of one more window, their ids, and how they came there."""

    scene: Scene
    submap_ids: tuple[int, ...]
    edges: tuple[Edge, ...]
    events: tuple[Event, ...]
    joins: tuple[Join | None, ...]  # of every submap, None where it begins a segment or has no pose


@dataclass
class _Draft:
    """What the window that is being added has changed so far."""

    scene: Scene
    edges: list[Edge] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    joins: dict[int, Join] = field(default_factory=dict)

    def add(self, submap: Submap) -> None:
        self.scene = self.scene.with_submap(submap)


class SubmapChain:
    """Adds one window after the other to a scene whose world is the first camera.

    A part that cannot be aligned on the window before it begins a new segment. There, for want of knowledge, the camera
    goes on from its last known pose, and the scale is such that the median depth stays what it was: the map as a whole
    is plausible, but segments are not tied to each other.
    A window whose poses are given lies where they say.
    `max_shared` is the number of frames at the end of a window that a later one may share (None: all). The `judge`
    tells how much a join is to be trusted (None: the one of the package).
    """

    def __init__(self, max_shared: int | None = None, judge: Judge | None = None) -> None:
        self._max_shared = max_shared
        self._judge = judge or load_judge()
        self._previous: list[RecentSubmap] = []
        self._earlier: list[RecentSubmap] = []  # submaps of windows before the previous one
        self._last: LastPose | None = None
        self._segments_begun = 0  # those that were merged into others too

    def add_window(self, scene: Scene, window: int, parts: Sequence[SubmapGeometry]) -> ChainUpdate:
        """The scene with a submap for every part of a window."""
        draft = _Draft(scene)
        added = [self._add_part(draft, window, part) for part in parts]
        frames = np.concatenate([entry.geometry.frame_indices for entry in added])
        frames = frames[-self._max_shared :] if self._max_shared is not None else frames
        self._earlier = restricted_to([*self._earlier, *self._previous], frames)
        self._previous = restricted_to(added, frames)
        ids = tuple(entry.submap for entry in added)
        joins = tuple(draft.joins.get(submap) for submap in ids)
        return ChainUpdate(draft.scene, ids, tuple(draft.edges), tuple(draft.events), joins)

    def state(self) -> dict[str, Any]:
        """What the next window needs beside the scene, for `restore`: numbers and arrays."""
        return {
            "previous": [entry.state() for entry in self._previous],
            "earlier": [entry.state() for entry in self._earlier],
            "last": None if self._last is None else vars(self._last),
            "segments_begun": self._segments_begun,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._previous = [RecentSubmap.from_state(entry) for entry in state["previous"]]
        self._earlier = [RecentSubmap.from_state(entry) for entry in state["earlier"]]
        self._last = None if state["last"] is None else LastPose(**state["last"])
        self._segments_begun = state["segments_begun"]

    def _add_part(self, draft: _Draft, window: int, part: SubmapGeometry) -> RecentSubmap:
        submap, geometry = len(draft.scene.submaps), part.geometry
        if not geometry.has_pose.any():
            return self._add_unposed(draft, window, submap, geometry)
        if geometry.in_world:
            return self._add_placed(draft, window, submap, geometry)
        geometry = propagate_depth_to_static_frames(geometry)
        candidates = self._alignments(draft, submap, geometry)
        if candidates:
            with_depth = self._add_aligned(draft, window, submap, geometry, candidates)
            self._align_earlier(draft, submap, geometry)
            geometry = with_depth
        else:
            self._begin_segment(draft, window, geometry)
        self._last = LastPose.of(submap, geometry).with_depth_of(self._last, draft.scene)
        return RecentSubmap(submap, geometry, True)

    def _alignments(self, draft: _Draft, submap: int, geometry: WindowGeometry) -> list[AlignmentCandidate]:
        """Alignments on parts of the previous window that did not fail, the best one first."""
        near = [entry for entry in self._previous if can_align(entry, geometry)]
        candidates = [self._candidate(entry, self._aligned(draft.scene, entry, geometry), geometry) for entry in near]
        draft.events += [candidate.event(submap) for candidate in candidates]
        usable = [candidate for candidate in candidates if candidate.alignment.status is not Status.FAILED]
        return sorted(usable, key=lambda candidate: candidate.rank, reverse=True)

    def _candidate(self, entry: RecentSubmap, alignment: Alignment, geometry: WindowGeometry) -> AlignmentCandidate:
        return AlignmentCandidate(entry, alignment, assess_join(entry.geometry, geometry, alignment, self._judge))

    def _add_aligned(
        self,
        draft: _Draft,
        window: int,
        submap: int,
        geometry: WindowGeometry,
        candidates: Sequence[AlignmentCandidate],
    ) -> WindowGeometry:
        """Add a submap by its best alignment, and merge the segments of the others that are as sure.

        Returns the geometry with depth of the previous window, where the camera stands throughout: for the alignment
        of the next window only, nothing of it is stored.
        """
        best, *others = candidates
        previous_from_current = best.alignment.previous_from_current
        scale, before = previous_from_current.scale, draft.scene.submaps[best.to.submap]
        world_from_window = before.world_from_window @ previous_from_current
        draft.joins[submap] = best.join
        confidence = best.join.confidence
        draft.add(Submap(window, before.segment, _span(geometry), world_from_window, best.to.submap, scale, confidence))
        draft.edges.append(best.edge(submap))
        if best.alignment.status is Status.OK:
            for candidate in others:
                if candidate.alignment.status is Status.OK:
                    _merge_by_alignment(draft, submap, candidate)
                    draft.edges.append(candidate.edge(submap))
        return propagate_depth_to_held_window(geometry, best.to.geometry, scale)

    def _aligned(self, scene: Scene, entry: RecentSubmap, geometry: WindowGeometry) -> Alignment:
        """The alignment; where it does not know the scale, with that at which the median depth stays what it was."""
        alignment, now = align_windows(entry.geometry, geometry), geometry.median_depth()
        if alignment.scale_known or self._last is None or not (now > 0 and self._last.median_depth > 0):
            return alignment
        before = self._last.median_depth * scene.submaps[self._last.submap].world_from_window.scale
        return alignment.with_scale(before / (now * scene.submaps[entry.submap].world_from_window.scale))

    def _align_earlier(self, draft: _Draft, submap: int, geometry: WindowGeometry) -> None:
        """Add edges to windows before the previous one, where frames are shared with them too."""
        submaps = draft.scene.submaps
        segment = submaps[submap].segment
        near = [e for e in self._earlier if can_align(e, geometry) and submaps[e.submap].segment == segment]
        for k, alignment in align_earlier([entry.geometry for entry in near], geometry):
            candidate = self._candidate(near[k], alignment, geometry)
            draft.events.append(candidate.event(submap))
            draft.edges.append(candidate.edge(submap))

    def _begin_segment(self, draft: _Draft, window: int, geometry: WindowGeometry) -> None:
        number, self._segments_begun = self._segments_begun, self._segments_begun + 1
        world_from_window = _first_camera(geometry).inverse()
        if self._last is not None:
            world_from_window = _extrapolated_pose(draft.scene, self._last, geometry)
        submap = len(draft.scene.submaps)
        draft.add(Submap(window, number, _span(geometry), world_from_window))
        reason = "it is the first" if self._last is None else "no part of the window before could be aligned"
        draft.events.append(Event("segment", {"segment": number, "node": submap, "reason": reason}))

    def _add_placed(self, draft: _Draft, window: int, submap: int, geometry: WindowGeometry) -> RecentSubmap:
        """Add a submap whose poses are given in the world: there is nothing to align."""
        draft.add(Submap(window, 0, _span(geometry), Sim3.identity()))
        draft.events.append(Event("segment", {"segment": 0, "node": submap, "reason": "its poses are given"}))
        return RecentSubmap(submap, geometry, True)

    def _add_unposed(self, draft: _Draft, window: int, submap: int, geometry: WindowGeometry) -> RecentSubmap:
        """Add a submap without poses: its frames take the poses that the window before has of them."""
        posed_last = sorted(self._previous, key=lambda entry: entry.posed)
        if posed_last:
            previous = posed_last[-1].submap
            before = draft.scene.submaps[previous]
            borrowed = replace(before, window=window, frames=_span(geometry), previous=previous, previous_per_unit=1.0)
            draft.add(replace(borrowed, join_confidence=1.0))
        else:
            draft.add(Submap(window, 0, _span(geometry), Sim3.identity()))
        if geometry.status is not Status.DEPTH:
            draft.events.append(Event("left out", {"node": submap, "reason": "no frame of it has a pose"}))
        return RecentSubmap(submap, geometry, False)


def _merge_by_alignment(draft: _Draft, submap: int, candidate: AlignmentCandidate) -> None:
    """Merge the two segments that a submap is aligned on, so that it lies in both as its alignments say."""
    other, previous_from_current = candidate.to.submap, candidate.alignment.previous_from_current
    merge = merge_segments(draft.scene, other, submap, previous_from_current)
    if merge is None:
        return
    draft.scene = merge.scene
    draft.events.append(merge.event)
    if merge.scene.submaps[other].previous is None:
        submaps = list(merge.scene.submaps)
        submaps[other] = replace(submaps[other], previous=submap, previous_per_unit=1 / previous_from_current.scale)
        draft.scene = replace(merge.scene, submaps=tuple(submaps))


def _extrapolated_pose(scene: Scene, last: LastPose, geometry: WindowGeometry) -> Sim3:
    """world_from_window that lets the first camera stand at the last known pose, with the median depth of there."""
    world_from_last = scene.submaps[last.submap].world_from_window
    scale = world_from_last.scale
    before, now = last.median_depth, geometry.median_depth()
    if before > 0 and now > 0:
        scale *= before / now
    world_from_camera = world_from_last @ pose(last.window_from_camera)
    camera_in_world = Sim3(scale, world_from_camera.rotation, world_from_camera.translation)
    return camera_in_world @ _first_camera(geometry).inverse()


def _first_camera(geometry: WindowGeometry) -> Sim3:
    return pose(geometry.window_from_camera[int(np.flatnonzero(geometry.has_pose)[0])])


def _span(geometry: WindowGeometry) -> tuple[int, int]:
    return int(geometry.frame_indices[0]), int(geometry.frame_indices[-1])
