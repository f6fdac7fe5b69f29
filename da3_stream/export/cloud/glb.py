"""scene.glb: points, cameras and path of a run, and a camera that flies along it.

Positions are the run's own; the matrix of their root node `world` leads to the axes that the scene's extras record (y
up, as glTF has it). Nodes below it are named points, cameras (frusta, with a camera each below it), path and flight.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...cloud import PointSelection, fuse_pages
from ...store import RunReader
from ...store.files import replacing
from ..axes import file_axes
from ..frame_views import FrameView, posed_views, selected_rows
from ..gltf import GltfBuilder, GltfScene, PointStream
from .files import cloud_summary, point_selection
from .glb_cameras import FlownFrames, SceneCameras

if TYPE_CHECKING:
    from ..options import GlbOptions
    from ..progress import Progress


def export_glb(reader: RunReader, path: Path, options: GlbOptions, progress: Progress) -> str:
    """Points of the merged cloud, cameras evenly over the selected frames, the path through all of them, and a flight
    along it in each segment, in the run's times from the first selected frame on."""
    axes, views = file_axes(reader, options.axes, relative="upright").y_up(), posed_views(reader, options)
    selection = point_selection(reader, options, axes)
    start = float(reader.poses.timestamp[selected_rows(reader, options)[0]])
    shown = _evenly(views, options.cameras)
    with GltfBuilder(path.parent) as gltf:
        scene = GltfScene(gltf, axes)
        points = _add_points(gltf, scene, reader, path, selection, progress)
        cameras = SceneCameras(gltf, scene, reader, axes.file_from_world.scale)
        cameras.add_still(shown)
        cameras.add_path(views)
        flown = cameras.add_flights(views, start)
        with replacing(path) as file:
            scene.write(file, start_time=start, has_times=reader.poses.has_times)
    more = f", {len(shown)} cameras{_flight_text(flown)}{_normals_text(points)}"
    return cloud_summary(axes, points.count, more, crop=selection.crop)


def _add_points(
    gltf: GltfBuilder, scene: GltfScene, reader: RunReader, path: Path, selection: PointSelection, progress: Progress
) -> PointStream:
    """The merged cloud, tile by tile; no node where it has no points."""
    with fuse_pages(reader.run, reader.geometry, selection, path.parent, watch=progress.each) as cloud:
        points = PointStream(gltf, normals=cloud.has_normals)
        for _, records in cloud.tiles:
            normals = records["normal"].astype(np.float32) if cloud.has_normals else None
            points.write(records["xyz"], records["rgb"], normals)
    if points.count:
        scene.add("points", points.mesh("points"))
    return points


def _evenly(views: list[FrameView], count: int) -> list[FrameView]:
    return [views[k] for k in np.unique(np.linspace(0, len(views) - 1, count).astype(int))]


def _flight_text(frames: FlownFrames) -> str:
    late = f" ({frames.left_out} left out, whose times do not ascend)" if frames.left_out else ""
    return f", a flight of {frames.flown} frames{late}" if frames.flown else ""


def _normals_text(points: PointStream) -> str:
    return f", {points.without_normal:,} points without a normal, which say +z" if points.without_normal else ""
