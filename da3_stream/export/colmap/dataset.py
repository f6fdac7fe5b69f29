"""COLMAP folders: images/ and sparse/0/ with cameras, poses and points on real tracks; for COLMAP and 3DGS trainers.

First pixel centre at 0.5, camera from world, OpenCV axes, as COLMAP has them. The images are the input's own files
where they need no change, else JPEG of quality 95 or PNG. Frames without depth, which the gate left out, are written if
enough tracks are observed in them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...cloud.files.ply import create_ply
from ...geometry.masks import Mask
from ...store import RunReader
from ...types import Float64, UInt8
from ..cloud.sampling import sampled_points
from ..frame_views import FrameView, nothing_to_export, posed_views
from ..images.camera import ImageCamera, image_camera, image_mask
from ..images.frame_images import frame_images, image_files
from ..images.image_folder import ImageFolder
from ..images.names import FrameNames, frame_names
from ..images.sources import list_frames
from ..options import ColmapOptions, GaussianSplattingOptions, ImageOptions
from .files import write_model
from .keypoints import DepthMap, detect_keypoints
from .model import build_model, shared_camera
from .tracks import Tracks
from .triangulation import triangulate

log = logging.getLogger(__name__)

IMAGES = "images"
NO_TEXT = " "  # what names cannot hold in COLMAP's text files
MIN_TRACKS = 20  # that must be observed in a frame without depth


@dataclass
class TrackedImages:
    """The images of an export, in order, with their views, their cameras, and the tracks through them."""

    names: list[str] = field(default_factory=list)
    cameras: list[ImageCamera] = field(default_factory=list)
    views: list[FrameView] = field(default_factory=list)
    left_out: int = 0
    tracks: Tracks = field(default_factory=Tracks)

    @property
    def world_from_camera(self) -> Float64:
        """[N,4,4]"""
        return np.stack([view.world_from_camera for view in self.views])


def export_colmap(reader: RunReader, path: Path, options: ColmapOptions) -> str:
    """A COLMAP model with its images; with `refine` bundle-adjusted, the model of before in sparse/original/.

    Raises ExportError where no image or depth is left, or the memory is too small for bundle adjustment.
    """
    from .bundle_adjustment import refine, require_memory

    names = frame_names(reader, NO_TEXT if options.text else "")
    tracked = track_images(reader, path, options, options.confidence, names)
    model = sparse_model(tracked, options.shared_camera, options.max_points)
    if options.refine:
        require_memory(model)
        write_model(model, path / "sparse" / "original", text=options.text)
        report = refine(model, path / "refined.json")
    write_model(model, path / "sparse" / "0", text=options.text)
    counts = summary(model, tracked)
    return f"{counts}; {report.text(reader.units)}" if options.refine else counts


def export_gaussian_splatting(reader: RunReader, path: Path, options: GaussianSplattingOptions) -> str:
    """The input of 3-D Gaussian splatting: images/ without distortion, and sparse/0/ with PINHOLE cameras.

    points3D.bin holds the points on tracks; points3D.ply, from which the original trainer begins, a sample of the cloud
    with normals. Without it that trainer would make one from points3D.bin, without normals. Raises ExportError as
    `export_colmap`, StoreError where the points of a submap are damaged.
    """
    tracked = track_images(reader, path, options, options.confidence, frame_names(reader))
    model = sparse_model(tracked, None, None)
    write_model(model, path / "sparse" / "0", text=False)
    points = sampled_points(reader, tracked.views, options.max_points)
    with create_ply(path / "sparse" / "0" / "points3D.ply", [f"units: {reader.units}"], normals=True) as ply:
        ply.write(points.xyz, points.rgb, points.normal)
    return f"{summary(model, tracked)}; {len(points)} points to begin with"


def track_images(
    reader: RunReader, folder: Path, options: ImageOptions, confidence: float, names: FrameNames
) -> TrackedImages:
    """Write the images into the new folder images/, list them in frames.csv, and track keypoints through them.

    Raises ExportError where there are no images, or no depth from which a track could begin.
    """
    tracked, views = TrackedImages(), _views_with_images(reader, options)
    files = ImageFolder(folder / IMAGES, image_files(reader, options), options.encoding, names)
    for view, image in frame_images(reader, views, options):
        camera = image_camera(reader, view, options)
        mask = image_mask(reader, view, options)
        if _add_tracks(tracked, reader, view, image, camera, mask, confidence):
            tracked.names.append(files.add(view.index, image))
            tracked.cameras.append(camera)
            tracked.views.append(view)
        else:
            tracked.left_out += 1
    if tracked.left_out:
        log.warning("left out %d frames without depth that no tracks reach", tracked.left_out)
    indices = [view.index for view in tracked.views]
    list_frames(reader, {k: f"{IMAGES}/{name}" for k, name in zip(indices, tracked.names, strict=True)}, folder)
    return tracked


def _views_with_images(reader: RunReader, options: ImageOptions) -> list[FrameView]:
    """The selected frames that have an image: of those that the gate left out, only the input has one."""
    views = posed_views(reader, options, one_segment=True)
    with_depth = [view for view in views if view.has_depth]
    if not with_depth:
        raise nothing_to_export(reader, "depth")
    if options.resolution == "input" or len(with_depth) == len(views):
        return views
    log.warning("left out %d frames without depth, whose pictures only the input has", len(views) - len(with_depth))
    return with_depth


def sparse_model(tracked: TrackedImages, shared: bool | None, max_points: int | None) -> Any:
    """A pycolmap.Reconstruction of the images and the points on their tracks, at most `max_points`."""
    poses = tracked.world_from_camera
    focal = np.array([camera.lens.fx for camera in tracked.cameras])
    structure = triangulate(tracked.tracks, poses, focal)
    structure = structure if max_points is None else structure.best_observed(max_points)
    shared_by_all = shared_camera(tracked.cameras, shared)
    camera_from_world = np.linalg.inv(poses).astype(np.float64)
    model = build_model(tracked.names, tracked.cameras, shared_by_all, camera_from_world, tracked.tracks.xy, structure)
    tracked.tracks.xy.clear()
    return model


def summary(model: Any, tracked: TrackedImages) -> str:
    """One line for people: counts and the mean reprojection error."""
    per_image = model.compute_mean_observations_per_reg_image()
    return (
        f"{model.num_images()} images, {model.num_cameras()} camera{'s' * (model.num_cameras() > 1)}, "
        f"{model.num_points3D()} points, {per_image:.0f} of them in an image, "
        f"off by {model.compute_mean_reprojection_error():.2f} px"
    )


def _add_tracks(
    tracked: TrackedImages,
    reader: RunReader,
    view: FrameView,
    image: UInt8,
    camera: ImageCamera,
    mask: Mask | None,
    confidence: float,
) -> bool:
    """Track the image's keypoints; returns whether the frame is part of the model."""
    depth = DepthMap.confident(*reader.depth_without_sky(view.index), confidence) if view.has_depth else None
    keypoints = detect_keypoints(image, camera, depth, mask)
    return tracked.tracks.add(keypoints, view.world_from_camera, min_matches=0 if view.has_depth else MIN_TRACKS)
