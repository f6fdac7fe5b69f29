"""Inverse depth for trainers of splats: depths/, a 16-bit PNG for each image, and sparse/0/depth_params.json.

Inria's trainer (graphdeco-inria/gaussian-splatting, since October 2024; Kerbl et al., "A hierarchical 3D Gaussian
representation", 2024) reads count / 2^16 * scale + offset, with scale and offset of depth_params.json under the image's
name without its suffix, and resizes that to the image. It has no mask for depth: every pixel is believed, but of images
whose scale is below a fifth, or above five times, the median of all positive ones, none is. So

- the offset is 0, and the sky's count 0: it is infinitely far;
- other pixels without depth have that of the nearest pixel with depth; where no model told the sky, only those near it
  (HOLE): farther away, what has no depth is most often sky;
- images without depth have scale 0, a map of zeros, and are not believed;
- an image's scale is its largest inverse depth, but not so small that it, or that of the others, would be left out.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from ...store.files import json_page, write_text
from ...types import Float32
from ..images.depth_in_image import in_image
from ..images.rasters import new_file, write_png
from .dataset_image import DatasetImage, FrameDepth

COUNTS = 1 << 16  # by which the trainer divides
HOLE = 0.05  # of the map's width: how far from depth a pixel without any is filled
SMALLEST = 1 / 4.9  # of the largest scale: then no scale is farther from the median of all than five times


class InverseDepths:
    """Writes the maps image by image. `whole` is the (width, height) of images before they were cropped."""

    def __init__(self, folder: Path, whole: tuple[int, int]) -> None:
        self._folder, self._whole = folder, whole
        self._scales: dict[str, float] = {}

    def add(self, name: str, image: DatasetImage) -> None:
        """Write the map of an image whose file has this name."""
        stem = str(PurePosixPath(name).with_suffix(""))
        inverse = np.zeros(self._whole[::-1], np.float32) if image.depth is None else self._shown(image, image.depth)
        self._scales[stem] = scale = float(inverse.max()) * COUNTS / (COUNTS - 1)
        self._write(stem, inverse, scale)

    def finish(self, params: Path) -> None:
        """Write depth_params.json, and maps again whose scale would have them left out."""
        smallest = SMALLEST * max(self._scales.values(), default=0.0)
        for stem, scale in self._scales.items():
            if 0 < scale < smallest:
                counts = np.asarray(cv2.imread(str(self._path(stem)), cv2.IMREAD_UNCHANGED), np.float32)
                self._write(stem, counts * np.float32(scale / COUNTS), smallest)
                self._scales[stem] = smallest
        median = float(np.median([scale for scale in self._scales.values() if scale > 0] or [0.0]))
        entries = {stem: {"scale": scale, "offset": 0.0, "med_scale": median} for stem, scale in self._scales.items()}
        write_text(params, json_page(entries))

    def _shown(self, image: DatasetImage, frame: FrameDepth) -> Float32:
        """Inverse depth [h,w] of the image's pixels; 0 in the sky."""
        usable = (frame.depth > 0) & (frame.confidence > 0)
        inverse = np.divide(np.float32(1), frame.depth, out=np.zeros_like(frame.depth), where=usable)
        reach = HOLE * usable.shape[1] if frame.sky is None else np.inf
        filled = inverse if usable.all() or not usable.any() else fill_holes(inverse, usable, reach)
        if frame.sky is not None:
            filled[frame.sky] = 0
        return in_image(filled, frame.k, image.camera, self._whole)

    def _path(self, stem: str) -> Path:
        return self._folder / f"{stem}.png"

    def _write(self, stem: str, inverse: Float32, scale: float) -> None:
        counts = np.rint(inverse * np.float32(COUNTS / scale if scale > 0 else 0.0))
        write_png(new_file(self._path(stem)), np.minimum(counts, COUNTS - 1).astype(np.uint16))


def fill_holes(values: Float32, known: NDArray[np.bool_], reach: float) -> Float32:
    """Values [H,W] with that of the nearest known pixel at those that are not known, up to `reach` pixels away."""
    distance, label = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(int(label.max()) + 1, np.float32)
    of_label[label[known]] = values[known]
    return np.where(distance <= reach, of_label[label], values)
