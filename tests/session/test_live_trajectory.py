"""trajectory.tum is right after every window, and written anew only where something moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from da3_stream.evaluation import read_tum
from da3_stream.geometry import Sim3
from da3_stream.session.live_trajectory import LiveTrajectory
from da3_stream.store import Scene, SubmapCameras, frame_poses
from tests.worlds.street import street_part, street_scene

PARTS: dict[int, SubmapCameras] = {number: street_part(number).compact(np.copy) for number in range(3)}


def grown(path: Path, scenes: list[Scene]) -> list[bool]:
    """Window after window, each with the scene of then; whether the file was written anew each time."""
    trail, anew = LiveTrajectory(path), []
    for number, scene in enumerate(scenes):
        so_far = {k: PARTS[k] for k in range(number + 1)}
        known = replace(scene, submaps=scene.submaps[: number + 1])
        anew.append(trail.append(known, so_far, [number]))
        places = frame_poses(known, so_far)
        found = read_tum(path)
        np.testing.assert_allclose(found.world_from_camera, places.world_from_camera, atol=1e-3)
    return anew


def moved(scene: Scene, by: float) -> Scene:
    """All submaps but the first elsewhere."""
    shift = Sim3(1.0, np.eye(3), np.array([by, 0, 0]))
    submaps = [replace(submap, world_from_window=shift @ submap.world_from_window) for submap in scene.submaps[1:]]
    return replace(scene, submaps=(scene.submaps[0], *submaps))


def test_lines_are_added_while_nothing_moves(tmp_path: Path) -> None:
    assert grown(tmp_path / "trajectory.tum", [street_scene()] * 3) == [True, False, False]


def test_all_is_written_anew_after_a_correction(tmp_path: Path) -> None:
    scene = street_scene()
    assert grown(tmp_path / "trajectory.tum", [scene, scene, moved(scene, 0.5)]) == [True, False, True]


def test_what_hardly_moves_stays(tmp_path: Path) -> None:
    scene = street_scene()
    assert grown(tmp_path / "trajectory.tum", [scene, scene, moved(scene, 1e-4)]) == [True, False, False]
