"""A small run as the gate leaves it, with its input: for what is exported frame by frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from da3_stream.cloud import window_points, write_page
from da3_stream.geometry import Sim3
from da3_stream.store import Run, Scene, Submap, SubmapFrames, create_run, write_submap
from da3_stream.types import LeftOut
from tests.worlds.street import FPS, PAGES, SIZE, SOURCE_SIZE, street_window, world_from_camera

UNIT = 2.5  # world units in one of the submap
COUNT = 24  # even frames have depth, odd ones were left out, and the last one has no place
WITH_DEPTH = list(range(0, 23, 2))


def input_picture(index: int) -> NDArray[np.uint8]:
    """[64,96,3] RGB of one colour, by the frame's number."""
    return np.full((SOURCE_SIZE[1], SOURCE_SIZE[0], 3), (10 * index, 255 - 10 * index, 128), np.uint8)


def gated_run(path: Path, *, sky: bool = False, images: bool = True, k1: float = 0.0, swing: float = 0.0) -> Run:
    """Its one submap owns all frames with depth; the input lies beside it in the folder `input`. The camera goes
    straight ahead, or swings to the sides, up and down by so many metres, whatever the depth says."""
    run, geometry = create_run(path / "run"), street_window(0, 12, UNIT)
    geometry.window_from_camera[:, :2, 3] += swing / UNIT * np.sin([[k, 2 * k] for k in range(12)])
    geometry = replace(geometry, frame_indices=2 * geometry.frame_indices, sky=sky_masks() if sky else None)
    left_out = tuple(LeftOut(index, index / FPS, 0.5, "standing") for index in range(1, 22, 2))
    kept = tuple(cv2.resize(input_picture(index), SIZE) for index in WITH_DEPTH) if images else ()
    times, owned = geometry.frame_indices / FPS, np.ones(12, np.bool_)
    part = SubmapFrames.from_geometry(geometry, times, owned, SOURCE_SIZE, images=kept, left_out=left_out)
    write_submap(run, 0, part)
    write_page(run, 0, window_points(geometry, owned, PAGES))
    place = Sim3.from_matrix(world_from_camera(0) @ np.diag([UNIT] * 3 + [1.0]))
    run.write_scene(Scene("metres", 1.0, (Submap(0, 0, (0, 22), place),)))
    run.write_status(
        {
            "state": "finished",
            "input": {"name": "input", "kind": "images", "paths": [str(write_input(path))], "size": SOURCE_SIZE},
            "camera": {"k1": k1, "corner_shift_px": 9.0 if k1 else 0.0},
            "source_indices": list(range(COUNT)),
            "timestamps": [index / FPS for index in range(COUNT)],
            "has_times": True,
        }
    )
    return run


def sky_masks() -> NDArray[np.bool_]:
    """[12,32,48]: another stretch at the top of each frame."""
    rows = np.arange(SIZE[1])[None, :, None]
    return np.broadcast_to(rows < np.arange(12)[:, None, None], (12, SIZE[1], SIZE[0])).copy()


def write_input(path: Path) -> Path:
    """A folder of the input's pictures."""
    folder = path / "input"
    folder.mkdir(parents=True)
    for index in range(COUNT):
        cv2.imwrite(str(folder / f"{index:03d}.png"), input_picture(index)[..., ::-1])
    return folder
