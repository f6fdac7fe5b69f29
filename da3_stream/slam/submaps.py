"""What a run knows of the places that it has seen, for whoever looks at them again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from ..store import Run, RunGeometry, Scene, SubmapCameras, frame_poses, read_cameras, read_frames, read_images
from ..types import Float64, Frame, Status, UInt8, WindowGeometry
from .arena import Arena


@dataclass(frozen=True, eq=False, slots=True)
class _OwnedFrames:
    """The frames that a submap owns, and the way between them in its own units."""

    submap: int
    path_length: Float64  # [K]
    gap_to_next: float  # from the last one to the first that the next submap owns
    ordinal: int  # of the first, counted over all frames that submaps own


class SubmapStore:
    """Stored windows by the frames that they own, and where they lie now; `scene` is kept up to date by the run."""

    def __init__(self, run: Run, scene: Scene, is_metric: bool) -> None:
        self.scene = scene
        self.submaps: dict[int, SubmapCameras] = {}
        self._run, self._is_metric = run, is_metric
        self._seen: list[_OwnedFrames] = []
        self._firsts: list[int] = []
        self._shelf = Arena()
        self._count = 0

    def restore(self, scene: Scene) -> None:
        """Know all submaps of a scene again, from their files."""
        self.scene = scene
        for submap in range(len(scene.submaps)):
            self.add(submap, read_cameras(self._run, submap))

    def add(self, submap: int, part: SubmapCameras) -> None:
        """A submap that was just stored; one that owns nothing is known by none."""
        self.submaps[submap] = part.compact(self._shelf.copy)
        owned = part.owned
        if not owned.any():
            return
        steps = np.nan_to_num(np.linalg.norm(np.diff(part.window_from_camera[:, :3, 3], axis=0), axis=1))
        way = np.concatenate([[0.0], np.cumsum(steps)])
        last = min(int(np.flatnonzero(owned)[-1]) + 1, len(way) - 1)  # the first frame of the next submap, mostly
        beyond = float(way[last] - way[owned][-1])
        self._seen.append(_OwnedFrames(submap, self._shelf.copy(way[owned]), beyond, self._count))
        self._count += int(owned.sum())
        self._firsts.append(int(part.frame_indices[owned][0]))

    def selected(self) -> list[tuple[int, float]]:
        """Index and time of every selected frame in order: owned ones, and those left out beside them."""
        beside = [(e.index, e.timestamp) for submap in self.submaps.values() for e in submap.left_out]
        return sorted([*beside, *(pair for submap in self.submaps.values() for pair in submap.own_frames())])

    def left_out(self) -> list[int]:
        """Indices of the frames that submaps speak for without owning them, in order."""
        return sorted(entry.index for submap in self.submaps.values() for entry in submap.left_out)

    def run_geometry(self) -> RunGeometry:
        """Where all frames lie now."""
        return RunGeometry(self.scene, self.submaps, frame_poses(self.scene, self.submaps))

    def submap_of(self, frame: int) -> int:
        """The submap that owns a frame. Raises KeyError if none does."""
        return self._owner(frame).submap

    def frames_of(self, window: int) -> list[int]:
        """The frames that a submap owns."""
        return self._owned(window).tolist()

    def geometry(self, window: int, frames: Sequence[int] | None = None) -> WindowGeometry:
        """A stored submap with some of the frames that it owns (all if None), in its own frame; pictures are black."""
        submap = self.submaps[window]
        frames = self.frames_of(window) if frames is None else frames
        rows = np.searchsorted(submap.frame_indices, frames)
        depth, confidence = read_frames(self._run, window, frames)
        return WindowGeometry(
            submap.frame_indices[rows],
            np.broadcast_to(np.uint8(0), (*depth.shape, 3)),
            depth,
            confidence,
            submap.intrinsics[rows],
            _whole(submap.window_from_camera[rows]),
            self._is_metric,
            status=Status(submap.status),
        )

    def frames(self, indices: Sequence[int]) -> list[Frame]:
        """Frames as the predictor took them, but for what JPEG left out."""
        owners = [self._owner(index) for index in indices]
        by_submap: dict[int, list[int]] = {}
        for index, owner in zip(indices, owners, strict=True):
            by_submap.setdefault(owner.submap, []).append(index)
        images = {k: i for n, of in by_submap.items() for k, i in zip(of, read_images(self._run, n, of), strict=True)}
        return [self._frame(index, owner, images[index]) for index, owner in zip(indices, owners, strict=True)]

    def world_from_window(self, window: int) -> Sim3:
        """Where a submap is now."""
        return self.scene.submaps[window].world_from_window

    def path_length(self, earlier: int, later: int) -> float:
        """Length of the camera's way between two frames in the world's units; NaN where they are in two segments."""
        first, last = self._place(earlier), self._place(later)
        submaps = self.scene.submaps
        if submaps[self._seen[first].submap].segment != submaps[self._seen[last].submap].segment:
            return float("nan")
        return sum(self._way_in(place, earlier, later) for place in range(first, last + 1))

    def _way_in(self, place: int, earlier: int, later: int) -> float:
        seen = self._seen[place]
        indices = self._owned(seen.submap)
        inside = seen.path_length[(indices >= earlier) & (indices <= later)]
        beyond = seen.gap_to_next if len(inside) and later > indices[-1] else 0.0
        return (float(np.ptp(inside)) + beyond) * self.world_from_window(seen.submap).scale if len(inside) else 0.0

    def _frame(self, index: int, owner: _OwnedFrames, image: UInt8) -> Frame:
        submap = self.submaps[owner.submap]
        timestamp = float(submap.timestamps[np.searchsorted(submap.frame_indices, index)])
        ordinal = owner.ordinal + int(np.searchsorted(self._owned(owner.submap), index))
        return Frame(index, timestamp, image, str(index), submap.source_size, ordinal)

    def _owner(self, frame: int) -> _OwnedFrames:
        seen = self._seen[self._place(frame)]
        if frame not in self._owned(seen.submap):
            raise KeyError(f"no window owns frame {frame}")
        return seen

    def _owned(self, submap: int) -> NDArray[np.int64]:
        geometry = self.submaps[submap]
        return geometry.frame_indices[geometry.owned]

    def _place(self, frame: int) -> int:
        return max(bisect_right(self._firsts, frame) - 1, 0)


def _whole(poses: Float64) -> Float64:
    """[N,4,4] of the upper rows [N,3,4]."""
    return np.concatenate([poses, np.tile(np.eye(4)[3:], (len(poses), 1, 1))], axis=1)
