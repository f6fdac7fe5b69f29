"""A folder of depth maps, one file a frame, with confidences, sky masks, and depth.json that describes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...geometry import resize_intrinsics
from ...store import RunReader
from ...store.files import json_line, write_text
from ...store.quantise import confidence_range, encode_confidence
from ...types import Float32
from ..frame_log import FrameLog
from ..frame_views import FrameView, depth_views, selected_views
from ..images.camera import radial_distortion
from ..images.names import frame_names
from ..images.rasters import new_file, write_png, write_raster
from ..images.sources import list_frames
from ..options import DepthOptions
from ..progress import Progress

PIXELS = "pixels_with_depth"
FULL = 65535  # the largest count of a 16-bit PNG


def export_depth(reader: RunReader, path: Path, options: DepthOptions, progress: Progress) -> str:
    """depth/, confidence/ and sky/ with a file of its name for every frame that has depth.

    Depth is along the camera's z axis in world units, 0 = none, of a pinhole without the lens's distortion. Raises
    ExportError where no frame has depth.
    """
    views, names, frames = depth_views(reader, options), frame_names(reader), FrameLog(path)
    for view in progress.each("depth maps", frames.missing(views), len(views), len(frames)):
        files, entry = _write_frame(reader, view, names[view.index].stem, path, options)
        frames.add(view.index, files, entry)
    entries = [frames[view.index] for view in views]
    list_frames(reader, {entry["frame"]: entry["depth"] for entry in entries}, path)
    manifest = DepthManifest.of(entries)
    without_depth = sorted({view.index for view in selected_views(reader, options)} - {view.index for view in views})
    write_text(path / "depth.json", _manifest_text(reader, options, manifest, without_depth))
    return _summary(len(views), len(without_depth), manifest)


@dataclass(frozen=True)
class DepthManifest:
    """The entries of depth.json, and its counts."""

    frames: list[str]  # a line of JSON each
    pixels: int  # with depth
    saturated: int

    @staticmethod
    def of(entries: list[dict[str, Any]]) -> DepthManifest:
        """Of all frames; the pixels with depth of one are not listed."""
        saturated = sum(entry.get("saturated_pixels", 0) for entry in entries)
        listed = [{key: value for key, value in entry.items() if key != PIXELS} for entry in entries]
        return DepthManifest([json_line(entry) for entry in listed], sum(e[PIXELS] for e in entries), saturated)


def _write_frame(
    reader: RunReader, view: FrameView, stem: str, path: Path, options: DepthOptions
) -> tuple[list[str], dict[str, Any]]:
    """The files of a frame, and its entry."""
    depth, confidence, sky, k = reader.depth_and_sky(view.index)
    depth_size = (depth.shape[1], depth.shape[0])
    size = reader.input_size if options.resolution == "input" else depth_size
    entry: dict[str, Any] = {"frame": view.index, "timestamp": view.timestamp, "size": size}
    entry["intrinsics"] = resize_intrinsics(k, depth_size, size)
    depth = _enlarged(depth, size)
    entry[PIXELS] = int((depth > 0).sum())
    entry |= _write_depth(depth, path, stem, options)
    if options.with_confidence:
        entry |= _write_confidence(_enlarged(confidence, size), path, stem, options)
    if sky is not None and options.with_sky:
        entry["sky"] = f"sky/{stem}.png"
        write_png(new_file(path / entry["sky"]), _enlarged(sky.astype(np.uint8) * np.uint8(255), size))
    return [entry[kind] for kind in ("depth", "confidence", "sky") if kind in entry], entry


def _write_depth(depth: Float32, path: Path, stem: str, options: DepthOptions) -> dict[str, Any]:
    entry: dict[str, Any] = {"depth": f"depth/{stem}.{options.encoding}"}
    if options.encoding == "png":
        counts, saturated = depth_counts(depth, options.png_scale)
        write_png(new_file(path / entry["depth"]), counts)
        entry["saturated_pixels"] = saturated
    else:
        write_raster(new_file(path / entry["depth"]), depth, "Z", options.encoding)
    return entry


def depth_counts(depth: Float32, per_unit: float) -> tuple[NDArray[np.uint16], int]:
    """Depth [H,W] as rounded counts, 0 = none; and how many pixels are beyond the largest count, which they take.

    Depths of less than half a count take 1, because 0 means none.
    """
    valid = np.isfinite(depth) & (depth > 0)
    counts = np.rint(np.where(valid, depth, 0).astype(np.float64) * per_unit)
    saturated = int((counts > FULL).sum())
    return np.where(valid, np.clip(counts, 1, FULL), 0).astype(np.uint16), saturated


def _write_confidence(confidence: Float32, path: Path, stem: str, options: DepthOptions) -> dict[str, Any]:
    entry: dict[str, Any] = {"confidence": f"confidence/{stem}.{options.encoding}"}
    if options.encoding == "png":
        bounds = confidence_range(confidence)
        write_png(new_file(path / entry["confidence"]), encode_confidence(confidence, bounds))
        entry["confidence_range"] = bounds
    else:
        write_raster(new_file(path / entry["confidence"]), confidence, "confidence", options.encoding)
    return entry


def _enlarged(values: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """A map at (width, height), by the nearest pixel: means would mix near and far over edges."""
    if (values.shape[1], values.shape[0]) == size:
        return values
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_NEAREST_EXACT))


def _manifest_text(reader: RunReader, options: DepthOptions, manifest: DepthManifest, without_depth: list[int]) -> str:
    """depth.json, a line for each frame."""
    is_png = options.encoding == "png"
    rules = {
        "depth": f"count / {options.png_scale!r}; count {FULL} is that or more" if is_png else "the value",
        "confidence": "code 0: unusable; else low (high / low)^((code - 1) / 254), (low, high) the frame's "
        "confidence_range"
        if is_png
        else "the value; 0 = unusable",
        "sky": "255 = sky; where a frame has no mask, the model did not tell",
        "resolution": "input: nearest pixel's value, intrinsics scaled"
        if options.resolution == "input"
        else "as the model looked at it",
        "intrinsics": "3x3 in pixels of the file, the centre of the first pixel is at 0.5, 0.5",
        "lens": f"pinhole; pictures of the input are distorted by 1 + {radial_distortion(reader)!r} r^2"
        if radial_distortion(reader)
        else "pinhole, as the pictures of the input",
    }
    head = {
        "what": "depth along the camera's z axis, 0 = none",
        "units": reader.units,
        "counts_per_unit": options.png_scale if is_png else None,
        "saturated_pixels": manifest.saturated,
        PIXELS: manifest.pixels,
        "rules": rules,
        "frames_without_depth": without_depth,
    }
    lines = [f"  {json_line(key)}: {json_line(value)}" for key, value in head.items()]
    frames = ",\n".join(f"    {line}" for line in manifest.frames)
    return "{\n" + ",\n".join(lines) + f',\n  "frames": [\n{frames}\n  ]\n}}\n'


def _summary(count: int, without_depth: int, manifest: DepthManifest) -> str:
    text = f"{count} depth maps" + (f", {without_depth} frames have none" if without_depth else "")
    if manifest.saturated:
        share = 100 * manifest.saturated / manifest.pixels
        text += f"; {manifest.saturated} pixels ({share:.2g} %) are beyond {FULL} counts and take that value: give a "
        text += "smaller png_scale, or another encoding"
    return text
