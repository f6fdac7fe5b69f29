"""Panoramas: pictures of all directions are recognised, and a pinhole's view is cut out of them where it is told."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ....errors import FramesError
from ....geometry import intrinsics_from_hfov, pixel_centres, unit_rays
from ....settings import CameraSettings
from ....types import Float64
from ..picture import Picture
from ..source import FrameSource
from .panorama_evidence import is_dual_fisheye, is_marked_spherical, shows_all_directions

ASPECT = 3 / 4  # height of a view, in widths
ASK = "give --panorama-view yaw,pitch,hfov in degrees (0,0,90: straight ahead) to cut a pinhole's view out of it"
STITCH = "export it as an equirectangular video with its maker's program first"
CUBE_SUFFIXES = (".360",)  # GoPro: the faces of a cube in two streams
FISHEYE_SUFFIXES = (".insv", ".insp")  # Insta360: one or two fisheyes, unless it was filmed with one lens


@dataclass(frozen=True)
class PanoramaView:
    """A pinhole's view of an equirectangular picture: yaw to the right of its middle, pitch up, horizontal field of
    view, in degrees. It is as fine in its middle as the picture is there."""

    yaw_deg: float
    pitch_deg: float
    hfov_deg: float

    def size(self, panorama: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of the view of a panorama of (width, height)."""
        width = panorama[0] / math.pi * math.tan(math.radians(self.hfov_deg) / 2)
        return 2 * max(8, round(width / 2)), 2 * max(6, round(width * ASPECT / 2))

    def __call__(self, picture: Picture) -> Picture:
        """The view of a panorama, and of its mask. Raises FramesError for a picture that is none."""
        import cv2

        image = picture.image
        height, width = image.shape[:2]
        if width != 2 * height or is_dual_fisheye(image):
            what = "two fisheyes" if width == 2 * height else f"{width}x{height}, not 2:1"
            raise FramesError(f"--panorama-view cuts equirectangular pictures, and this input's are {what}: {STITCH}")
        x, y = _maps(self, (width, height))
        cut = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        if picture.mask is None:
            return Picture(np.asarray(cut, np.uint8))
        counts = cv2.remap(picture.mask.astype(np.uint8), x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_WRAP)
        return Picture(np.asarray(cut, np.uint8), counts > 0)

    def directions(self, panorama: tuple[int, int]) -> Float64:
        """Unit vectors [H,W,3] of the view's pixels (x right, y down, z towards the middle of the panorama)."""
        width, height = self.size(panorama)
        k = intrinsics_from_hfov(self.hfov_deg, (width, height))
        rays = unit_rays((pixel_centres(height, width) - k[:2, 2]) / k[0, 0])
        yaw, pitch = math.radians(self.yaw_deg), math.radians(self.pitch_deg)
        up = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
        right = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
        return np.asarray(rays @ (right @ up).T)


@lru_cache(maxsize=2)
def _maps(view: PanoramaView, panorama: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each pixel of the view lies in the panorama, for `cv2.remap`."""
    x, y, z = np.moveaxis(view.directions(panorama), -1, 0)
    width, height = panorama
    column = width * (np.arctan2(x, z) / (2 * math.pi) + 0.5) - 0.5
    row = height * (np.arcsin(np.clip(y, -1, 1)) / math.pi + 0.5) - 0.5
    return column.astype(np.float32), np.clip(row, 0, height - 1).astype(np.float32)


@dataclass(eq=False)
class FlatPictures:
    """Pictures as they are; the first one is looked at, whether it is a panorama after all."""

    source: FrameSource
    _looked: bool = False

    def __call__(self, picture: Picture) -> Picture:
        """The same picture. Raises FramesError for a panorama."""
        if not self._looked:
            self._looked = True
            if (what := _panorama_of(self.source, picture)) is not None:
                raise FramesError(f"'{self.source.name}' {what}")
        return picture


def picture_view(source: FrameSource, settings: CameraSettings) -> Callable[[Picture], Picture]:
    """What is done to each picture of a source before it is brought to the size of frames."""
    return FlatPictures(source) if settings.panorama_view is None else PanoramaView(*settings.panorama_view)


def _panorama_of(source: FrameSource, picture: Picture) -> str | None:
    """What kind of panorama the source's first picture is, and what to do; None for one that is none."""
    file = None if source.chain is None or source.kind not in ("video", "images") else source.chain.first.paths[0]
    suffix = "" if file is None else file.suffix.lower()
    width, height = picture.size
    if suffix in CUBE_SUFFIXES and width != 2 * height:
        return f"is a panorama in the faces of a cube: {STITCH}, and then {ASK}"
    if suffix in FISHEYE_SUFFIXES and width == height:
        return f"is one fisheye of a panorama: {STITCH}, and then {ASK}"
    if width != 2 * height:
        return None
    if is_dual_fisheye(picture.image):
        return f"is a panorama of two fisheyes: {STITCH}, and then {ASK}"
    is_named = suffix in (*CUBE_SUFFIXES, *FISHEYE_SUFFIXES)
    if is_named or shows_all_directions(picture.image) or (file is not None and is_marked_spherical(file, source.kind)):
        return f"is an equirectangular panorama, which no pinhole sees: {ASK}"
    return None
