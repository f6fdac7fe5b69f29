"""Points of a run as its files have them, in the world as it is now; and runs that lie elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import cv2
import numpy as np
from numpy.typing import NDArray

from da3_stream.cloud import read_page
from da3_stream.cloud.transform import submap_transforms
from da3_stream.geometry import Sim3
from da3_stream.store import Run, RunReader
from tests.worlds.known_runs import FRAMES, KnownRun
from tests.worlds.known_street import LANDMARK_RGB, SIZE, pose, rays_of_pixels, seen

Array = NDArray[np.float64]
Placing = Callable[[int], Sim3]  # there_from_here of a submap


def world_points(run: Path) -> tuple[Array, NDArray[np.uint8]]:
    """Positions [M,3], in double precision throughout, and colours [M,3] of all points."""
    reader = RunReader.open(run)
    poses, parts = reader.geometry.frame_poses, []
    for submap in reader.geometry.submaps:
        rows = np.flatnonzero((poses.submap == submap) & poses.has_pose)
        page = read_page(reader.run, submap)
        which = np.searchsorted(poses.source_index[rows], page.frame)
        matrix = submap_transforms(reader.geometry, rows)[which]
        parts.append((np.einsum("nij,nj->ni", matrix[:, :, :3], page.xyz) + matrix[:, :, 3], page.rgb))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def landmark(run: Path) -> Array:
    """A point [3] of the odd tile of the known street, the one in the midst of the others."""
    xyz, rgb = world_points(run)
    odd = xyz[(np.abs(rgb.astype(int) - LANDMARK_RGB) <= 3).all(axis=1)]
    return np.asarray(odd[np.linalg.norm(odd - odd.mean(axis=0), axis=1).argmin()])


def true_picture(frame: int) -> Array:
    """What the camera of a frame sees [16,24,3], made small."""
    _, colours = seen(rays_of_pixels(SIZE), pose(frame))
    return np.asarray(cv2.resize(colours, (24, 16), interpolation=cv2.INTER_AREA).astype(np.float64))


def closest_picture(shown: Array) -> int:
    """The frame whose camera sees what a picture [16,24,3] shows."""
    return int(np.argmin([np.abs(shown - true_picture(frame)).mean() for frame in range(FRAMES)]))


def move(run: Run, placing: Placing) -> None:
    """Correct the scene as a run does: every submap goes elsewhere, and no other file changes."""
    scene = run.read_scene()
    submaps = [
        replace(each, world_from_window=placing(number) @ each.world_from_window)
        for number, each in enumerate(scene.submaps)
    ]
    run.write_scene(replace(scene, submaps=tuple(submaps)))


def moved_copy(known: KnownRun, folder: Path, placing: Placing) -> Path:
    """Another run directory with the same submaps elsewhere."""
    copytree(known.path, folder)
    move(Run(folder), placing)
    return folder


def shift(x: float, y: float, z: float) -> Sim3:
    return Sim3(1.0, np.eye(3), [x, y, z])
