"""COLMAP folders: images/, masks/ and sparse/0/ with cameras, poses and points on real tracks.

First pixel centre at 0.5, camera from world, OpenCV axes, as COLMAP has them. The images are the input's own files
where they need no change, else JPEG of quality 95 or PNG. Frames without depth, which the gate left out, are written if
enough tracks are observed in them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...cloud import Points
from ...store import RunReader
from ...types import Float64, UInt8
from ..cloud.sampling import sampled_points
from ..frame_log import FrameLog
from ..frame_views import FrameView, nothing_to_export, posed_views
from ..images.camera import ImageCamera, image_size, written_mask
from ..images.frame_images import frame_images, image_files
from ..images.image_folder import ImageFolder
from ..images.mask_files import MaskFolder
from ..images.names import FrameNames, frame_names
from ..images.sources import list_frames
from ..options import ColmapOptions, ImageOptions, TrackedOptions
from ..progress import Progress
from .dataset_image import DatasetImage, ImagePart
from .files import write_model
from .keypoints import DepthMap, detect_keypoints
from .model import build_model, shared_camera
from .seeds import SPARE, Seeds, SeenSeeds, with_seeds
from .stereo import StereoWorkspace
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

    def add(self, image: DatasetImage, confidence: float) -> bool:
        """Track the image's keypoints, which begin where depth is not among the least confident share; returns whether
        its frame is part of the model."""
        view, frame = image.view, image.depth
        depth = None if frame is None else DepthMap.confident(frame.depth, frame.confidence, frame.k, confidence)
        keypoints = detect_keypoints(image.pixels, image.camera, depth, image.mask)
        if not self.tracks.add(keypoints, view.world_from_camera, min_matches=0 if frame else MIN_TRACKS):
            self.left_out += 1
            return False
        self.cameras.append(image.camera)
        self.views.append(view)
        return True


def export_colmap(reader: RunReader, path: Path, options: ColmapOptions, progress: Progress) -> str:
    """A COLMAP model with its images; with `refine` bundle-adjusted, the model of before in sparse/original/; with
    `stereo` a workspace of COLMAP's dense stages, which look for the model in sparse/ itself.

    Raises ExportError where no image or depth is left, or the memory is too small for bundle adjustment.
    """
    from .bundle_adjustment import refine, require_memory

    views, names = views_with_images(reader, options), frame_names(reader, NO_TEXT if options.text else "")
    seeds = find_seeds(reader, views, options.seeds, options.confidence)
    stereo = StereoWorkspace(path / "stereo", image_size(reader, options.resolution)) if options.stereo else None
    tracked = track_images(reader, views, path, options, names, [seeds, *([stereo] if stereo else [])], progress)
    seen = seeds.finish(options.seeds)
    model = sparse_model(tracked, seen, options.shared_camera, options.max_points)
    if options.refine:
        require_memory(model)
        write_model(model, path / "sparse" / "original", text=options.text)
        report = refine(model, path / "refined.json")
    write_model(model, path / "sparse" / "0", text=options.text)
    if stereo:
        stereo.finish(path / "sparse")
    counts = summary(model, len(seen.position))
    return f"{counts}; {report.text(reader.units)}" if options.refine else counts


def track_images(
    reader: RunReader,
    views: Sequence[FrameView],
    folder: Path,
    options: TrackedOptions,
    names: FrameNames,
    parts: Sequence[ImagePart],
    progress: Progress,
) -> TrackedImages:
    """Write the images of views that are missing into the folder images/, with all masks into masks/, list them in
    frames.csv, track keypoints through them and give each to the other parts of the data set.

    Raises ExportError where there are no images, or no depth from which a track could begin.
    """
    tracked = TrackedImages()
    files = ImageFolder(folder / IMAGES, image_files(reader, options), options.encoding, names)
    masks = MaskFolder(folder / "masks")
    frames, images = FrameLog(folder), frame_images(reader, views, options)
    for view, pixels in progress.each("pictures", images, len(views)):
        image = DatasetImage.read(reader, view, pixels, options)
        if not tracked.add(image, options.confidence):
            continue
        name = _written(files, frames, view, pixels)
        tracked.names.append(name)
        if (mask := written_mask(reader, view, options, image.mask)) is not None:
            masks.add(name, mask)
        for part in parts:
            part.add(name, image)
    if tracked.left_out:
        log.warning("left out %d frames without depth that no tracks reach", tracked.left_out)
    indices = [view.index for view in tracked.views]
    list_frames(reader, {k: f"{IMAGES}/{name}" for k, name in zip(indices, tracked.names, strict=True)}, folder)
    return tracked


def _written(files: ImageFolder, frames: FrameLog, view: FrameView, pixels: UInt8) -> str:
    """The name of a view's image, which is written unless it is whole."""
    if view.index not in frames:
        name = files.add(view.index, pixels)
        frames.add(view.index, [f"{IMAGES}/{name}"], {"name": name})
    return str(frames[view.index]["name"])


def views_with_images(reader: RunReader, options: ImageOptions) -> list[FrameView]:
    """The selected frames that have an image: of those that the gate left out, only the input has one.

    Raises ExportError where none has depth.
    """
    views = posed_views(reader, options, one_segment=True)
    with_depth = [view for view in views if view.has_depth]
    if not with_depth:
        raise nothing_to_export(reader, "depth")
    if options.resolution == "input" or len(with_depth) == len(views):
        return views
    log.warning("left out %d frames without depth, whose pictures only the input has", len(views) - len(with_depth))
    return with_depth


def find_seeds(reader: RunReader, views: Sequence[FrameView], most: int, confidence: float) -> Seeds:
    """What looks for seeds in images, of a sample of the cloud that is larger than `most` of them, without a share of
    the least confident points.

    Raises StoreError where the points of a submap are absent or damaged.
    """
    points = sampled_points(reader, views, round(SPARE * most)) if most else Points.empty(1.0)
    points = points.take(points.confidence >= np.quantile(points.confidence, confidence)) if len(points) else points
    return Seeds(points, np.array([view.index for view in views if view.has_depth]))


def sparse_model(tracked: TrackedImages, seeds: SeenSeeds, shared: bool | None, max_points: int | None) -> Any:
    """A pycolmap.Reconstruction of the images, the points on their tracks, at most `max_points`, and the seeds."""
    poses = tracked.world_from_camera
    focal = np.array([camera.lens.fx for camera in tracked.cameras])
    structure = triangulate(tracked.tracks, poses, focal)
    structure = structure if max_points is None else structure.best_observed(max_points)
    structure = with_seeds(structure, tracked.tracks.xy, seeds)
    shared_by_all = shared_camera(tracked.cameras, shared)
    camera_from_world = np.linalg.inv(poses).astype(np.float64)
    model = build_model(tracked.names, tracked.cameras, shared_by_all, camera_from_world, tracked.tracks.xy, structure)
    tracked.tracks.xy.clear()
    return model


def summary(model: Any, seeds: int) -> str:
    """One line for people: counts, and the mean reprojection error of points on tracks; the last ones are seeds."""
    on_tracks, cameras = model.num_points3D() - seeds, model.num_cameras()
    errors = [model.point3D(number).error for number in range(1, on_tracks + 1)]
    return (
        f"{model.num_images()} images, {cameras} camera{'s' * (cameras > 1)}, "
        f"{model.num_points3D()} points, {model.compute_mean_observations_per_reg_image():.0f} of them in an image, "
        f"{f'{seeds} of the cloud, the others ' if seeds else ''}off by {np.mean(errors or [0.0]):.2f} px"
    )
