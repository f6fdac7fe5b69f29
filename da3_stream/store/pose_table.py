"""What a run says of its frames: poses, intrinsics, depth, in world units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..geometry import Sim3
from ..types import Float32, Float64, Status
from .frame_poses import FramePoses, frame_poses
from .interpolation import InterpolatedPoses, interpolated_poses
from .pose_confidence import PoseBelief, join_limits, pose_belief
from .run import Run, open_run
from .scene import Scene, Units
from .submap import SubmapCameras
from .submap_files import read_cameras, read_frame, read_frame_and_sky, read_sky

UNPLACED = "UNPLACED"  # status of a selected frame that has no pose (yet), though no window of it failed
INTERPOLATED = "INTERPOLATED"  # of one that the gate left out: its pose lies between those of its neighbours


@dataclass(frozen=True, eq=False)
class PoseTable:
    """One row per selected frame, in order."""

    source_index: NDArray[np.int64]  # [N]
    timestamp: Float64  # [N] seconds
    has_times: bool  # False: timestamps are by an assumed rate
    segment: NDArray[np.int64]  # [N], -1 where there is no pose
    world_from_camera: Float64  # [N,4,4] rigid, NaN where unknown
    depth_scale: Float64  # [N] world units per unit of stored depth, NaN where unknown
    intrinsics: Float64  # [N,3,3] in pixels of the input, NaN where unknown
    status: tuple[str, ...]  # [N]
    confidence: Float64  # [N] probability that the pose is right; 0 where there is none
    nanoseconds: NDArray[np.int64] | None = None  # [N] times as the input has them, where float64 seconds are rounded

    def __len__(self) -> int:
        return len(self.source_index)

    @property
    def has_pose(self) -> NDArray[np.bool_]:
        """Which rows [N] have a pose."""
        return np.all(np.isfinite(self.world_from_camera), axis=(1, 2))

    @property
    def is_depth_alone(self) -> NDArray[np.bool_]:
        """Which rows [N] are of a model that gives depth of single frames, and no poses."""
        return np.array([status == Status.DEPTH for status in self.status], np.bool_)

    def take(self, rows: Sequence[int]) -> PoseTable:
        """These rows only, in this order."""
        others = ("has_times", "status", "nanoseconds")
        arrays = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name not in others}
        status = tuple(self.status[row] for row in rows)
        exact = None if self.nanoseconds is None else self.nanoseconds[rows]
        return PoseTable(**arrays, has_times=self.has_times, status=status, nanoseconds=exact)

    def times_ns(self) -> NDArray[np.int64]:
        """Times [N] in whole nanoseconds: exactly the input's, where it has them, else those of the timestamps."""
        return np.rint(self.timestamp * 1e9).astype(np.int64) if self.nanoseconds is None else self.nanoseconds


@dataclass(frozen=True, eq=False)
class RunGeometry:
    """Scene, submaps and frame poses of a run at one moment; a few hundred bytes a frame."""

    scene: Scene
    submaps: dict[int, SubmapCameras]
    frame_poses: FramePoses

    def median_depth(self, segment: int | None = None) -> float:
        """Of the submaps' median depths, of one segment or all, in world units; 0 where there is no depth."""
        submaps = self.scene.submaps
        asked = {k: submap for k, submap in self.submaps.items() if segment in (None, submaps[k].segment)}
        depths = [submap.median_depth * submaps[k].world_from_window.scale for k, submap in asked.items()]
        known = [depth for depth in depths if depth > 0]
        return self.scene.scale * float(np.median(known)) if known else 0.0

    def moved(self, there_from_here: Sim3, units: Units) -> RunGeometry:
        """The same in another frame of reference."""
        scene = self.scene.moved(there_from_here, units)
        return RunGeometry(scene, self.submaps, frame_poses(scene, self.submaps))


def read_run_geometry(run: Run) -> RunGeometry:
    """All submaps that scene.json names. Raises StoreError if a file is absent or damaged."""
    scene = run.read_scene()
    return _geometry_of(run, scene, range(len(scene.submaps)))


def read_poses(run_dir: Path) -> PoseTable:
    """Poses, intrinsics and states of all selected frames, also of a run that is still going.

    Rows are run.json's `source_indices` and, while that lags behind, the frames that submaps own.
    """
    run = open_run(run_dir)
    return pose_table(run.read_status(), read_run_geometry(run))


def pose_table(status: Mapping[str, Any], geometry: RunGeometry) -> PoseTable:
    """The table that `read_poses` gives, from what was read already."""
    poses = geometry.frame_poses
    listed, times = _listed_frames(status)
    interpolated = interpolated_poses(poses, geometry.submaps)
    belief = pose_belief(poses, geometry.submaps).at_most(join_limits(geometry.scene, poses))
    indices = np.union1d(np.union1d(listed, poses.source_index), interpolated.source_index)
    rows = np.searchsorted(indices, np.concatenate([poses.source_index, interpolated.source_index]))
    n = len(indices)
    timestamps = _fill(np.full(n, np.nan), rows, np.concatenate([poses.timestamp, interpolated.timestamp]))
    timestamps[np.searchsorted(indices, listed)] = times
    states = np.full(n, UNPLACED, object)
    beside = np.where(interpolated.segment >= 0, INTERPOLATED, UNPLACED).astype(object)
    states[rows] = np.concatenate([_states(belief, poses), beside])
    confidence = np.concatenate([belief.confidence, _smaller_neighbours(belief, poses, interpolated)])
    intrinsics = _intrinsics(geometry)
    world_from_camera = np.concatenate([poses.world_from_camera, interpolated.world_from_camera])
    return PoseTable(
        source_index=indices,
        timestamp=timestamps,
        has_times=bool(status.get("has_times", True)),
        segment=_fill(np.full(n, -1), rows, np.concatenate([poses.segment, interpolated.segment])),
        world_from_camera=_fill(np.full((n, 4, 4), np.nan), rows, world_from_camera),
        depth_scale=_fill(np.full(n, np.nan), rows[: len(poses.scale)], poses.depth_scale),
        intrinsics=_fill(np.full((n, 3, 3), np.nan), rows, np.concatenate([intrinsics, intrinsics[interpolated.kept]])),
        status=tuple(states.tolist()),
        confidence=_fill(np.zeros(n), rows, confidence),
        nanoseconds=np.array(exact, np.int64) if len(exact := status.get("nanoseconds", ())) == n > 0 else None,
    )


def read_depth(run_dir: Path, source_index: int) -> tuple[Float32, Float32, Float64]:
    """Depth [H,W] in world units (0 = none), confidence [H,W] and intrinsics [3,3] of one frame at that resolution.

    Raises KeyError if no submap owns the frame or it has no pose. Reads the submaps that know the frame, no others.
    """
    run = open_run(run_dir)
    scene = run.read_scene()
    near = [k for k, submap in enumerate(scene.submaps) if submap.frames[0] <= source_index <= submap.frames[1]]
    return frame_depth(run, _geometry_of(run, scene, near), source_index)


def frame_depth(run: Run, geometry: RunGeometry, source_index: int) -> tuple[Float32, Float32, Float64]:
    """What `read_depth` gives, with the geometry read already."""
    poses = geometry.frame_poses
    m = _find_row(poses, source_index)
    submap = int(poses.submap[m])
    depth, confidence = read_frame(run, submap, source_index)
    return depth * np.float32(poses.depth_scale[m]), confidence, geometry.submaps[submap].intrinsics[poses.row[m]]


def frame_depth_and_sky(
    run: Run, geometry: RunGeometry, source_index: int
) -> tuple[Float32, Float32, NDArray[np.bool_] | None, Float64]:
    """What `frame_depth` and `frame_sky` give, read together, with the intrinsics last."""
    poses = geometry.frame_poses
    m = _find_row(poses, source_index)
    submap = int(poses.submap[m])
    depth, confidence, sky = read_frame_and_sky(run, submap, source_index)
    return depth * np.float32(poses.depth_scale[m]), confidence, sky, geometry.submaps[submap].intrinsics[poses.row[m]]


def frame_depth_size(geometry: RunGeometry, source_index: int) -> tuple[int, int]:
    """(width, height) of a frame's depth map. Raises KeyError as `read_depth`."""
    return geometry.submaps[int(geometry.frame_poses.submap[_find_row(geometry.frame_poses, source_index)])].depth_size


def frame_sky(run: Run, geometry: RunGeometry, source_index: int) -> NDArray[np.bool_] | None:
    """Which pixels [H,W] of a frame are sky, None where the model did not tell. Raises KeyError as `read_depth`."""
    m = _find_row(geometry.frame_poses, source_index)
    return read_sky(run, int(geometry.frame_poses.submap[m]), source_index)


def _find_row(poses: FramePoses, source_index: int) -> int:
    m = int(np.searchsorted(poses.source_index, source_index))
    if m == len(poses.source_index) or poses.source_index[m] != source_index or np.isnan(poses.depth_scale[m]):
        raise KeyError(f"frame {source_index} has no depth in this run")
    return m


def _geometry_of(run: Run, scene: Scene, numbers: Iterable[int]) -> RunGeometry:
    submaps = {number: read_cameras(run, number) for number in numbers}
    return RunGeometry(scene, submaps, frame_poses(scene, submaps))


def _listed_frames(status: Mapping[str, Any]) -> tuple[NDArray[np.int64], Float64]:
    """Source indices and timestamps of the selected frames that run.json lists."""
    try:
        indices = np.array(status.get("source_indices", []), np.int64)
        times = np.array(status.get("timestamps", []), np.float64)
    except (TypeError, ValueError, OverflowError):
        raise StoreError("run.json is damaged: expected numbers in source_indices and timestamps") from None
    if indices.shape != times.shape or indices.ndim != 1:
        raise StoreError(f"run.json is damaged: {indices.size} source_indices, but {times.size} timestamps")
    if not np.isfinite(times).all():
        raise StoreError("run.json is damaged: a timestamp is no number")
    return indices, times


def _intrinsics(geometry: RunGeometry) -> Float64:
    found = np.empty((len(geometry.frame_poses.submap), 3, 3))
    for submap, entries, rows in _by_owner(geometry):
        found[entries] = submap.source_intrinsics()[rows]
    return found


def _states(belief: PoseBelief, poses: FramePoses) -> NDArray[np.object_]:
    """The status of every owned frame: one without a pose is UNPLACED, unless its window FAILED or has depth alone."""
    return np.where(poses.has_pose | np.isin(belief.status, (Status.FAILED, Status.DEPTH)), belief.status, UNPLACED)


def _smaller_neighbours(belief: PoseBelief, poses: FramePoses, interpolated: InterpolatedPoses) -> Float64:
    """The smaller confidence of the kept frames before and after each interpolated one; 0 where it has no pose."""
    if not len(poses.source_index):
        return np.zeros(len(interpolated.source_index))
    bounded = np.concatenate([[np.inf], belief.confidence, [np.inf]])
    after = np.searchsorted(poses.source_index, interpolated.source_index)
    return np.where(interpolated.segment >= 0, np.minimum(bounded[after], bounded[after + 1]), 0.0)


def _by_owner(geometry: RunGeometry) -> Iterator[tuple[SubmapCameras, NDArray[np.int64], NDArray[np.int64]]]:
    """Every submap with the entries of the frames that it owns, and their rows in it."""
    poses = geometry.frame_poses
    for number, entries in poses.by_submap(np.arange(len(poses.submap))):
        yield geometry.submaps[number], entries, poses.row[entries]


def _fill(table: NDArray, rows: NDArray[np.int64], values: NDArray) -> NDArray:
    table[rows] = values
    return table
