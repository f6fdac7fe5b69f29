"""The map: stored submaps by the frames that they own, and the scene, which says where each of them lies now."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from ..geometry.masks import Mask
from ..store import (
    Run,
    RunGeometry,
    Scene,
    SubmapCameras,
    SubmapFrames,
    frame_poses,
    read_cameras,
    read_frames,
    read_images,
    read_masks,
    write_submap,
)
from ..types import Float64, Frame, Status, UInt8, WindowGeometry
from .arena import Arena


@dataclass(frozen=True, eq=False, slots=True)
class _OwnedFrames:
    """The frames that a submap owns, and the length of the path along them in the submap's own units."""

    submap: int
    path_length: Float64  # [K] from the submap's first frame
    gap_to_next: float  # from the last one to the first frame that the next submap owns
    ordinal: int  # of the first, counted over all frames that submaps own


class SubmapStore:
    """Submaps of a run: cameras in memory, pixels on disk. `scene` is the one place that says where they lie."""

    def __init__(self, run: Run, scene: Scene, is_metric: bool) -> None:
        self.scene = scene
        self.cameras: dict[int, SubmapCameras] = {}
        self._run, self._is_metric = run, is_metric
        self._owned_frames: list[_OwnedFrames] = []
        self._first_frames: list[int] = []
        self._arena = Arena()
        self._count = 0

    def restore(self, scene: Scene) -> None:
        """Hold the submaps of a scene again, from their files."""
        self.scene = scene
        for submap in range(len(scene.submaps)):
            self._remember(submap, read_cameras(self._run, submap))

    def add(self, submap: int, frames: SubmapFrames) -> None:
        """Store a submap. Raises StoreError where its arrays do not go together or the disk refuses."""
        write_submap(self._run, submap, frames)
        self._remember(submap, frames)

    def selected(self) -> list[tuple[int, float]]:
        """Index and time of every selected frame in order: owned ones, and those left out beside them."""
        left_out = [(e.index, e.timestamp) for cameras in self.cameras.values() for e in cameras.left_out]
        return sorted([*left_out, *(pair for cameras in self.cameras.values() for pair in cameras.own_frames())])

    def left_out(self) -> list[int]:
        """Indices of the frames that were left out beside owned ones, in order."""
        return sorted(entry.index for cameras in self.cameras.values() for entry in cameras.left_out)

    def run_geometry(self) -> RunGeometry:
        """The poses of all frames now."""
        return RunGeometry(self.scene, self.cameras, frame_poses(self.scene, self.cameras))

    def submap_of(self, frame: int) -> int:
        """The submap that owns a frame. Raises KeyError if none does."""
        return self._owner(frame).submap

    def frames_of(self, submap: int) -> list[int]:
        """The frames that a submap owns."""
        return self._owned_indices(submap).tolist()

    def geometry(self, submap: int, frames: Sequence[int] | None = None) -> WindowGeometry:
        """A stored submap with some of the frames that it owns (all if None), in its own frame; images are black."""
        cameras = self.cameras[submap]
        frames = self.frames_of(submap) if frames is None else frames
        rows = np.searchsorted(cameras.frame_indices, frames)
        depth, confidence = read_frames(self._run, submap, frames)
        return WindowGeometry(
            cameras.frame_indices[rows],
            np.broadcast_to(np.uint8(0), (*depth.shape, 3)),
            depth,
            confidence,
            cameras.intrinsics[rows],
            _with_last_row(cameras.window_from_camera[rows]),
            self._is_metric,
            status=Status(cameras.status),
        )

    def frames(self, indices: Sequence[int]) -> list[Frame]:
        """Frames as the predictor took them, but for the losses of JPEG."""
        owners = [self._owner(index) for index in indices]
        by_submap: dict[int, list[int]] = {}
        for index, owner in zip(indices, owners, strict=True):
            by_submap.setdefault(owner.submap, []).append(index)
        images: dict[int, UInt8] = {}
        masks: dict[int, Mask | None] = {}
        for submap, of in by_submap.items():
            images |= zip(of, read_images(self._run, submap, of), strict=True)
            masks |= zip(of, read_masks(self._run, submap, of), strict=True)
        pairs = zip(indices, owners, strict=True)
        return [self._frame(index, owner, images[index], masks[index]) for index, owner in pairs]

    def world_from_window(self, submap: int) -> Sim3:
        """Where a submap lies now."""
        return self.scene.submaps[submap].world_from_window

    def path_length(self, earlier: int, later: int) -> float:
        """Length of the camera's path between two frames in world units; NaN where they are in two segments."""
        first, last = self._entry(earlier), self._entry(later)
        submaps = self.scene.submaps
        if submaps[self._owned_frames[first].submap].segment != submaps[self._owned_frames[last].submap].segment:
            return float("nan")
        return sum(self._path_length_in(entry, earlier, later) for entry in range(first, last + 1))

    def whole_path_length(self) -> float:
        """Length of the camera's path in all segments, in what is told of the world: metres if the scene has them."""
        lengths = [self._whole_length(entry) for entry in range(len(self._owned_frames))]
        return self.scene.scale * sum(lengths)

    def _whole_length(self, entry: int) -> float:
        """Of the path along the frames of a submap, and on to the next one's of the same segment, in world units."""
        owned, submaps = self._owned_frames[entry], self.scene.submaps
        after = self._owned_frames[entry + 1 : entry + 2]
        goes_on = any(submaps[next_.submap].segment == submaps[owned.submap].segment for next_ in after)
        return (float(np.ptp(owned.path_length)) + goes_on * owned.gap_to_next) * submaps[
            owned.submap
        ].world_from_window.scale

    def _remember(self, submap: int, cameras: SubmapCameras) -> None:
        """Hold the cameras of a submap; one that owns no frame is not found by any."""
        self.cameras[submap] = cameras.compact(self._arena.copy)
        owned = cameras.owned
        if not owned.any():
            return
        steps = np.nan_to_num(np.linalg.norm(np.diff(cameras.window_from_camera[:, :3, 3], axis=0), axis=1))
        length = np.concatenate([[0.0], np.cumsum(steps)])
        after = min(int(np.flatnonzero(owned)[-1]) + 1, len(length) - 1)  # mostly the first frame of the next submap
        gap = float(length[after] - length[owned][-1])
        self._owned_frames.append(_OwnedFrames(submap, self._arena.copy(length[owned]), gap, self._count))
        self._count += int(owned.sum())
        self._first_frames.append(int(cameras.frame_indices[owned][0]))

    def _path_length_in(self, entry: int, earlier: int, later: int) -> float:
        frames = self._owned_frames[entry]
        indices = self._owned_indices(frames.submap)
        inside = frames.path_length[(indices >= earlier) & (indices <= later)]
        if not len(inside):
            return 0.0
        gap = frames.gap_to_next if later > indices[-1] else 0.0
        return (float(np.ptp(inside)) + gap) * self.world_from_window(frames.submap).scale

    def _frame(self, index: int, owner: _OwnedFrames, image: UInt8, mask: Mask | None) -> Frame:
        cameras = self.cameras[owner.submap]
        timestamp = float(cameras.timestamps[np.searchsorted(cameras.frame_indices, index)])
        ordinal = owner.ordinal + int(np.searchsorted(self._owned_indices(owner.submap), index))
        return Frame(index, timestamp, image, str(index), cameras.source_size, ordinal, mask=mask)

    def _owner(self, frame: int) -> _OwnedFrames:
        owner = self._owned_frames[self._entry(frame)]
        if frame not in self._owned_indices(owner.submap):
            raise KeyError(f"no window owns frame {frame}")
        return owner

    def _owned_indices(self, submap: int) -> NDArray[np.int64]:
        cameras = self.cameras[submap]
        return cameras.frame_indices[cameras.owned]

    def _entry(self, frame: int) -> int:
        return max(bisect_right(self._first_frames, frame) - 1, 0)


def _with_last_row(poses: Float64) -> Float64:
    """[N,4,4] of the upper rows [N,3,4]."""
    return np.concatenate([poses, np.tile(np.eye(4)[3:], (len(poses), 1, 1))], axis=1)
