"""Where windows lie in the world: every part of a window becomes a node of the scene, chained to those before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..geometry import Sim3
from ..posegraph import Edge
from ..stitching import align_earlier, align_windows
from ..stitching.static_depth import lend_to_held, lend_within
from ..store import Scene, SceneNode, pack_scene, unpack_scene
from ..types import Status, WindowGeometry
from .neighbours import LastKnown, Placed, Tie, comparable, has_poses, median_depth, pose, sharing
from .splitting import Part
from .update import Event


@dataclass
class Placement:
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
    _previous: list[Placed] = field(default_factory=list)
    _earlier: list[Placed] = field(default_factory=list)  # nodes of windows before the previous one
    _last: LastKnown | None = None
    _begun: int = 0  # segments, those that were joined to others too

    def place(self, window: int, parts: Sequence[Part]) -> list[int]:
        """Node numbers of a window's parts, each now in the scene; `events` tells how they came there."""
        placed = [self._place_part(window, part) for part in parts]
        frames = np.concatenate([entry.geometry.frame_indices for entry in placed])
        frames = frames[-self.most_shared :] if self.most_shared is not None else frames
        self._earlier = sharing([*self._earlier, *self._previous], frames)
        self._previous = sharing(placed, frames)
        return [entry.node for entry in placed]

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
        self._previous, self._earlier = ([Placed.restored(e) for e in state[name]] for name in ("previous", "earlier"))
        self._last = None if state["last"] is None else LastKnown(**state["last"])
        self._begun = state["begun"]

    def take_events(self) -> list[Event]:
        """What happened since this was last asked."""
        events, self.events = self.events, []
        return events

    def take_edges(self) -> list[Edge]:
        """Alignments that were used since this was last asked."""
        edges, self.edges = self.edges, []
        return edges

    def _place_part(self, window: int, part: Part) -> Placed:
        node, geometry = len(self.scene.nodes), part.geometry
        if not has_poses(geometry).any():
            return self._leave_out(window, node, geometry)
        geometry = lend_within(geometry)
        ties = self._ties(node, geometry)
        if ties:
            lent = self._join(window, node, geometry, ties)
            self._tie_earlier(node, geometry)
            geometry = lent
        else:
            self._begin_segment(window, node, geometry)
        self._last = LastKnown.of(node, geometry)
        return Placed(node, geometry, True)

    def _ties(self, node: int, geometry: WindowGeometry) -> list[Tie]:
        """Alignments on parts of the previous window that did not fail, the best one first."""
        near = [entry for entry in self._previous if comparable(entry, geometry)]
        ties = [Tie(entry, align_windows(entry.geometry, geometry)) for entry in near]
        for tie in ties:
            self.events.append(tie.event(node))
        good = [tie for tie in ties if tie.alignment.status is not Status.FAILED]
        return sorted(good, key=lambda tie: tie.rank, reverse=True)

    def _join(self, window: int, node: int, geometry: WindowGeometry, ties: list[Tie]) -> WindowGeometry:
        """Place a node on its best tie, and join the segments of the others that are as sure."""
        best = ties[0]
        previous_from_current = best.alignment.previous_from_current
        before = self.scene.nodes[best.to.node]
        world_from_window = before.world_from_window @ previous_from_current
        scale = previous_from_current.scale
        self._add(SceneNode(window, before.segment, _span(geometry), world_from_window, best.to.node, scale))
        self.edges.append(best.edge(node))
        if best.alignment.status is Status.OK:
            for tie in ties[1:]:
                if tie.alignment.status is Status.OK:
                    self._join_segments(node, tie)
                    self.edges.append(tie.edge(node))
        return lend_to_held(geometry, best.to.geometry, scale)

    def _tie_earlier(self, node: int, geometry: WindowGeometry) -> None:
        """Edges to windows before the previous one, where frames are shared with them too."""
        segment = self.scene.nodes[node].segment
        near = [e for e in self._earlier if comparable(e, geometry) and self.scene.nodes[e.node].segment == segment]
        for place, alignment in align_earlier([entry.geometry for entry in near], geometry):
            tie = Tie(near[place], alignment)
            self.events.append(tie.event(node))
            self.edges.append(tie.edge(node))

    def _join_segments(self, node: int, tie: Tie) -> None:
        """Move the younger of two segments that a node ties together, so that the node lies in both alike."""
        if not self.join(tie.to.node, node, tie.alignment.previous_from_current):
            return
        nodes = list(self.scene.nodes)
        if nodes[tie.to.node].previous is None:
            per_unit = 1 / tie.alignment.previous_from_current.scale
            nodes[tie.to.node] = replace(nodes[tie.to.node], previous=node, previous_per_unit=per_unit)
            self.scene = replace(self.scene, nodes=tuple(nodes))

    def join(self, a: int, b: int, a_from_b: Sim3) -> bool:
        """Move the younger of two nodes' segments so that b lies in a as it should; False where they are of one."""
        there, here = self.scene.nodes[a], self.scene.nodes[b]
        if here.segment == there.segment:
            return False
        there_from_here = there.world_from_window @ a_from_b @ here.world_from_window.inverse()
        older, younger = sorted((here.segment, there.segment))
        move = there_from_here if younger == here.segment else there_from_here.inverse()
        nodes = [_moved(entry, older, move) if entry.segment == younger else entry for entry in self.scene.nodes]
        self.scene = replace(self.scene, nodes=tuple(nodes))
        self.events.append(Event("segments joined", {"node": b, "segment": older, "joined": younger}))
        return True

    def _begin_segment(self, window: int, node: int, geometry: WindowGeometry) -> None:
        number, self._begun = self._begun, self._begun + 1
        place = self._goes_on(geometry) if self._last else _first_camera(geometry).inverse()
        self._add(SceneNode(window, number, _span(geometry), place))
        reason = "it is the first" if self._last is None else "no part of the window before could be aligned"
        self.events.append(Event("segment", {"segment": number, "node": node, "reason": reason}))

    def _goes_on(self, geometry: WindowGeometry) -> Sim3:
        """world_from_window that lets the first camera stand where the last known one was."""
        assert self._last is not None
        world_from_last = self.scene.nodes[self._last.node].world_from_window
        scale = world_from_last.scale
        before, now = self._last.median_depth, median_depth(geometry)
        if before > 0 and now > 0:
            scale *= before / now
        world_from_camera = world_from_last @ pose(self._last.window_from_camera)
        camera_in_world = Sim3(scale, world_from_camera.rotation, world_from_camera.translation)
        return camera_in_world @ _first_camera(geometry).inverse()

    def _leave_out(self, window: int, node: int, geometry: WindowGeometry) -> Placed:
        """A node without poses: its frames take those that the window before has of them."""
        posed_last = sorted(self._previous, key=lambda entry: entry.posed)
        if posed_last:
            before = self.scene.nodes[posed_last[-1].node]
            after = replace(before, window=window, frames=_span(geometry), previous=posed_last[-1].node)
            self._add(replace(after, previous_per_unit=1.0))
        else:
            self._add(SceneNode(window, 0, _span(geometry), Sim3.identity()))
        self.events.append(Event("left out", {"node": node, "reason": "no frame of it has a pose"}))
        return Placed(node, geometry, False)

    def _add(self, node: SceneNode) -> None:
        self.scene = self.scene.with_node(node)


def _moved(node: SceneNode, segment: int, move: Sim3) -> SceneNode:
    return replace(node, segment=segment, world_from_window=move @ node.world_from_window)


def _first_camera(geometry: WindowGeometry) -> Sim3:
    return pose(geometry.window_from_camera[int(np.flatnonzero(has_poses(geometry))[0])])


def _span(geometry: WindowGeometry) -> tuple[int, int]:
    return int(geometry.frame_indices[0]), int(geometry.frame_indices[-1])
