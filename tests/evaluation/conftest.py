"""Paths, pose tables and truth files that the evaluation's tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.store import PoseTable


def _curve(n: int, step_m: float = 0.5) -> NDArray[np.float64]:
    """A winding path with turning cameras, [n,4,4]."""
    t = np.arange(n) * step_m
    heading = 0.6 * np.sin(t / 9)
    velocity = np.stack([np.sin(heading), 0.1 * np.cos(t / 5), np.cos(heading)], axis=1) * step_m
    poses = np.tile(np.eye(4), (n, 1, 1))
    poses[:, :3, :3] = Rotation.from_euler("yx", np.stack([heading, 0.05 * np.sin(t)], axis=1)).as_matrix()
    poses[:, :3, 3] = np.cumsum(velocity, axis=0)
    return poses


def _table(
    world_from_camera: NDArray[np.float64],
    source_index: NDArray[np.int64] | None = None,
    segment: NDArray[np.int64] | None = None,
    timestamp: NDArray[np.float64] | None = None,
) -> PoseTable:
    n = len(world_from_camera)
    source_index = np.arange(n) if source_index is None else np.asarray(source_index)
    return PoseTable(
        source_index=source_index,
        timestamp=np.full(n, np.nan) if timestamp is None else np.asarray(timestamp, float),
        has_times=timestamp is not None,
        segment=np.zeros(n, np.int64) if segment is None else np.asarray(segment),
        world_from_camera=np.asarray(world_from_camera, float),
        depth_scale=np.ones(n),
        intrinsics=np.tile(np.eye(3), (n, 1, 1)),
        status=("OK",) * n,
        confidence=np.ones(n),
    )


def _write_kitti(path: Path, poses: NDArray[np.float64]) -> Path:
    path.write_text("".join(" ".join(repr(float(v)) for v in pose[:3].ravel()) + "\n" for pose in poses))
    return path


def _write_tum(path: Path, poses: NDArray[np.float64], times: NDArray[np.float64]) -> Path:
    quaternions = [Rotation.from_matrix(pose[:3, :3]).as_quat() for pose in poses]
    rows = [[t, *pose[:3, 3], *q] for t, pose, q in zip(times, poses, quaternions, strict=True)]
    path.write_text(
        "# timestamp tx ty tz qx qy qz qw\n" + "".join(" ".join(f"{v!r}" for v in map(float, r)) + "\n" for r in rows)
    )
    return path


@pytest.fixture
def curve() -> Callable[..., NDArray[np.float64]]:
    return _curve


@pytest.fixture
def table() -> Callable[..., PoseTable]:
    return _table


@pytest.fixture
def write_kitti() -> Callable[..., Path]:
    return _write_kitti


@pytest.fixture
def write_tum() -> Callable[..., Path]:
    return _write_tum
