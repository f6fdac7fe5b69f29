"""trajectory.tum while a run goes on: lines are appended as windows come, and all are rewritten after a correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..errors import StoreError
from ..export import row_text, tum_rows
from ..store import RunGeometry, Scene, Submap, SubmapCameras, frame_poses, pose_table
from ..store.files import replacing
from ..types import Float64

MOVED = 0.01  # median depths of a submap by which its lines may be off before all are rewritten
TURNED = 0.003  # radians, and log-scale

Cameras = Mapping[int, SubmapCameras]


class LiveTrajectory:
    """Keeps the file up to date: call `append` after every window."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written_poses = np.zeros((0, 13))  # of every submap: world_from_window when its lines were written
        self._unstable: list[int] = []  # submaps of the last window: the next one still moves their last lines
        self._stable_bytes = 0  # length of the lines before theirs
        self._scale = 1.0  # of the scene, when the lines were written

    def append(self, scene: Scene, cameras: Cameras, submaps: Sequence[int]) -> bool:
        """Append the lines of a window's submaps; whether all lines were rewritten instead, as poses have changed."""
        count = len(self._written_poses)
        rewrites = not count or count != submaps[0] or self._has_moved(scene, cameras)
        if rewrites:
            self._rewrite(scene, cameras, submaps)
        else:
            self._append(scene, cameras, submaps)
        return rewrites

    def _has_moved(self, scene: Scene, cameras: Cameras) -> bool:
        """Whether any line in the file is off by more than it may be."""
        if abs(np.log(scene.scale / self._scale)) > TURNED:
            return True
        then = self._written_poses
        now = _submap_poses(scene.submaps[: len(then)])
        depth = np.array([cameras[k].median_depth or 1.0 for k in range(len(then))])
        shift = np.linalg.norm(now[:, 10:] - then[:, 10:], axis=1) > MOVED * depth * then[:, 0]
        turn = np.abs(now[:, 1:10] - then[:, 1:10]).max(axis=1, initial=0.0) > TURNED
        return bool(np.any(shift | turn | (np.abs(np.log(now[:, 0] / then[:, 0])) > TURNED)))

    def _rewrite(self, scene: Scene, cameras: Cameras, submaps: Sequence[int]) -> None:
        stable, unstable = _rows(scene, cameras, [_first_frame(cameras, submaps)])
        with replacing(self._path) as file:
            file.writelines(row_text(stable))
            stable_bytes = file.tell()
            file.writelines(row_text(unstable))
        self._stable_bytes = stable_bytes
        self._written_poses = _submap_poses(scene.submaps)
        self._unstable, self._scale = list(submaps), scene.scale

    def _append(self, scene: Scene, cameras: Cameras, submaps: Sequence[int]) -> None:
        """Write the lines of the last window's submaps again, then those of the new ones."""
        nearby = {k: cameras[k] for k in range(self._first_nearby(scene), submaps[-1] + 1)}
        borders = [_first_frame(nearby, self._unstable), _first_frame(nearby, submaps)]
        _, last, new = _rows(scene, nearby, borders)
        try:
            with open(self._path, "r+b") as file:
                file.seek(self._stable_bytes)
                file.writelines(row_text(last))
                stable_bytes = file.tell()
                file.writelines(row_text(new))
                file.truncate()
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror or error}") from error
        self._stable_bytes = stable_bytes
        self._written_poses = np.concatenate([self._written_poses, _submap_poses([scene.submaps[k] for k in submaps])])
        self._unstable = list(submaps)

    def _first_nearby(self, scene: Scene) -> int:
        """The first submap whose lines the new submaps can change, or that shapes such lines."""
        window = scene.submaps[self._unstable[0]].window
        first = self._unstable[0]
        while first and scene.submaps[first - 1].window >= window - 1:
            first -= 1
        return first


def _submap_poses(submaps: Sequence[Submap]) -> Float64:
    return np.array([submap.world_from_window.numbers() for submap in submaps]).reshape(-1, 13)


def _first_frame(cameras: Cameras, submaps: Sequence[int]) -> int:
    """The first selected frame of these submaps: an owned one, or one left out before it."""
    owned = [int(cameras[submap].frame_indices[cameras[submap].owned][0]) for submap in submaps]
    return min([*owned, *(cameras[submap].left_out[0].index for submap in submaps if cameras[submap].left_out)])


def _rows(scene: Scene, cameras: Cameras, borders: Sequence[int]) -> list[Float64]:
    """The lines of all selected frames as numbers, in parts that begin at these frames."""
    poses = pose_table({}, RunGeometry(scene, dict(cameras), frame_poses(scene, cameras)))
    rows = tum_rows(poses.timestamp, poses.world_from_camera)
    return np.split(rows, np.searchsorted(poses.source_index, borders))
