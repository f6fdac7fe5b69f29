"""trajectory.tum while a run goes on: lines are added as windows come, and all are written anew after a correction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import StoreError
from ..export import row_text, tum_rows
from ..store import RunGeometry, Scene, Submap, SubmapCameras, frame_poses, pose_table
from ..store.files import replacing
from ..types import Float64

MOVED = 0.01  # median depths of a window by which its line may be off before all are written anew
TURNED = 0.003  # radians, and log-scale


class LiveTrajectory:
    """Keeps the file up to date: `grow` with every window, with the submaps that it became."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written_poses = np.zeros((0, 13))  # of every submap: its place when its lines were written
        self._open: list[int] = []  # submaps of the last window: the next one still moves the end of their lines
        self._stable_bytes = 0  # bytes of lines before theirs
        self._unit = 1.0

    def append(self, scene: Scene, geometries: dict[int, SubmapCameras], submaps: Sequence[int]) -> bool:
        """Add the lines of a window's submaps; whether everything was written anew instead, because it had moved."""
        anew = (
            not len(self._written_poses) or len(self._written_poses) != submaps[0] or self._has_moved(scene, geometries)
        )
        if anew:
            self._draw_anew(scene, geometries, submaps)
        else:
            self._add(scene, geometries, submaps)
        return anew

    def _has_moved(self, scene: Scene, geometries: dict[int, SubmapCameras]) -> bool:
        """Whether any line in the file is off by more than may be."""
        if abs(np.log(scene.scale / self._unit)) > TURNED:
            return True
        then = self._written_poses
        now = _submap_poses(scene.submaps[: len(then)])
        depth = np.array([geometries[k].median_depth or 1.0 for k in range(len(then))])
        shift = np.linalg.norm(now[:, 10:] - then[:, 10:], axis=1) > MOVED * depth * then[:, 0]
        turn = np.abs(now[:, 1:10] - then[:, 1:10]).max(axis=1, initial=0.0) > TURNED
        return bool(np.any(shift | turn | (np.abs(np.log(now[:, 0] / then[:, 0])) > TURNED)))

    def _draw_anew(self, scene: Scene, geometries: dict[int, SubmapCameras], submaps: Sequence[int]) -> None:
        old, new = _rows(scene, geometries, [_first_frame(geometries, submaps)])
        with replacing(self._path) as file:
            file.writelines(row_text(old))
            settled = file.tell()
            file.writelines(row_text(new))
        self._stable_bytes = settled
        self._written_poses = _submap_poses(scene.submaps)
        self._open, self._unit = list(submaps), scene.scale

    def _add(self, scene: Scene, geometries: dict[int, SubmapCameras], submaps: Sequence[int]) -> None:
        """Write the lines of the last window's submaps again, and those of the new ones."""
        near = {k: geometries[k] for k in range(self._first_near(scene), submaps[-1] + 1)}
        _, old, new = _rows(scene, near, [_first_frame(near, self._open), _first_frame(near, submaps)])
        try:
            with open(self._path, "r+b") as file:
                file.seek(self._stable_bytes)
                file.writelines(row_text(old))
                settled = file.tell()
                file.writelines(row_text(new))
                file.truncate()
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror or error}") from error
        self._stable_bytes = settled
        self._written_poses = np.concatenate([self._written_poses, _submap_poses([scene.submaps[k] for k in submaps])])
        self._open = list(submaps)

    def _first_near(self, scene: Scene) -> int:
        """The first submap whose lines, or whose neighbours' lines, can still change."""
        window = scene.submaps[self._open[0]].window
        first = self._open[0]
        while first and scene.submaps[first - 1].window >= window - 1:
            first -= 1
        return first


def _submap_poses(submaps: Sequence[Submap]) -> Float64:
    return np.array([submap.world_from_window.numbers() for submap in submaps]).reshape(-1, 13)


def _first_frame(geometries: dict[int, SubmapCameras], submaps: Sequence[int]) -> int:
    """The first frame that submaps speak for."""
    own = [int(geometries[submap].frame_indices[geometries[submap].owned][0]) for submap in submaps]
    return min([*own, *(geometries[submap].left_out[0].index for submap in submaps if geometries[submap].left_out)])


def _rows(scene: Scene, geometries: dict[int, SubmapCameras], borders: Sequence[int]) -> list[Float64]:
    """The lines of all frames that submaps speak for, as numbers, in parts that begin at these frames."""
    poses = pose_table({}, RunGeometry(scene, geometries, frame_poses(scene, geometries)))
    rows = tum_rows(poses.timestamp, poses.world_from_camera)
    return np.split(rows, np.searchsorted(poses.source_index, borders))
