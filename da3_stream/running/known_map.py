"""What a run knows of the places that it has seen, for whoever looks at them again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from ..store import Run, Scene, WindowPart, read_image, read_window
from ..types import Float64, Frame, Status, WindowGeometry


@dataclass(frozen=True, eq=False)
class _Seen:
    """The frames that a node owns, the way between them in its own units, and their times."""

    node: int
    indices: NDArray[np.int64]
    way: Float64  # [K]
    beyond: float  # from the last one to the first that the next node owns
    timestamps: Float64  # [K]
    ordinal: int  # of the first, counted over all frames that nodes own
    source_size: tuple[int, int]


class KnownMap:
    """Stored windows by the frames that they own, and where they lie now; `scene` is kept up to date by the run."""

    def __init__(self, run: Run, scene: Scene, is_metric: bool) -> None:
        self.scene = scene
        self._run, self._is_metric = run, is_metric
        self._seen: list[_Seen] = []
        self._firsts: list[int] = []
        self._count = 0

    def add(self, node: int, part: WindowPart) -> None:
        """A node that was just stored; one that owns nothing is known by none."""
        owned = part.owned
        if not owned.any():
            return
        steps = np.nan_to_num(np.linalg.norm(np.diff(part.window_from_camera[:, :3, 3], axis=0), axis=1))
        way = np.concatenate([[0.0], np.cumsum(steps)])
        last = min(int(np.flatnonzero(owned)[-1]) + 1, len(way) - 1)  # the first frame of the next node, mostly
        beyond = float(way[last] - way[owned][-1])
        self._seen.append(
            _Seen(
                node,
                part.frame_indices[owned],
                way[owned],
                beyond,
                part.timestamps[owned],
                self._count,
                part.source_size,
            )
        )
        self._count += int(owned.sum())
        self._firsts.append(int(part.frame_indices[owned][0]))

    def window_of(self, frame: int) -> int:
        """The node that owns a frame. Raises KeyError if none does."""
        return self._owner(frame).node

    def geometry(self, window: int) -> WindowGeometry:
        """A stored node with its owned frames only, in its own frame; its pictures are left black."""
        part = read_window(self._run, window)
        owned = part.owned
        return WindowGeometry(
            part.frame_indices[owned],
            np.broadcast_to(np.uint8(0), (*part.depth.shape, 3)),
            part.depth,
            part.confidence,
            part.intrinsics[owned],
            part.window_from_camera[owned],
            self._is_metric,
            status=Status(part.status),
        )

    def frames(self, indices: Sequence[int]) -> list[Frame]:
        """Frames as the predictor took them, but for what JPEG left out."""
        return [self._frame(index) for index in indices]

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
        inside = seen.way[(seen.indices >= earlier) & (seen.indices <= later)]
        beyond = seen.beyond if len(inside) and later > seen.indices[-1] else 0.0
        return (float(np.ptp(inside)) + beyond) * self.world_from_window(seen.node).scale if len(inside) else 0.0

    def _frame(self, index: int) -> Frame:
        seen = self._owner(index)
        row = int(np.searchsorted(seen.indices, index))
        image = read_image(self._run, seen.node, index)
        return Frame(index, float(seen.timestamps[row]), image, str(index), seen.source_size, seen.ordinal + row)

    def _owner(self, frame: int) -> _Seen:
        seen = self._seen[self._place(frame)]
        if frame not in seen.indices:
            raise KeyError(f"no window owns frame {frame}")
        return seen

    def _place(self, frame: int) -> int:
        return max(bisect_right(self._firsts, frame) - 1, 0)
