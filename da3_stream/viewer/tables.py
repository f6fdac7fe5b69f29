"""The table of frames and their poses as a page holds them: rows are only added, and each knows when it last moved.

All numbers are little endian. A table's answer is four uint32 and then its columns, one after the other. The number of
rows of an answer is bounded: the page asks on from the row where it ended.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..cloud.transform import submap_transforms
from ..geometry import Sim3Array
from ..store import PoseTable, RunGeometry
from ..types import Float32, Float64

STATUSES = ("OK", "WEAK", "HELD", "TURNED", "FAILED", "UNPLACED", "INTERPOLATED", "DEPTH")  # by their codes
MOST_FRAME_ROWS = 65_536  # of an answer, 21 bytes each
MOST_POSE_ROWS = 8_192  # 52 bytes each, cameras 76
_SAME = 1e-9  # relative: rounding, where a solution is computed again


@dataclass(frozen=True, eq=False)
class FrameTable:
    """One row for each of the N frames that a submap holds, by ascending source index."""

    time: Float64  # [N] seconds since the input's first frame
    source_index: NDArray[np.uint32]  # [N]
    submap: NDArray[np.uint32]  # [N]
    row_in_submap: NDArray[np.uint32]  # [N] in the submap's cameras
    status: NDArray[np.uint8]  # [N] places in STATUSES

    def __len__(self) -> int:
        return len(self.source_index)

    def begins_with(self, earlier: FrameTable) -> bool:
        """Whether this is the other table with rows added."""
        n = len(earlier)
        names = ("time", "source_index", "submap", "row_in_submap")
        return len(self) >= n and all(
            np.array_equal(getattr(self, name)[:n], getattr(earlier, name), equal_nan=True) for name in names
        )

    def pack(self, first: int, most: int | None = None) -> bytes:
        """The answer of rows `first` to the last, or of so many of them."""
        first = min(first, len(self))
        last = len(self) if most is None else min(first + most, len(self))
        columns = (self.time, self.source_index, self.submap, self.row_in_submap, self.status)
        body = b"".join(little_endian(column[first:last]) for column in columns)
        return _head(last - first, first) + body + bytes((first - last) % 4)


@dataclass(frozen=True)
class WantedRows:
    """Which rows of poses an answer has: those that changed after the revision `since`, from row `first` on, whose
    number `step` divides, and no more than `most` of them."""

    since: int = 0
    first: int = 0
    step: int = 1
    most: int | None = None


@dataclass(frozen=True, eq=False)
class FramePoseRows:
    """Two similarities for each of N frames, world_from_submap by that frame and world_from_camera; NaN without."""

    submaps: Sim3Array  # [N]
    cameras: Sim3Array  # [N]
    intrinsics: Float32  # [N,6] fx, fy, cx, cy, width, height of the depth map
    confidence: Float64  # [N]
    moved: NDArray[np.int64]  # [N] the revision in which a row last changed

    def __len__(self) -> int:
        return len(self.confidence)

    @property
    def revision(self) -> int:
        """The last one in which any row changed."""
        return int(self.moved.max(initial=0))

    def after(self, earlier: FramePoseRows, revision: int) -> FramePoseRows:
        """The same, where rows that are as they were `earlier` keep their revision, and their bits."""
        n = len(earlier)
        same = np.zeros(len(self), np.bool_)
        same[:n] = _are_same(self.submaps, earlier.submaps, n) & np.isclose(
            self.confidence[:n], earlier.confidence, rtol=0, atol=1e-6, equal_nan=True
        )
        moved = np.full(len(self), revision, np.int64)
        moved[same] = earlier.moved[same[:n]]
        return replace(self, moved=moved)

    def pack_submaps(self, wanted: WantedRows) -> bytes:
        """The answer of world_from_submap."""
        rows, following = self._chosen(wanted)
        return self._pack(self.submaps, rows, following)

    def pack_cameras(self, wanted: WantedRows) -> bytes:
        """The answer of world_from_camera, and the intrinsics."""
        rows, following = self._chosen(wanted)
        return self._pack(self.cameras, rows, following) + little_endian(self.intrinsics[rows])

    def _chosen(self, wanted: WantedRows) -> tuple[NDArray[np.intp], int]:
        """The rows of an answer, and the row from which the next one goes on; 0 where there is none."""
        rows = np.flatnonzero(self.moved > wanted.since)
        rows = rows[(rows >= wanted.first) & (rows % wanted.step == 0)]
        if wanted.most is None or len(rows) <= wanted.most:
            return rows, 0
        return rows[: wanted.most], int(rows[wanted.most])

    def _pack(self, transforms: Sim3Array, rows: NDArray[np.intp], following: int) -> bytes:
        chosen = transforms[rows]
        rotation = np.full((len(rows), 4), np.nan, np.float32)
        known = np.isfinite(chosen.rotation).all(axis=(1, 2))
        if known.any():
            rotation[known] = Rotation.from_matrix(chosen.rotation[known]).as_quat()
        columns = (
            chosen.translation,
            rows.astype(np.uint32),
            rotation,
            chosen.scale.astype(np.float32),
            self.confidence[rows].astype(np.float32),
        )
        head = _head(self.revision, len(rows), following)
        return head + b"".join(little_endian(column) for column in columns)


EMPTY_FRAMES = FrameTable(
    np.zeros(0),
    np.zeros(0, np.uint32),
    np.zeros(0, np.uint32),
    np.zeros(0, np.uint32),
    np.zeros(0, np.uint8),
)
_NO_TRANSFORMS = Sim3Array(np.zeros(0), np.zeros((0, 3, 3)), np.zeros((0, 3)))
EMPTY_POSES = FramePoseRows(
    _NO_TRANSFORMS, _NO_TRANSFORMS, np.zeros((0, 6), np.float32), np.zeros(0), np.zeros(0, np.int64)
)


def frame_table(geometry: RunGeometry, table: PoseTable, first_time: float) -> FrameTable:
    """Of a run's geometry and its pose table; times count from `first_time`."""
    poses = geometry.frame_poses
    rows = np.searchsorted(table.source_index, poses.source_index)
    return FrameTable(
        table.timestamp[rows] - first_time,
        poses.source_index.astype(np.uint32),
        poses.submap.astype(np.uint32),
        poses.row.astype(np.uint32),
        np.array([STATUSES.index(table.status[row]) for row in rows], np.uint8),
    )


def frame_pose_rows(geometry: RunGeometry, table: PoseTable, revision: int) -> FramePoseRows:
    """Of a run's geometry and its pose table, all of this revision."""
    poses = geometry.frame_poses
    rows = np.searchsorted(table.source_index, poses.source_index)
    matrices = submap_transforms(geometry, np.arange(len(rows)))
    scale = np.linalg.norm(matrices[:, 0, :3], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        submaps = Sim3Array(scale, matrices[:, :, :3] / scale[:, None, None], matrices[:, :, 3])
    cameras = Sim3Array(poses.scale, poses.world_from_camera[:, :3, :3], poses.world_from_camera[:, :3, 3])
    moved = np.full(len(rows), revision, np.int64)
    return FramePoseRows(submaps, cameras, _intrinsics(geometry), table.confidence[rows], moved)


def _intrinsics(geometry: RunGeometry) -> Float32:
    """fx, fy, cx, cy, width, height of each frame's depth map [N,6]."""
    poses = geometry.frame_poses
    found = np.zeros((len(poses.source_index), 6), np.float32)
    for submap, entries in poses.by_submap(np.arange(len(found))):
        cameras = geometry.submaps[submap]
        k = cameras.intrinsics[poses.row[entries]]
        found[entries, :4] = np.stack([k[:, 0, 0], k[:, 1, 1], k[:, 0, 2], k[:, 1, 2]], axis=1)
        found[entries, 4:] = cameras.depth_size
    return found


def _are_same(now: Sim3Array, then: Sim3Array, n: int) -> NDArray[np.bool_]:
    """Whether the first n rows [n] are the same but for rounding."""
    return (
        np.isclose(now.scale[:n], then.scale, rtol=_SAME, atol=0, equal_nan=True)
        & np.isclose(now.rotation[:n], then.rotation, rtol=0, atol=_SAME, equal_nan=True).all(axis=(1, 2))
        & np.isclose(now.translation[:n], then.translation, rtol=_SAME, atol=_SAME, equal_nan=True).all(axis=1)
    )


def _head(*numbers: int) -> bytes:
    return np.array([*numbers, *[0] * (4 - len(numbers))], "<u4").tobytes()


def little_endian(column: NDArray) -> bytes:
    """The bytes of a column of an answer."""
    return column.astype(column.dtype.newbyteorder("<"), copy=False).tobytes()
