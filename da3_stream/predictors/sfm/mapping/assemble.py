"""From the models of a window to one pose per frame: parts, breaks, and frames that are in no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from ....types import Status
from .sparse_model import SparseModel

Poses = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WindowCameras:
    """One pose per row [n,4,4] (window_from_camera), whether it was measured [n], where new parts begin, and the
    witnesses of every pose, [n] each."""

    poses: Poses
    measured: NDArray[np.bool_]
    breaks: tuple[int, ...]
    status: Status
    notes: tuple[str, ...]
    witnesses: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    frame_status: tuple[Status, ...] = ()  # [n], or none where all are as the window
    guessed_scale: tuple[int, ...] = ()  # rows from which on the scale is a guess, after a turn
    contradiction: str = ""  # what turns say against the intrinsics that were given


def assemble(models: list[SparseModel], cuts: tuple[int, ...], count: int) -> WindowCameras:
    """Poses of all rows: from the largest model, then from smaller ones where they have rows that no part spans yet."""
    if not models:
        return static_cameras(count, Status.FAILED, "no two frames could be related")
    poses, part = np.full((count, 4, 4), np.nan), np.full(count, -1)
    for number, model in enumerate(models):
        rows = model.rows
        if (part[rows[0] : rows[-1] + 1] < 0).all():
            poses[rows] = model.model_from_camera
            part[rows[0] : rows[-1] + 1] = number
    measured = np.isfinite(poses[:, 0, 0])
    breaks = tuple(sorted({*cuts, *_part_starts(part)}))
    for start, stop in zip((0, *breaks), (*breaks, count), strict=True):
        poses[start:stop] = fill(poses[start:stop])
    notes = [f"cut before row {row}: weak link" for row in cuts]
    notes += [f"{int((~measured).sum())} frames without a measured pose"] if not measured.all() else []
    return WindowCameras(poses, measured, breaks, Status.OK if not notes else Status.WEAK, tuple(notes))


def static_cameras(count: int, status: Status, note: str) -> WindowCameras:
    """All frames at one pose, none of them measured."""
    return WindowCameras(np.tile(np.eye(4), (count, 1, 1)), np.zeros(count, bool), (), status, (note,))


def _part_starts(part: NDArray[np.int64]) -> list[int]:
    """Rows where another part begins; rows of no part belong to the part before them."""
    owner, current = part.copy(), -1
    for row, number in enumerate(part):
        current = number if number >= 0 else current
        owner[row] = current
    owner[owner < 0] = owner[np.argmax(owner >= 0)]
    return (np.flatnonzero(np.diff(owner)) + 1).tolist()


def fill(poses: Poses) -> Poses:
    """Poses [n,4,4] with gaps interpolated and ends carried on at constant velocity; all unknown gives identities."""
    known = np.flatnonzero(np.isfinite(poses[:, 0, 0]))
    if not len(known):
        return np.tile(np.eye(4), (len(poses), 1, 1))
    out = poses.copy()
    inside = np.arange(known[0], known[-1] + 1)
    if len(known) > 1:
        rotations = Slerp(known, Rotation.from_matrix(poses[known, :3, :3]))(inside).as_matrix()
        centres = [np.interp(inside, known, poses[known, axis, 3]) for axis in range(3)]
        gaps = ~np.isfinite(poses[inside, 0, 0])
        out[inside[gaps]] = _rigid(rotations, np.stack(centres, axis=1))[gaps]
    _extrapolate(out, range(known[-1] + 1, len(out)), int(known[-1]), 1 if len(known) > 1 else 0)
    _extrapolate(out, range(known[0] - 1, -1, -1), int(known[0]), -1 if len(known) > 1 else 0)
    return out


def _extrapolate(poses: Poses, rows: range, last: int, direction: int) -> None:
    """Repeat the last motion before `last` (seen in the given direction) over the rows."""
    motion = np.linalg.inv(poses[last - direction]) @ poses[last] if direction else np.eye(4)
    for row in rows:
        before = row - direction if direction else last
        poses[row] = poses[before] @ motion


def _rigid(rotations: NDArray[np.float64], centres: NDArray[np.float64]) -> Poses:
    out = np.tile(np.eye(4), (len(rotations), 1, 1))
    out[:, :3, :3], out[:, :3, 3] = rotations, centres
    return out
