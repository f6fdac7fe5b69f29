"""Scenes and meshes: Khronos' validator, three.js in Chromium, Blender, MeshLab."""

from __future__ import annotations

import json
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.reading.readers import Reader, Workbench
from tests.export.table.clouds import srgb
from tests.export.table.exported import Array, Exported, apply, file_from_world, to_world
from tests.worlds.known_street import SIZE, camera, colours_at, off_edge, off_surface, pose, rays_of_pixels, seen

SHOWN = 6  # the frame whose view is looked at
COLOUR = 5.0  # of 255: how far the mean of what a browser shows may be from the picture's
Z_UP_FROM_Y_UP = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])  # glTF in Blender


def valid(bench: Workbench, exported: Exported) -> None:
    """Without an error or a warning by the standard's own validator."""
    (found,) = bench.node("validate_gltf.cjs", exported.path).values()
    assert not found["errors"] and not found["warnings"], found["messages"]


def shown(bench: Workbench, exported: Exported, point_px: float) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """What three.js shows [H,W,3] from where the camera of a frame stands, and what the file holds."""
    matrix = file_from_world(exported) @ pose(SHOWN) @ np.diag([1.0, -1, -1, 1])
    matrix[:3, :3] /= np.cbrt(np.linalg.det(matrix[:3, :3]))
    width, height = 4 * SIZE[0], 4 * SIZE[1]
    vfov = 2 * np.degrees(np.arctan(SIZE[1] / 2 / camera()[1, 1]))
    picture, modules = bench.folder / "shown.png", bench.installed.folder / "npm" / "node_modules"
    numbers = json.dumps(matrix.T.ravel().tolist())
    words = [
        modules,
        bench.installed.program("chromium"),
        exported.path,
        picture,
        width,
        height,
        vfov,
        numbers,
        point_px,
    ]
    found = bench.node("look.mjs", *words)
    assert "error" not in found, found["error"]
    return cv2.imread(str(picture))[..., ::-1], found


def expected_view(size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The street [H,W,3] as that camera sees it (square pixels, axis in the middle), and where there is something."""
    k = camera()
    width, height = size
    scale = height / SIZE[1] * k[1, 1]
    x, y = (np.arange(width) + 0.5 - width / 2) / scale, (np.arange(height) + 0.5 - height / 2) / scale
    depth, colours = seen(np.stack(np.meshgrid(x, y), axis=-1), pose(SHOWN))
    return colours, depth > 0


def three_points(bench: Workbench, exported: Exported) -> None:
    """Where points are shown, the mean colour is that of the pictures."""
    _compare_view(*shown(bench, exported, 3.0))


def three_mesh(bench: Workbench, exported: Exported) -> None:
    """Neither black nor a mirror: the mean colour is that of the pictures."""
    _compare_view(*shown(bench, exported, 1.0))


def _compare_view(picture: NDArray[np.uint8], found: dict[str, Any]) -> None:
    expected, there = expected_view((picture.shape[1], picture.shape[0]))
    drawn = there & (picture.max(axis=2) > 0)
    assert drawn.mean() > 0.1, f"{drawn.mean():.3f} of the picture is drawn; {found}"
    off = picture[drawn].mean(axis=0) - expected[drawn].mean(axis=0)
    assert np.abs(off).max() < COLOUR, f"mean colour off by {off.round(1)}"


def blender(bench: Workbench, exported: Exported) -> dict[str, Any]:
    """Objects after an import."""
    return dict(bench.python("blender.py", exported.path))


def blender_points(bench: Workbench, exported: Exported) -> None:
    """Points lie where they are, with their colours."""
    found = blender(bench, exported)["meshes"]
    name = max(found, key=lambda each: len(found[each]["vertices"]))
    turn = np.linalg.inv(Z_UP_FROM_Y_UP)
    world = to_world(exported, apply(turn, np.array(found[name]["vertices"])))
    assert np.quantile(off_surface(world), 0.9) < 10 * exported.closeness  # single precision
    _compare_colours(world, np.array(found[name]["colours"]))


def blender_mesh(bench: Workbench, exported: Exported) -> None:
    """A surface with a material whose colour is the vertices'."""
    found = blender(bench, exported)["meshes"]
    (mesh,) = found.values()
    assert mesh["polygons"] > 100 and mesh["materials"]
    world = to_world(exported, apply(np.linalg.inv(Z_UP_FROM_Y_UP), np.array(mesh["vertices"])))
    assert np.quantile(off_surface(world), 0.9) < 100 * exported.closeness


def _compare_colours(world: Array, linear: Array) -> None:
    clear = off_edge(world) > 0.05
    assert len(linear) == len(world)
    off = np.abs(colours_at(world[clear]) - 255 * srgb(linear[clear])).max(axis=1)
    assert (off < 3).mean() > 0.95, f"{(off < 3).mean():.3f} of the points have their colour in Blender"


def blender_flight(bench: Workbench, exported: Exported) -> None:
    """A camera flies along the path: its matrices are the frames' poses."""
    cameras = blender(bench, exported)["cameras"]
    flying = [each for each in cameras.values() if len(each["matrices"]) > 2]
    assert flying, f"{len(cameras)} cameras, none of them moves"
    truth = np.stack([pose(index) for index in exported.run.exported])[:, :3, 3]
    given = np.linalg.inv(Z_UP_FROM_Y_UP) @ np.array(flying[0]["matrices"]) @ np.diag([1.0, -1, -1, 1])
    flown = to_world(exported, given[:, :3, 3])
    step = np.linalg.norm(np.diff(truth, axis=0), axis=1).max()  # Blender's frames lie between those of the run
    assert np.linalg.norm(flown[:, None] - truth, axis=2).min(axis=1).max() < step / 2 + 1e-2
    assert np.linalg.norm(flown[-1] - truth[-1]) < 1e-2
    width = 2 * np.arctan(SIZE[0] / 2 / camera()[1, 1])  # a glTF camera has square pixels
    assert abs(flying[0]["angle_x"] - width) < 1e-3


def meshlab(bench: Workbench, exported: Exported) -> None:
    """The same box and mean colour that the truth has."""
    found = bench.python("meshlab.py", exported.path)
    assert found["vertices"] > 100
    corners = np.array([found["low"], found["high"]])
    back = to_world(exported, corners)
    assert np.isfinite(back).all()
    _, colours = seen(rays_of_pixels(SIZE), pose(SHOWN))
    assert np.abs(np.array(found["colour"]) - colours.reshape(-1, 3).mean(axis=0)).max() < 25


READERS = (
    Reader(
        "gltf-validator",
        "npm",
        {"glb": {"frame": valid, "colours": valid, "times": valid}, "mesh glb": {"frame": valid, "colours": valid}},
    ),
    Reader("three.js in Chromium", "debian", {"glb": {"colours": three_points}, "mesh glb": {"colours": three_mesh}}),
    Reader(
        "Blender",
        "python",
        {
            "glb": {"frame": blender_points, "colours": blender_points, "times": blender_flight},
            "mesh glb": {"frame": blender_mesh, "colours": blender_mesh},
        },
    ),
    Reader(
        "MeshLab",
        "python",
        {
            "ply": {"frame": meshlab, "colours": meshlab},
            "mesh": {"frame": meshlab, "colours": meshlab},
            "mesh obj": {"frame": meshlab, "colours": meshlab},
        },
    ),
)
