"""Where windows lie in the world: every part of a window becomes a submap of the scene, chained to those before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..geometry import Sim3
from ..posegraph import Edge
from ..stitching import align_earlier, align_windows
from ..stitching.static_depth import propagate_depth_to_held_window, propagate_depth_to_static_frames
from ..store import Scene, Submap, pack_scene, unpack_scene
from ..types import Status, WindowGeometry
from .neighbours import (
    AlignmentCandidate,
    LastPose,
    RecentSubmap,
    can_align,
    has_poses,
    median_depth,
    pose,
    restricted_to,
)
from .splitting import SubmapGeometry
from .update import Event


@dataclass
class SubmapChain:
    """The scene as it grows: `place` puts one window after the other into it.

    The world is the first camera. A part that cannot be tied to the window before it begins a new segment. There, for
    want of knowledge, the camera goes on from where it was last known, and the scale is such that the median depth
    stays what it was: so the picture of the whole is sane, but segments are not tied to each other.
    `most_shared` is the number of frames at the end of a window that a later one may share.
    """

    scene: Scene
    most_shared: int | None = None
    events: list[Event] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    _previous: list[RecentSubmap] = field(default_factory=list)
    _earlier: list[RecentSubmap] = field(default_factory=list)  # submaps of windows before the previous one
    _last: LastPose | None = None
    _begun: int = 0  # segments, those that were joined to others too

    def add_window(self, window: int, parts: Sequence[SubmapGeometry]) -> list[int]:
        """Node numbers of a window's parts, each now in the scene; `events` tells how they came there."""
        placed = [self._place_part(window, part) for part in parts]
        frames = np.concatenate([entry.geometry.frame_indices for entry in placed])
        frames = frames[-self.most_shared :] if self.most_shared is not None else frames
        self._earlier = restricted_to([*self._earlier, *self._previous], frames)
        self._previous = restricted_to(placed, frames)
        return [entry.submap for entry in placed]

    def state(self) -> dict[str, Any]:
        """What the next window needs, for `restore`: numbers and arrays."""
        return {
            "scene": pack_scene(self.scene),
            "previous": [entry.state() for entry in self._previous],
            "earlier": [entry.state() for entry in self._earlier],
            "last": None if self._last is None else vars(self._last),
            "begun": self._begun,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.scene = unpack_scene(state["scene"])
        self._previous, self._earlier = (
            [RecentSubmap.restored(e) for e in state[name]] for name in ("previous", "earlier")
        )
        self._last = None if state["last"] is None else LastPose(**state["last"])
        self._begun = state["begun"]

    def take_events(self) -> list[Event]:
        """What happened since this was last asked."""
        events, self.events = self.events, []
        return events

    def take_edges(self) -> list[Edge]:
        """Alignments that were used since this was last asked."""
        edges, self.edges = self.edges, []
        return edges

    def _place_part(self, window: int, part: SubmapGeometry) -> RecentSubmap:
        submap, geometry = len(self.scene.submaps), part.geometry
        if not has_poses(geometry).any():
            return self._add_unposed(window, submap, geometry)
        geometry = propagate_depth_to_static_frames(geometry)
        ties = self._ties(submap, geometry)
        if ties:
            lent = self._join(window, submap, geometry, ties)
            self._tie_earlier(submap, geometry)
            geometry = lent
        else:
            self._begin_segment(window, submap, geometry)
        self._last = LastPose.of(submap, geometry)
        return RecentSubmap(submap, geometry, True)

    def _ties(self, submap: int, geometry: WindowGeometry) -> list[AlignmentCandidate]:
        """Alignments on parts of the previous window that did not fail, the best one first."""
        near = [entry for entry in self._previous if can_align(entry, geometry)]
        ties = [AlignmentCandidate(entry, align_windows(entry.geometry, geometry)) for entry in near]
        for tie in ties:
            self.events.append(tie.event(submap))
        good = [tie for tie in ties if tie.alignment.status is not Status.FAILED]
        return sorted(good, key=lambda tie: tie.rank, reverse=True)

    def _join(
        self, window: int, submap: int, geometry: WindowGeometry, ties: list[AlignmentCandidate]
    ) -> WindowGeometry:
        """Place a submap on its best tie, and join the segments of the others that are as sure."""
        best = ties[0]
        previous_from_current = best.alignment.previous_from_current
        before = self.scene.submaps[best.to.submap]
        world_from_window = before.world_from_window @ previous_from_current
        scale = previous_from_current.scale
        self._add(Submap(window, before.segment, _span(geometry), world_from_window, best.to.submap, scale))
        self.edges.append(best.edge(submap))
        if best.alignment.status is Status.OK:
            for tie in ties[1:]:
                if tie.alignment.status is Status.OK:
                    self._join_segments(submap, tie)
                    self.edges.append(tie.edge(submap))
        return propagate_depth_to_held_window(geometry, best.to.geometry, scale)

    def _tie_earlier(self, submap: int, geometry: WindowGeometry) -> None:
        """Edges to windows before the previous one, where frames are shared with them too."""
        segment = self.scene.submaps[submap].segment
        near = [e for e in self._earlier if can_align(e, geometry) and self.scene.submaps[e.submap].segment == segment]
        for place, alignment in align_earlier([entry.geometry for entry in near], geometry):
            tie = AlignmentCandidate(near[place], alignment)
            self.events.append(tie.event(submap))
            self.edges.append(tie.edge(submap))

    def _join_segments(self, submap: int, tie: AlignmentCandidate) -> None:
        """Move the younger of two segments that a submap ties together, so that the submap lies in both alike."""
        if not self.merge_segments(tie.to.submap, submap, tie.alignment.previous_from_current):
            return
        submaps = list(self.scene.submaps)
        if submaps[tie.to.submap].previous is None:
            per_unit = 1 / tie.alignment.previous_from_current.scale
            submaps[tie.to.submap] = replace(submaps[tie.to.submap], previous=submap, previous_per_unit=per_unit)
            self.scene = replace(self.scene, submaps=tuple(submaps))

    def merge_segments(self, a: int, b: int, a_from_b: Sim3) -> bool:
        """Move the younger of two nodes' segments so that b lies in a as it should; False where they are of one."""
        there, here = self.scene.submaps[a], self.scene.submaps[b]
        if here.segment == there.segment:
            return False
        there_from_here = there.world_from_window @ a_from_b @ here.world_from_window.inverse()
        older, younger = sorted((here.segment, there.segment))
        move = there_from_here if younger == here.segment else there_from_here.inverse()
        submaps = [_moved(entry, older, move) if entry.segment == younger else entry for entry in self.scene.submaps]
        self.scene = replace(self.scene, submaps=tuple(submaps))
        self.events.append(Event("segments joined", {"node": b, "segment": older, "joined": younger}))
        return True

    def _begin_segment(self, window: int, submap: int, geometry: WindowGeometry) -> None:
        number, self._begun = self._begun, self._begun + 1
        place = self._extrapolated_pose(geometry) if self._last else _first_camera(geometry).inverse()
        self._add(Submap(window, number, _span(geometry), place))
        reason = "it is the first" if self._last is None else "no part of the window before could be aligned"
        self.events.append(Event("segment", {"segment": number, "node": submap, "reason": reason}))

    def _extrapolated_pose(self, geometry: WindowGeometry) -> Sim3:
        """world_from_window that lets the first camera stand where the last known one was."""
        assert self._last is not None
        world_from_last = self.scene.submaps[self._last.submap].world_from_window
        scale = world_from_last.scale
        before, now = self._last.median_depth, median_depth(geometry)
        if before > 0 and now > 0:
            scale *= before / now
        world_from_camera = world_from_last @ pose(self._last.window_from_camera)
        camera_in_world = Sim3(scale, world_from_camera.rotation, world_from_camera.translation)
        return camera_in_world @ _first_camera(geometry).inverse()

    def _add_unposed(self, window: int, submap: int, geometry: WindowGeometry) -> RecentSubmap:
        """A submap without poses: its frames take those that the window before has of them."""
        posed_last = sorted(self._previous, key=lambda entry: entry.posed)
        if posed_last:
            before = self.scene.submaps[posed_last[-1].submap]
            after = replace(before, window=window, frames=_span(geometry), previous=posed_last[-1].submap)
            self._add(replace(after, previous_per_unit=1.0))
        else:
            self._add(Submap(window, 0, _span(geometry), Sim3.identity()))
        self.events.append(Event("left out", {"node": submap, "reason": "no frame of it has a pose"}))
        return RecentSubmap(submap, geometry, False)

    def _add(self, submap: Submap) -> None:
        self.scene = self.scene.with_submap(submap)


def _moved(submap: Submap, segment: int, move: Sim3) -> Submap:
    return replace(submap, segment=segment, world_from_window=move @ submap.world_from_window)


def _first_camera(geometry: WindowGeometry) -> Sim3:
    return pose(geometry.window_from_camera[int(np.flatnonzero(has_poses(geometry))[0])])


def _span(geometry: WindowGeometry) -> tuple[int, int]:
    return int(geometry.frame_indices[0]), int(geometry.frame_indices[-1])
