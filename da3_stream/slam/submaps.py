"""What a run knows of the places that it has seen, for whoever looks at them again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from ..store import NodeGeometry, Run, RunGeometry, Scene, frame_places, read_frames, read_geometry, read_images
from ..types import Float64, Frame, Status, UInt8, WindowGeometry
from .arena import Shelf


@dataclass(frozen=True, eq=False, slots=True)
class _Seen:
    """The frames that a node owns, and the way between them in its own units."""

    node: int
    way: Float64  # [K]
    beyond: float  # from the last one to the first that the next node owns
    ordinal: int  # of the first, counted over all frames that nodes own


class KnownMap:
    """Stored windows by the frames that they own, and where they lie now; `scene` is kept up to date by the run."""

    def __init__(self, run: Run, scene: Scene, is_metric: bool) -> None:
        self.scene = scene
        self.nodes: dict[int, NodeGeometry] = {}
        self._run, self._is_metric = run, is_metric
        self._seen: list[_Seen] = []
        self._firsts: list[int] = []
        self._shelf = Shelf()
        self._count = 0

    def restore(self, scene: Scene) -> None:
        """Know all nodes of a scene again, from their files."""
        self.scene = scene
        for node in range(len(scene.nodes)):
            self.add(node, read_geometry(self._run, node))

    def add(self, node: int, part: NodeGeometry) -> None:
        """A node that was just stored; one that owns nothing is known by none."""
        self.nodes[node] = part.compact(self._shelf.keep)
        owned = part.owned
        if not owned.any():
            return
        steps = np.nan_to_num(np.linalg.norm(np.diff(part.window_from_camera[:, :3, 3], axis=0), axis=1))
        way = np.concatenate([[0.0], np.cumsum(steps)])
        last = min(int(np.flatnonzero(owned)[-1]) + 1, len(way) - 1)  # the first frame of the next node, mostly
        beyond = float(way[last] - way[owned][-1])
        self._seen.append(_Seen(node, self._shelf.keep(way[owned]), beyond, self._count))
        self._count += int(owned.sum())
        self._firsts.append(int(part.frame_indices[owned][0]))

    def selected(self) -> list[tuple[int, float]]:
        """Indices and times of all frames that nodes speak for, in order: their own, and those left out beside them."""
        beside = [(e.index, e.timestamp) for node in self.nodes.values() for e in node.left_out]
        return sorted([*beside, *(pair for node in self.nodes.values() for pair in node.own_frames())])

    def left_out(self) -> list[int]:
        """Indices of the frames that nodes speak for without owning them, in order."""
        return sorted(entry.index for node in self.nodes.values() for entry in node.left_out)

    def run_geometry(self) -> RunGeometry:
        """Where all frames lie now."""
        return RunGeometry(self.scene, self.nodes, frame_places(self.scene, self.nodes))

    def window_of(self, frame: int) -> int:
        """The node that owns a frame. Raises KeyError if none does."""
        return self._owner(frame).node

    def frames_of(self, window: int) -> list[int]:
        """The frames that a node owns."""
        return self._owned(window).tolist()

    def geometry(self, window: int, frames: Sequence[int] | None = None) -> WindowGeometry:
        """A stored node with some of the frames that it owns (all if None), in its own frame; pictures are black."""
        node = self.nodes[window]
        frames = self.frames_of(window) if frames is None else frames
        rows = np.searchsorted(node.frame_indices, frames)
        depth, confidence = read_frames(self._run, window, frames)
        return WindowGeometry(
            node.frame_indices[rows],
            np.broadcast_to(np.uint8(0), (*depth.shape, 3)),
            depth,
            confidence,
            node.intrinsics[rows],
            _whole(node.window_from_camera[rows]),
            self._is_metric,
            status=Status(node.status),
        )

    def frames(self, indices: Sequence[int]) -> list[Frame]:
        """Frames as the predictor took them, but for what JPEG left out."""
        owners = [self._owner(index) for index in indices]
        by_node: dict[int, list[int]] = {}
        for index, owner in zip(indices, owners, strict=True):
            by_node.setdefault(owner.node, []).append(index)
        images = {k: i for n, of in by_node.items() for k, i in zip(of, read_images(self._run, n, of), strict=True)}
        return [self._frame(index, owner, images[index]) for index, owner in zip(indices, owners, strict=True)]

    def world_from_window(self, window: int) -> Sim3:
        """Where a node is now."""
        return self.scene.nodes[window].world_from_window

    def travelled(self, earlier: int, later: int) -> float:
        """Length of the camera's way between two frames in the world's units; NaN where they are in two segments."""
        first, last = self._place(earlier), self._place(later)
        nodes = self.scene.nodes
        if nodes[self._seen[first].node].segment != nodes[self._seen[last].node].segment:
            return float("nan")
        return sum(self._way_in(place, earlier, later) for place in range(first, last + 1))

    def _way_in(self, place: int, earlier: int, later: int) -> float:
        seen = self._seen[place]
        indices = self._owned(seen.node)
        inside = seen.way[(indices >= earlier) & (indices <= later)]
        beyond = seen.beyond if len(inside) and later > indices[-1] else 0.0
        return (float(np.ptp(inside)) + beyond) * self.world_from_window(seen.node).scale if len(inside) else 0.0

    def _frame(self, index: int, owner: _Seen, image: UInt8) -> Frame:
        node = self.nodes[owner.node]
        timestamp = float(node.timestamps[np.searchsorted(node.frame_indices, index)])
        ordinal = owner.ordinal + int(np.searchsorted(self._owned(owner.node), index))
        return Frame(index, timestamp, image, str(index), node.source_size, ordinal)

    def _owner(self, frame: int) -> _Seen:
        seen = self._seen[self._place(frame)]
        if frame not in self._owned(seen.node):
            raise KeyError(f"no window owns frame {frame}")
        return seen

    def _owned(self, node: int) -> NDArray[np.int64]:
        geometry = self.nodes[node]
        return geometry.frame_indices[geometry.owned]

    def _place(self, frame: int) -> int:
        return max(bisect_right(self._firsts, frame) - 1, 0)


def _whole(poses: Float64) -> Float64:
    """[N,4,4] of the upper rows [N,3,4]."""
    return np.concatenate([poses, np.tile(np.eye(4)[3:], (len(poses), 1, 1))], axis=1)
