"""scene.glb: points, camera frusta and path in the axes of glTF (x right, y up, z back), in the run's units.

Nodes are named points, cameras and path. Up is estimated from the cameras (see axes.py). Khronos Group, "glTF 2.0
specification" (2021). The whole file is built in memory, which `max_points` bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...cloud import fuse_pages
from ...geometry import Sim3, unproject
from ...store import RunReader
from ...store.files import replacing
from ...types import Float32, Float64, UInt8
from ..axes import file_axes
from ..frame_views import FrameView, posed_views, segment_paths
from .files import cloud_summary, point_selection

if TYPE_CHECKING:
    from ..options import GlbOptions

FRUSTUM = 0.08  # depth of a frustum in median depths
_CAMERA, _PATH = (255, 176, 0, 255), (76, 201, 240, 255)


def export_glb(reader: RunReader, path: Path, options: GlbOptions) -> str:
    """Points of the merged cloud, frusta evenly over the selected frames, and the path through all of them."""
    import trimesh

    axes = file_axes(reader, options.axes, relative="upright").y_up()
    file_from_world, views = axes.file_from_world, posed_views(reader, options)
    xyz, rgb = _points(reader, path, options)
    scene = trimesh.Scene(metadata={**axes.json(), "generator": "da3_stream"})
    if len(xyz):
        _add(scene, "points", trimesh.PointCloud(file_from_world.apply(xyz), rgb))
    shown = [views[k] for k in np.unique(np.linspace(0, len(views) - 1, options.cameras).astype(int))]
    if shown:
        _add(scene, "cameras", _lines(_frusta(reader, shown), _CAMERA, file_from_world))
    _add_path(scene, views, file_from_world)
    with replacing(path) as file:
        file.write(scene.export(file_type="glb"))
    return cloud_summary(axes, len(xyz), f", {len(shown)} cameras")


def _points(reader: RunReader, path: Path, options: GlbOptions) -> tuple[Float32, UInt8]:
    """(positions [M,3], colours [M,3]) in the run's world."""
    with fuse_pages(reader.run, reader.geometry, point_selection(reader, options), path.parent) as cloud:
        parts = [records[["xyz", "rgb"]].copy() for _, records in cloud.tiles]
    xyz, rgb = [part["xyz"] for part in parts], [part["rgb"] for part in parts]
    return np.concatenate([np.zeros((0, 3), np.float32), *xyz]), np.concatenate([np.zeros((0, 3), np.uint8), *rgb])


def _frusta(reader: RunReader, views: Sequence[FrameView]) -> list[Float64]:
    """Per camera four triangles, each a polyline [3,3] that begins at the camera centre."""
    width, height = reader.input_size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    depth = np.full(4, FRUSTUM * (reader.geometry.median_depth() or 1.0))
    lines = []
    for view in views:
        tips = unproject(corners, depth, view.intrinsics)
        for a, b in zip(tips, np.roll(tips, -1, axis=0), strict=True):
            lines.append(Sim3.from_matrix(view.world_from_camera).apply(np.stack([np.zeros(3), a, b])))
    return lines


def _add_path(scene: Any, views: Sequence[FrameView], file_from_world: Sim3) -> None:
    """A line through the camera centres of every segment that has two."""
    lines = [line for line in segment_paths(views) if len(line) > 1]
    if lines:
        _add(scene, "path", _lines(lines, _PATH, file_from_world))


def _lines(lines: Sequence[Float64], colour: tuple[int, int, int, int], file_from_world: Sim3) -> Any:
    """A trimesh path of polylines that are given in the run's world."""
    from trimesh.path import Path3D
    from trimesh.path.entities import Line

    starts = np.cumsum([0, *(len(line) for line in lines)])
    entities = [Line(np.arange(a, b), color=colour) for a, b in zip(starts[:-1], starts[1:], strict=True)]
    return Path3D(entities, file_from_world.apply(np.concatenate(lines)), process=False)


def _add(scene: Any, name: str, shape: Any) -> None:
    scene.add_geometry(shape, node_name=name, geom_name=name)
