"""overview.png: the cloud and the camera path, seen from above."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...store import BELIEVED, PoseTable, Scene
from ...store.files import replacing
from ...types import Float32, Float64, UInt8
from ...upright import up_of_world, upright_rotation
from .map_image import BACKGROUND, MapImage, colour_of

_SEGMENTS = ("#ffb000", "#4cc9f0", "#f72585", "#80ed99", "#c77dff", "#ff7b54")
_START, _END, _DOUBTED = "#3ddc84", "#ff5252", "#ff1f1f"
_LONG_SIDE = (250, 1000)  # of the map, in cells: at least, at most
_MARGIN = 0.06  # of the longer side of the map


def write_overview(poses: PoseTable, xyz: Float32, rgb: UInt8, scene: Scene, path: Path) -> None:
    """Draw points [M,3] with their colours and the path of every segment, in the units of the scene."""
    centres = poses.world_from_camera[:, :3, 3]
    up = up_of_world(scene.georeference, poses, xyz.astype(np.float64))
    plan_from_world = upright_rotation(up, poses.world_from_camera)
    map_path, points = centres @ plan_from_world.T, xyz @ plan_from_world.T
    limits = map_limits(map_path[:, :2], points[:, :2])
    image = MapImage.of(paint(points, rgb, limits), limits)
    segments = _segments(poses)
    for number in segments:
        _draw_segment(image, map_path[poses.segment == number, :2], number)
    doubted = map_path[(poses.segment >= 0) & (poses.confidence < BELIEVED), :2]
    for place in doubted:  # more likely wrong than right
        image.dot(place, _DOUBTED, 3.0)
    legend = [(_colour(number), f"segment {number}") for number in segments] if len(segments) > 1 else []
    png = image.png(_title(poses), _labels(scene.units, len(doubted) > 0), legend)
    with replacing(path) as file:
        file.write(png)


def map_limits(map_path: Float64, points: Float64) -> Float64:
    """[[left, right], [bottom, top]] of the map, around the path [N,2] and the points [M,2] but their outermost 2 % on
    each side."""
    known = map_path[np.isfinite(map_path).all(axis=1)]
    outer = [np.quantile(points, share, axis=0) for share in (0.02, 0.98)] if len(points) else []
    if not len(known) and not outer:
        return np.array([[-1.0, 1.0], [-1.0, 1.0]])
    corners = np.stack([*known, *outer])
    low, high = corners.min(axis=0), corners.max(axis=0)
    room = _MARGIN * max(float((high - low).max()), 1e-9)
    side = np.maximum(high - low + 2 * room, 0.35 * float((high - low).max() + 2 * room))
    middle = (low + high) / 2
    return np.stack([middle - side / 2, middle + side / 2], axis=-1)


def paint(points: Float64, rgb: UInt8, limits: Float64) -> UInt8:
    """The map [H,W,3], first row at the bottom: the mean colour of the points in every cell, background elsewhere."""
    extent = limits[:, 1] - limits[:, 0]
    long_side = np.clip(np.sqrt(2 * len(points)), *_LONG_SIDE)  # so that few cells between points stay empty
    shape = np.maximum(np.rint(long_side * extent / extent.max()), 1).astype(int)  # (width, height)
    cell = np.floor((points[:, :2] - limits[:, 0]) / extent * shape).astype(np.int64)
    inside = ((cell >= 0) & (cell < shape)).all(axis=1)
    flat = cell[inside, 1] * shape[0] + cell[inside, 0]
    cells = int(shape.prod())
    count = np.bincount(flat, minlength=cells)
    sums = np.stack([np.bincount(flat, rgb[inside, c], cells) for c in range(3)], axis=-1)
    image = np.tile(np.array(colour_of(BACKGROUND), np.uint8), (cells, 1))
    image[count > 0] = (sums[count > 0] / count[count > 0, None]).astype(np.uint8)
    return image.reshape(shape[1], shape[0], 3)


def _draw_segment(image: MapImage, map_path: Float64, number: int) -> None:
    image.line(map_path, BACKGROUND, 6)
    image.line(map_path, _colour(number), 3)
    for draw, end, fill in ((image.dot, 0, _START), (image.square, -1, _END)):
        draw(map_path[end], BACKGROUND, 7.5)
        draw(map_path[end], fill, 6.0)


def _colour(number: int) -> str:
    return _SEGMENTS[number % len(_SEGMENTS)]


def _title(poses: PoseTable) -> str:
    placed, segments = int((poses.segment >= 0).sum()), len(_segments(poses))
    return f"Seen from above: {placed} of {len(poses)} frames placed" + (f", {segments} segments" * (segments > 1))


def _labels(units: str, doubted: bool) -> tuple[str, str]:
    """What the axes show: to the right, and upwards."""
    unit = "m" if units == "metres" else "relative units"
    of_dots = ", red dots: poses that are not believed" if doubted else ""
    right, ahead = (f"{way} of the first camera ({unit})" for way in ("right", "ahead"))
    return f"{right}    green: start, red: end{of_dots}", ahead


def _segments(poses: PoseTable) -> list[int]:
    numbers: list[int] = np.unique(poses.segment[poses.segment >= 0]).tolist()
    return numbers
