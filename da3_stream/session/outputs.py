"""The outputs of a run for other tools: merged cloud, trajectories, overview image."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..cloud import drop_samples, preview_cloud, read_ply, write_merged_cloud
from ..export import (
    FindSource,
    write_camera_poses,
    write_frames_csv,
    write_intrinsics,
    write_kitti,
    write_overview,
    write_tum,
)
from ..report import path_length
from ..settings import Settings
from ..store import PoseTable, Run, RunGeometry, Scene, pose_table, read_run_geometry

log = logging.getLogger(__name__)

OVERVIEW_POINTS = 1_000_000  # more than the overview has cells


def write_outputs(
    run: Run, status: Mapping[str, Any], settings: Settings, find_source: FindSource
) -> tuple[RunGeometry, PoseTable]:
    """Write all that follows from the stored submaps; returns geometry and poses, in metres if a scale was given.

    `find_source` gives the file that a frame comes from and its number there, by its index in the input. Raises
    StoreError where the disk refuses.
    """
    geometry = read_run_geometry(run)
    if settings.scale.path_length_m is not None:
        geometry = _apply_path_length(run, geometry, status, settings.scale.path_length_m)
    poses = pose_table(status, geometry)
    write_tum(poses, run.path / "trajectory.tum")
    write_kitti(poses, run.path / "trajectory.kitti")
    write_camera_poses(poses, run.path / "camera_poses.txt")
    write_intrinsics(poses, run.path / "intrinsics.txt")
    write_frames_csv(poses, find_source, run.path / "frames.csv")
    write_merged_cloud(run, geometry, settings.cloud)
    if settings.cloud.format != "ply":
        preview_cloud(run, geometry, settings.cloud)
    drop_samples(run)
    _write_overview(run, poses, geometry.scene)
    return geometry, poses


def largest_segment_length(poses: PoseTable) -> float:
    """Length of the cameras' path in the segment with most frames, in world units; 0 without any pose."""
    numbers, counts = np.unique(poses.segment[poses.segment >= 0], return_counts=True)
    if not len(numbers):
        return 0.0
    largest = numbers[np.argmax(counts)]
    return path_length(replace(poses, segment=np.where(poses.segment == largest, largest, -1)))


def _apply_path_length(run: Run, geometry: RunGeometry, status: Mapping[str, Any], path_length_m: float) -> RunGeometry:
    """The geometry with a scale that gives the largest segment's path its true length; stored in scene.json."""
    relative = largest_segment_length(pose_table(status, geometry))
    if relative <= 0:
        log.warning("the path has no length: scale.path_length_m cannot be applied, units stay relative")
        return geometry
    run.write_scene(geometry.scene.in_metres(geometry.scene.scale * path_length_m / relative))
    return read_run_geometry(run)


def _write_overview(run: Run, poses: PoseTable, scene: Scene) -> None:
    xyz, rgb = read_ply(run.path / "cloud.ply", OVERVIEW_POINTS)
    write_overview(poses, xyz, rgb, scene, run.path / "overview.png")
