"""The workspace of COLMAP's dense stages: stereo/ with depth and normal maps, for `colmap stereo_fusion`.

The maps are the run's own, at their own resolution, as if patch_match_stereo had found them. Arrays are those of
COLMAP's documentation ("Dense reconstruction"): width&height&channels& as text, then float32, channel by channel. Depth
is along z, 0 = none; normals are in the camera's frame (x right, y down, z ahead) and look at the camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...cloud.normals import depth_normals
from ...store.files import write_text
from ...types import Float32
from ..images.depth_in_image import in_image
from ..images.image_folder import link_or_copy
from ..images.rasters import new_file
from .dataset_image import DatasetImage

SOURCES = 20  # images that patch_match_stereo would look at beside each, if it were run


class StereoWorkspace:
    """Writes the maps image by image. `whole` is the (width, height) of images before they were cropped."""

    def __init__(self, folder: Path, whole: tuple[int, int]) -> None:
        self._folder, self._whole = folder, whole
        self._names: list[str] = []
        for name in ("depth_maps", "normal_maps", "consistency_graphs"):
            (folder / name).mkdir(parents=True)

    def add(self, name: str, image: DatasetImage) -> None:
        """Write the maps of an image whose file has this name; none where its frame has no depth."""
        frame = image.depth
        if frame is None:
            return
        depth = np.where(frame.confidence > 0, frame.depth, np.float32(0))
        normals = depth_normals(depth, np.linalg.inv(frame.k).astype(np.float64))
        depth[~normals.any(axis=-1)] = 0
        shown = in_image(np.dstack([depth, normals]), frame.k, image.camera, self._whole)
        self._write("depth_maps", name, shown[..., :1])
        self._write("normal_maps", name, shown[..., 1:])
        self._names.append(name)

    def finish(self, sparse: Path) -> None:
        """Write the lists of images that the stages read, and put the model of `sparse`/0 where they look for it."""
        for file in sorted((sparse / "0").iterdir()):
            link_or_copy(file, sparse / file.name)
        write_text(self._folder / "fusion.cfg", _lines(self._names))
        pairs = [line for name in self._names for line in (name, f"__auto__, {SOURCES}")]
        write_text(self._folder / "patch-match.cfg", _lines(pairs))

    def _write(self, kind: str, name: str, channels: Float32) -> None:
        write_array(new_file(self._folder / kind / f"{name}.geometric.bin"), channels)


def write_array(path: Path, channels: Float32) -> None:
    """Write a map [H,W,C] as COLMAP's dense stages read it. Raises OSError where the disk refuses."""
    height, width, count = channels.shape
    with path.open("wb") as file:
        file.write(f"{width}&{height}&{count}&".encode())
        file.write(np.ascontiguousarray(np.moveaxis(channels, -1, 0), "<f4").data)


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
