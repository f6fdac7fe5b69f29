"""An image of a data set, as it was written, and what the run knows of its frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...geometry.masks import Mask
from ...store import RunReader
from ...types import Float32, Float64, UInt8
from ..frame_views import FrameView
from ..images.camera import ImageCamera, image_camera, image_mask
from ..options import ImageOptions


@dataclass(frozen=True, eq=False)
class FrameDepth:
    """The depth of a frame that a pinhole K [3,3] sees, in world units."""

    depth: Float32  # [H,W], 0 = none, and in the sky
    confidence: Float32  # [H,W], 0 = unusable, and in the sky
    sky: NDArray[np.bool_] | None  # [H,W], None where the model did not tell
    k: Float64

    @staticmethod
    def read(reader: RunReader, view: FrameView) -> FrameDepth | None:
        """That of a view; None where it has none."""
        if not view.has_depth:
            return None
        depth, confidence, sky, k = reader.depth_and_sky(view.index)
        if sky is None:
            return FrameDepth(depth, confidence, None, k)
        return FrameDepth(np.where(sky, np.float32(0), depth), np.where(sky, np.float32(0), confidence), sky, k)


@dataclass(frozen=True, eq=False)
class DatasetImage:
    """An image, the camera that took it, and the depth of its frame."""

    view: FrameView
    pixels: UInt8  # [H,W,3]
    camera: ImageCamera
    mask: Mask | None  # [H,W] which of them count; None: all
    depth: FrameDepth | None  # None: the gate left the frame out

    @staticmethod
    def read(reader: RunReader, view: FrameView, pixels: UInt8, options: ImageOptions) -> DatasetImage:
        """The view's image as the options have it written, with all that belongs to it."""
        camera, mask = image_camera(reader, view, options), image_mask(reader, view, options)
        return DatasetImage(view, pixels, camera, mask, FrameDepth.read(reader, view))


class ImagePart(Protocol):
    """What is written, or found, image by image."""

    def add(self, name: str, image: DatasetImage) -> None:
        """Take the next image, whose file has this name."""
