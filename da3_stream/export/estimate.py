"""What an export will take of the disk, estimated before it starts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path
from typing import Literal

from ..cloud.pages import count_points
from ..errors import ExportError
from ..machine import size_text
from ..splats import count_splats, has_splats, splats_degree
from ..store import RunReader
from . import options as o
from .frame_views import selected_rows
from .images.camera import image_size
from .images.frame_images import image_files
from .images.image_folder import usable_format
from .video.flight import film_size, picture_count

# Bytes at most, as measured on clips and on noise: for a pixel of a picture, of depth; for a point (while clouds are
# sorted; in a file; in a mesh with its triangles); for a frame (its pose; its keypoints and observations); for a seed
# with the images that see it.
PER_PIXEL = {"jpg": 1.0, "png": 3.1}
PER_DEPTH_PIXEL, PER_STEREO_PIXEL = {"png": 2.0}, 16  # other depth: single precision
PER_SORTED, PER_ROW, PER_MESHED = 40, 40, 120
PER_FEATURE_PIXEL = 2 * 1536 / 14**2  # of the widest network, half precision, a patch
PER_SPLAT = (68, 104, 164, 248)  # a row of a PLY file, by the degree of its harmonics
PER_POSE, PER_TRACKED, PER_SEED = 400, 100_000, 300
PER_PAGE, PER_THUMBNAIL, PER_SENT = 3_000_000, 100_000, 16  # a page's own parts; a point in base64


@dataclass(frozen=True)
class ExportEstimate:
    """Frames, and bytes at the worst moment."""

    frames: int
    bytes: int

    def text(self, free: int) -> str:
        """For people; `free` bytes are there."""
        return f"to do: {self.frames} frames, at most {size_text(self.bytes)} of disk ({size_text(free)} free)"


def estimate_export(reader: RunReader, options: o.FrameOptions, folder: Path) -> ExportEstimate:
    """What an export with these options into an existing folder takes.

    Raises ExportError where no frame is selected.
    """
    frames = len(selected_rows(reader, options))
    return ExportEstimate(frames, round(_bytes_of(options, reader, frames, folder)))


def require_disk(estimate: ExportEstimate, folder: Path, done: int) -> int:
    """The bytes that are free in an existing folder, in which so many are `done` already.

    Raises ExportError with one sentence where it cannot hold the rest.
    """
    free, left = shutil.disk_usage(folder).free, max(estimate.bytes - done, 0)
    if free < left:
        raise ExportError(
            f"the disk of {folder} is short: the export may take {size_text(left)}, and {size_text(free)} are free; "
            "make room, or give another place (-o) or fewer frames (--frames, --every)"
        )
    return free


@singledispatch
def _bytes_of(options: o.FrameOptions, reader: RunReader, frames: int, folder: Path) -> float:
    """By the class of the options; one without a rule of its own has that of its parent."""
    return PER_POSE * frames


@_bytes_of.register
def _of_cloud(options: o.CloudOptions, reader: RunReader, frames: int, folder: Path) -> float:
    return PER_SORTED * _points(reader, None) + PER_ROW * _points(reader, options.max_points)


@_bytes_of.register
def _of_gaussians(options: o.SplatOptions, reader: RunReader, frames: int, folder: Path) -> float:
    if options.source == "cloud" or not has_splats(reader.run):
        return _of_cloud(options, reader, frames, folder) + 2 * PER_SPLAT[0] * _points(reader, options.max_points)
    count = sum(count_splats(reader.run, submap) for submap in reader.geometry.submaps)
    return 2 * PER_SPLAT[min(options.degree, splats_degree(reader.run))] * count  # sorted, and in files


@_bytes_of.register
def _of_page(options: o.PageOptions, reader: RunReader, frames: int, folder: Path) -> float:
    others = PER_PAGE + options.pictures * PER_THUMBNAIL + frames * PER_POSE
    return min(options.max_mb * 1e6, others + PER_SENT * _points(reader, None))


@_bytes_of.register
def _of_recording(options: o.RrdOptions, reader: RunReader, frames: int, folder: Path) -> float:
    width, height = reader.input_size
    pixels = min(1.0, options.picture_width / width) ** 2 * width * height if options.pictures else 0.0
    return _of_cloud(options, reader, frames, folder) + frames * (PER_PIXEL["jpg"] * pixels + 10 * PER_POSE)


@_bytes_of.register
def _of_mesh(options: o.MeshOptions, reader: RunReader, frames: int, folder: Path) -> float:
    return PER_MESHED * _points(reader, None)


@_bytes_of.register
def _of_images(options: o.ImageOptions, reader: RunReader, frames: int, folder: Path) -> float:
    width, height = _size(reader, options.resolution)
    files = list(image_files(reader, options).values())
    if not files or usable_format(files[0], (width, height)) is None:
        return frames * (PER_POSE + PER_PIXEL[options.encoding] * width * height)
    is_linked = files[0].stat().st_dev == folder.stat().st_dev
    copied = 0.0 if is_linked else sum(file.stat().st_size for file in files) / len(files)
    return frames * (PER_POSE + copied)


@_bytes_of.register
def _of_colmap(options: o.ColmapOptions, reader: RunReader, frames: int, folder: Path) -> float:
    models = 1 + options.refine + options.stereo
    maps = PER_STEREO_PIXEL * _depth_pixels(reader) * frames if options.stereo else 0
    tracked = models * (PER_TRACKED * frames + PER_SEED * _points(reader, options.seeds))
    return _of_images(options, reader, frames, folder) + tracked + maps


@_bytes_of.register
def _of_splats(options: o.GaussianSplattingOptions, reader: RunReader, frames: int, folder: Path) -> float:
    points = PER_ROW * _points(reader, options.max_points) + PER_SEED * _points(reader, options.seeds)
    depths = PER_DEPTH_PIXEL["png"] * _pixels(reader, options.resolution) * frames
    return _of_images(options, reader, frames, folder) + PER_TRACKED * frames + points + depths


@_bytes_of.register
def _of_nerfstudio(options: o.NerfstudioOptions, reader: RunReader, frames: int, folder: Path) -> float:
    depth = 4 * _depth_pixels(reader) if options.depth else 0
    normals = PER_PIXEL["png"] * _pixels(reader, options.resolution) if options.normals else 0.0
    maps = (depth + normals) * frames
    return _of_images(options, reader, frames, folder) + maps + PER_ROW * _points(reader, options.max_points)


@_bytes_of.register
def _of_depth(options: o.DepthOptions, reader: RunReader, frames: int, folder: Path) -> float:
    width, height = _size(reader, options.resolution)
    maps = PER_DEPTH_PIXEL.get(options.encoding, 4.0) * (2 if options.with_confidence else 1) + options.with_sky
    return frames * (width * height * maps + 10 * PER_POSE)


@_bytes_of.register
def _of_mini_npz(options: o.MiniNpzOptions, reader: RunReader, frames: int, folder: Path) -> float:
    return frames * (8 * _depth_pixels(reader) + PER_POSE)


@_bytes_of.register
def _of_npz(options: o.NpzOptions, reader: RunReader, frames: int, folder: Path) -> float:
    return frames * (11 * _depth_pixels(reader) + PER_POSE)


@_bytes_of.register
def _of_depth_images(options: o.DepthImageOptions, reader: RunReader, frames: int, folder: Path) -> float:
    width, height = _size(reader, options.resolution)
    return frames * (PER_PIXEL["jpg"] * width * height * (2 if options.beside else 1) + PER_POSE)


@_bytes_of.register
def _of_features(options: o.FeatureOptions, reader: RunReader, frames: int, folder: Path) -> float:
    width, height = reader.input_size
    pixels = (options.side / max(width, height)) ** 2 * width * height
    return max(1, len(options.layers)) * frames * pixels * (2 * 2 * PER_PIXEL["jpg"] + PER_FEATURE_PIXEL)


@_bytes_of.register
def _of_flight(options: o.FlightOptions, reader: RunReader, frames: int, folder: Path) -> float:
    width, height = film_size(reader, options)
    panels = 1 if options.depth == "none" else 2
    drawn = picture_count(reader, options) * PER_PIXEL["jpg"] * width * height * panels
    return drawn + PER_SORTED * _points(reader, None)


def _points(reader: RunReader, most: int | None) -> int:
    """Points of all submaps, before those of several are merged; at most `most`."""
    count = sum(count_points(reader.run, submap) for submap in reader.geometry.submaps)
    return count if most is None else min(count, most)


def _depth_pixels(reader: RunReader) -> int:
    return _pixels(reader, "model")


def _pixels(reader: RunReader, resolution: Literal["input", "model"]) -> int:
    width, height = _size(reader, resolution)
    return width * height


def _size(reader: RunReader, resolution: Literal["input", "model"]) -> tuple[int, int]:
    return image_size(reader, resolution) if reader.geometry.submaps else reader.input_size
