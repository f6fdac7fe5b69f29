"""A COLMAP folder: images/ and sparse/0/ with cameras, poses and points on real tracks; refined where asked for.

First pixel centre at 0.5, camera from world, OpenCV axes, as COLMAP has them. The pictures are the input's own files
where they need no change, else JPEG of quality 95 or PNG. Frames without depth, which the gate left out, take part
where tracks reach them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...cloud.files.ply import create_ply
from ...store import RunReader
from ...types import Float64, UInt8
from ..cloud.sampling import sampled_points
from ..frame_views import FrameView, nothing_to_export, posed_views
from ..images.camera import ImageCamera, image_camera
from ..images.frame_images import frame_images, image_files
from ..images.image_folder import ImageFolder
from ..options import ColmapOptions, GaussianSplattingOptions, ImageOptions
from .files import write_model
from .keypoints import DepthMap, look
from .model import build_model, shared_camera
from .tracks import Tracks
from .triangulation import triangulated

log = logging.getLogger(__name__)

REACHED = 20  # tracks that a frame without depth must see to take part


@dataclass
class Gathered:
    """What one pass over the pictures brings, picture by picture."""

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
    """See the module; raises ExportError where there is nothing to show, or no memory for what is asked."""
    from .bundle_adjustment import refine, require_memory

    gathered = gather(reader, path / "images", options, options.confidence)
    model = sparse_model(gathered, options.shared_camera, options.max_points)
    if options.refine:
        require_memory(model)
        write_model(model, path / "sparse" / "original", text=options.text)
        moved = refine(model, path / "refined.json")
    write_model(model, path / "sparse" / "0", text=options.text)
    said = summary(model, gathered)
    return f"{said}; {moved.text(reader.units)}" if options.refine else said


def export_gaussian_splatting(reader: RunReader, path: Path, options: GaussianSplattingOptions) -> str:
    """The input of 3-D Gaussian splatting: images/ without distortion, and sparse/0/ with PINHOLE cameras.

    points3D.bin holds the points on tracks; points3D.ply, from which the original trainer begins, a sample of the cloud
    with normals. Without it that trainer would make one from points3D.bin, without normals. Raises ExportError as
    `export_colmap`, StoreError where the points of a submap are damaged.
    """
    gathered = gather(reader, path / "images", options, options.confidence)
    model = sparse_model(gathered, None, None)
    write_model(model, path / "sparse" / "0", text=False)
    points = sampled_points(reader, gathered.views, options.max_points)
    with create_ply(path / "sparse" / "0" / "points3D.ply", f"units: {reader.units}", normals=True) as ply:
        ply.write(points.xyz, points.rgb, points.normal)
    return f"{summary(model, gathered)}; {len(points)} points to begin with"


def gather(reader: RunReader, folder: Path, options: ImageOptions, confidence: float) -> Gathered:
    """Write the pictures into a new folder, and follow the points in them.

    Raises ExportError where there are no pictures, or no depth from which a track could begin.
    """
    found, views = Gathered(), _pictured(reader, options)
    files = ImageFolder(folder, image_files(reader, options), options.encoding)
    for view, picture in frame_images(reader, views, options):
        camera = image_camera(reader, view, options)
        if _followed(found, reader, view, picture, camera, confidence):
            found.names.append(files.add(view.name, view.index, picture))
            found.cameras.append(camera)
            found.views.append(view)
        else:
            found.left_out += 1
    if found.left_out:
        log.warning("left out %d frames without depth that no tracks reach", found.left_out)
    return found


def _pictured(reader: RunReader, options: ImageOptions) -> list[FrameView]:
    """The frames asked for that may have a picture: of those that the gate left out, the run keeps none."""
    views = posed_views(reader, options, one_segment=True)
    with_depth = [view for view in views if view.has_depth]
    if not with_depth:
        raise nothing_to_export(reader, "depth")
    if options.resolution == "input" or len(with_depth) == len(views):
        return views
    log.warning("left out %d frames without depth, whose pictures only the input has", len(views) - len(with_depth))
    return with_depth


def sparse_model(gathered: Gathered, shared: bool | None, most: int | None) -> Any:
    """The pycolmap.Reconstruction of what was gathered, with at most so many points."""
    poses = gathered.world_from_camera
    focal = np.array([camera.lens.fx for camera in gathered.cameras])
    structure = triangulated(gathered.tracks, poses, focal)
    structure = structure if most is None else structure.longest(most)
    one = shared_camera(gathered.cameras, shared)
    camera_from_world = np.linalg.inv(poses).astype(np.float64)
    model = build_model(gathered.names, gathered.cameras, one, camera_from_world, gathered.tracks.xy, structure)
    gathered.tracks.xy.clear()
    return model


def summary(model: Any, gathered: Gathered) -> str:
    """Counts, for people."""
    per_image = model.compute_mean_observations_per_reg_image()
    return (
        f"{model.num_images()} images, {model.num_cameras()} camera{'s' * (model.num_cameras() > 1)}, "
        f"{model.num_points3D()} points, {per_image:.0f} of them in an image, "
        f"off by {model.compute_mean_reprojection_error():.2f} px"
    )


def _followed(
    found: Gathered, reader: RunReader, view: FrameView, picture: UInt8, camera: ImageCamera, confidence: float
) -> bool:
    """Whether the view takes part; where it does, its points are followed."""
    depth = DepthMap.sure(*reader.depth_without_sky(view.index), confidence) if view.has_depth else None
    return found.tracks.add(
        look(picture, camera, depth), view.world_from_camera, least=0 if view.has_depth else REACHED
    )
