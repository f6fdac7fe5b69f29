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

from ...types import Float64, UInt8
from ..images.frame_images import picture_files
from ..images.image_folder import PictureFolder
from ..options import ColmapOptions, PictureOptions
from ..run_reader import Camera, Reading, View
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
    cameras: list[Camera] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    left_out: int = 0
    tracks: Tracks = field(default_factory=Tracks)

    @property
    def world_from_camera(self) -> Float64:
        """[N,4,4]"""
        return np.stack([view.world_from_camera for view in self.views])


def export_colmap(reading: Reading, path: Path, options: ColmapOptions) -> str:
    """See the module; raises ExportError where there is nothing to show, or no memory for what is asked."""
    from .bundle_adjustment import refine, require_memory

    gathered = gather(reading, path / "images", options, options.confidence)
    model = sparse_model(gathered, options.shared_camera, options.max_points)
    if options.refine:
        require_memory(model)
        write_model(model, path / "sparse" / "original", text=options.text)
        moved = refine(model, path / "refined.json")
    write_model(model, path / "sparse" / "0", text=options.text)
    said = summary(model, gathered)
    return f"{said}; {moved.text(reading.units)}" if options.refine else said


def gather(reading: Reading, folder: Path, options: PictureOptions, confidence: float) -> Gathered:
    """Write the pictures into a new folder, and follow the points in them.

    Raises ExportError where there are no pictures, or no depth from which a track could begin.
    """
    found, views = Gathered(), _pictured(reading, options)
    files = PictureFolder(folder, picture_files(reading, options), options.encoding)
    for view, picture in reading.pictures(views, options):
        camera = reading.camera(view, options)
        if _followed(found, reading, view, picture, camera, confidence):
            found.names.append(files.add(view.name, view.index, picture))
            found.cameras.append(camera)
            found.views.append(view)
        else:
            found.left_out += 1
    if found.left_out:
        log.warning("left out %d frames without depth that no tracks reach", found.left_out)
    return found


def _pictured(reading: Reading, options: PictureOptions) -> list[View]:
    """The frames asked for that may have a picture: of those that the gate left out, the run keeps none."""
    views = reading.views(options, one_segment=True)
    with_depth = [view for view in views if view.has_depth]
    if not with_depth:
        raise reading.none_has("depth")
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


def _followed(found: Gathered, reading: Reading, view: View, picture: UInt8, camera: Camera, confidence: float) -> bool:
    """Whether the view takes part; where it does, its points are followed."""
    depth = DepthMap.sure(*reading.surface(view), confidence) if view.has_depth else None
    return found.tracks.add(
        look(picture, camera, depth), view.world_from_camera, least=0 if view.has_depth else REACHED
    )
