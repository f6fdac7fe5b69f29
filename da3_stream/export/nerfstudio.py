"""A nerfstudio folder: transforms.json, images/, masks/, depth/, normals and points.ply.

Cameras are world from camera with OpenGL's axes (x right, y up, z back), by default in a world where z points up; the
transform from the run's own world is written as `applied_transform` (3x4, saved from original coordinates).
Depth along z is float32 .npy in thousandths of a unit, because nerfstudio multiplies every depth map by 0.001 by
default; 0 = none. Depth maps are distorted as the images are, at the run's own resolution. Frames without depth are
left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..cloud.files.ply import create_ply, ply_comments
from ..geometry.camera_models import CameraModel
from ..store import RunReader
from ..store.files import json_page, write_text
from ..types import Float64
from .cloud.sampling import sampled_points
from .colmap.model import shared_camera
from .frame_log import FrameLog
from .frame_views import FrameView, views_with_depth
from .images.camera import ImageCamera, image_camera, image_mask, image_size, written_mask
from .images.depth_in_image import in_image
from .images.frame_images import frame_images, image_files
from .images.image_folder import ImageFolder
from .images.mask_files import MaskFolder
from .images.names import frame_names
from .images.normal_maps import write_normals
from .images.rasters import new_file
from .images.sources import list_frames
from .options import NerfstudioOptions
from .placed import PlacedReader
from .progress import Progress

PER_UNIT = 1000.0  # nerfstudio's depth_unit_scale_factor is 0.001
OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
POINTS, MASKS = "points.ply", "masks"
NORMALS = "normals_from_pretrain"  # where DN-Splatter looks for them


def export_nerfstudio(reader: PlacedReader, path: Path, options: NerfstudioOptions, progress: Progress) -> str:
    """The folder with its images. Raises ExportError where there are no images or no frame has depth."""
    views = views_with_depth(reader, options, one_segment=True)
    written = _write_frames(reader, views, path, options, progress)
    frames = [written[view.index] | {"transform_matrix": _transform(view)} for view in views]
    list_frames(reader, {view.index: frame["file_path"] for view, frame in zip(views, frames, strict=True)}, path)
    _add_missing_masks(path, frames, image_camera(reader, views[0], options).size)
    count = _write_points(reader, views, path / POINTS, options.max_points)
    head = {
        "applied_transform": reader.axes.file_from_world.matrix()[:3],
        "ply_file_path": POINTS,
        "depth_unit_scale_factor": 1 / PER_UNIT,
    }
    write_text(
        path / "transforms.json", json_page({**_cameras(reader, views, options, frames), **head, "frames": frames})
    )
    return f"{len(frames)} images, {count} points to begin with"


def _transform(view: FrameView) -> Float64:
    """World from a camera of OpenGL's axes [4,4]."""
    return view.world_from_camera @ OPENCV_FROM_OPENGL


def _write_frames(
    reader: RunReader, views: Sequence[FrameView], path: Path, options: NerfstudioOptions, progress: Progress
) -> FrameLog:
    """Write images, masks and maps that are missing; the log has the files of all."""
    names = frame_names(reader).by_stem() if options.normals else frame_names(reader)
    files = ImageFolder(path / "images", image_files(reader, options), options.encoding, names)
    masks, frames = MaskFolder(path / MASKS), FrameLog(path)
    images = frame_images(reader, frames.missing(views), options)
    for view, image in progress.each("pictures", images, len(views), len(frames)):
        name = files.add(view.index, image)
        entry = {"file_path": f"images/{name}"}
        mask = written_mask(reader, view, options, image_mask(reader, view, options))
        if mask is not None:
            entry["mask_path"] = f"{MASKS}/{masks.add(name, mask)}"
        entry |= _maps(reader, view, path, names[view.index].stem, options)
        frames.add(view.index, entry.values(), entry)
    return frames


def _add_missing_masks(path: Path, frames: Sequence[dict[str, Any]], size: tuple[int, int]) -> None:
    """Give every frame a mask where some have one, as nerfstudio wants: all of the others' (width, height) counts."""
    without = [frame for frame in frames if "mask_path" not in frame]
    if len(without) < len(frames):
        masks, all_counts = MaskFolder(path / MASKS), np.ones(size[::-1], np.bool_)
        for frame in without:
            name = frame["file_path"].removeprefix("images/")
            frame["mask_path"] = f"{MASKS}/{masks.add(name, all_counts)}"


def _maps(reader: RunReader, view: FrameView, path: Path, stem: str, options: NerfstudioOptions) -> dict[str, str]:
    """Write the view's depth and normals as its image shows them, where they are asked for; returns their entries."""
    camera, whole = image_camera(reader, view, options), image_size(reader, options.resolution)
    depth, _, k = reader.depth_without_sky(view.index)
    entries = {}
    if options.depth:
        entries["depth_file_path"] = name = f"depth/{stem}.npy"
        np.save(new_file(path / name), in_image(depth, k, camera, whole) * np.float32(PER_UNIT))
    if options.normals:
        entries["normal_file_path"] = name = f"{NORMALS}/{stem}.png"
        write_normals(new_file(path / name), depth, k, camera, whole)
    return entries


def _cameras(
    reader: RunReader, views: Sequence[FrameView], options: NerfstudioOptions, frames: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The camera's parameters for the top level; where they differ by frame they are added to the frames."""
    cameras = [image_camera(reader, view, options) for view in views]
    shared = shared_camera(cameras, None)
    lens = cameras[0].lens
    is_fisheye = isinstance(lens, CameraModel) and lens.projection == "fisheye"
    model = {"camera_model": "OPENCV_FISHEYE" if is_fisheye else "OPENCV"}  # with zeros where nothing bends
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


def _write_points(reader: PlacedReader, views: Sequence[FrameView], path: Path, max_points: int) -> int:
    points = sampled_points(reader, views, max_points, normals=True)
    with create_ply(path, ply_comments(reader.axes), normals=True) as ply:
        ply.write(points.xyz, points.rgb, points.normal)
    return len(points)
