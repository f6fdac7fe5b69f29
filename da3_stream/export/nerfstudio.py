"""A nerfstudio folder: transforms.json, images/, depth/ and points.ply.

Cameras are world from camera with OpenGL's axes (x right, y up, z back). The world is rotated so that z points up; the
rotation is written as `applied_transform` (3x4, saved from original coordinates), and applied to points.ply as well.
Depth along z is float32 .npy in thousandths of a unit, because nerfstudio multiplies every depth map by 0.001 by
default; 0 = none. Depth maps are distorted as the images are, at the run's own resolution. Frames without depth are
left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..cloud.files.ply import create_ply
from ..geometry.camera_models import CameraModel
from ..store import RunReader
from ..store.files import json_page, write_text
from ..types import Float32, Float64
from .cloud.sampling import sampled_points
from .colmap.model import shared_camera
from .frame_views import FrameView, views_with_depth
from .images.camera import ImageCamera, image_camera, straight_pixels
from .images.frame_images import frame_images, image_files
from .images.image_folder import ImageFolder
from .images.names import frame_names
from .images.rasters import new_file
from .images.sources import list_frames
from .options import NerfstudioOptions
from .trajectory.overview import top_view

PER_UNIT = 1000.0  # nerfstudio's depth_unit_scale_factor is 0.001
OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
POINTS = "points.ply"


def export_nerfstudio(reader: RunReader, path: Path, options: NerfstudioOptions) -> str:
    """The folder with its images. Raises ExportError where there are no images or no frame has depth."""
    views = views_with_depth(reader, options, one_segment=True)
    upright_from_world = _upright_from_world(views)
    frames = list(_frames(reader, views, path, options, upright_from_world))
    list_frames(reader, {view.index: frame["file_path"] for view, frame in zip(views, frames, strict=True)}, path)
    count = _write_points(reader, views, path / POINTS, options.max_points, upright_from_world)
    head = {
        "applied_transform": upright_from_world[:3],
        "ply_file_path": POINTS,
        "depth_unit_scale_factor": 1 / PER_UNIT,
    }
    write_text(
        path / "transforms.json", json_page({**_cameras(reader, views, options, frames), **head, "frames": frames})
    )
    return f"{len(frames)} images, {count} points to begin with"


def _upright_from_world(views: Sequence[FrameView]) -> Float64:
    """The rotation upright_from_world [4,4] after which z points up."""
    poses = np.stack([view.world_from_camera for view in views])
    upright_from_world = np.eye(4)
    upright_from_world[:3, :3] = top_view(poses[:, :3, 3], poses[:, :3, :3])
    return upright_from_world


def _frames(
    reader: RunReader, views: Sequence[FrameView], path: Path, options: NerfstudioOptions, upright_from_world: Float64
) -> Iterator[dict[str, Any]]:
    """Write images and depth maps; yields the entry of `frames` for each."""
    names = frame_names(reader)
    files = ImageFolder(path / "images", image_files(reader, options), options.encoding, names)
    for view, image in frame_images(reader, views, options):
        entry: dict[str, Any] = {
            "file_path": f"images/{files.add(view.index, image)}",
            "transform_matrix": upright_from_world @ view.world_from_camera @ OPENCV_FROM_OPENGL,
        }
        if options.depth:
            entry["depth_file_path"] = name = f"depth/{names[view.index].stem}.npy"
            np.save(new_file(path / name), _depth(reader, view, image_camera(reader, view, options)))
        yield entry


def _depth(reader: RunReader, view: FrameView, camera: ImageCamera) -> Float32:
    """The depth map [H,W] of the camera's image, in thousandths of a unit."""
    depth, _, k = reader.depth_without_sky(view.index)
    return _distorted_depth(depth, k, camera) * np.float32(PER_UNIT)


def _distorted_depth(depth: Float32, k: Float64, camera: ImageCamera) -> Float32:
    """The depth [H,W] of a pinhole K [3,3] at the same size, distorted as the camera's images are."""
    if not camera.is_distorted:
        return depth
    height, width = depth.shape
    pinhole_pixels = np.nan_to_num(straight_pixels(camera, (width, height), k), nan=-1.0)
    column, row = np.moveaxis(np.floor(pinhole_pixels).astype(np.int64), -1, 0)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    sampled = depth[np.where(inside, row, 0), np.where(inside, column, 0)]
    return np.where(inside, sampled, np.float32(0))


def _cameras(
    reader: RunReader, views: Sequence[FrameView], options: NerfstudioOptions, frames: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The camera's parameters for the top level; where they differ by frame they are added to the frames."""
    cameras = [image_camera(reader, view, options) for view in views]
    shared = shared_camera(cameras, None)
    if any(camera.is_distorted for camera in cameras):
        lens = cameras[0].lens
        model = {"camera_model": lens.name if isinstance(lens, CameraModel) else "OPENCV"}
    else:
        model = {"camera_model": "PINHOLE"}
    if shared:
        return model | _parameters(shared)
    for frame, camera in zip(frames, cameras, strict=True):
        frame.update(_parameters(camera))
    return model


def _parameters(camera: ImageCamera) -> dict[str, float]:
    lens, (width, height) = camera.lens, camera.size
    focal = {"w": width, "h": height, "fl_x": lens.fx, "fl_y": lens.fy, "cx": lens.cx, "cy": lens.cy}
    if not isinstance(lens, CameraModel):
        return focal | {"k1": lens.k1, "k2": 0.0, "p1": 0.0, "p2": 0.0}
    names = ("k1", "k2", "k3", "k4") if lens.name == "OPENCV_FISHEYE" else ("k1", "k2", "p1", "p2")
    return focal | dict(zip(names, lens.distortion, strict=False))


def _write_points(
    reader: RunReader, views: Sequence[FrameView], path: Path, max_points: int, upright_from_world: Float64
) -> int:
    points = sampled_points(reader, views, max_points)
    rotation = upright_from_world[:3, :3].T.astype(np.float32)
    with create_ply(path, [f"units: {reader.units}, z up"], normals=True) as ply:
        ply.write(points.xyz @ rotation, points.rgb, None if points.normal is None else points.normal @ rotation)
    return len(points)
