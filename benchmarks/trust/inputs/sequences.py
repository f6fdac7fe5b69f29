"""What a camera saw and where it was: the images of a run of the bank with their truth."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

UInt8 = NDArray[np.uint8]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sequence:
    """Images with the true poses of their camera, and what a user would say of it."""

    images: UInt8  # [N,H,W,3] RGB
    truth: Float64  # [N,4,4] truth_from_camera, rigid, metres, OpenCV camera axes
    intrinsics: tuple[float, float, float, float]  # fx, fy, cx, cy in pixels, first pixel centre at 0
    depth_m: float  # the median depth of the scene
    given: bool = True  # whether the run is given these intrinsics
    turns: bool = False  # the camera only turns: no depth can be seen

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the images."""
        return self.images.shape[2], self.images.shape[1]

    def take(self, rows: Rows[int] | NDArray[np.int64]) -> Sequence:
        """These frames only, in this order; one may come more than once."""
        chosen = np.asarray(rows, np.int64)
        return replace(self, images=self.images[chosen], truth=self.truth[chosen])

    def with_images(self, images: NDArray) -> Sequence:
        """The same with other images, of any real type; they are rounded and clipped."""
        return replace(self, images=np.clip(np.rint(images), 0, 255).astype(np.uint8))

    def write_images(self, folder: Path) -> Path:
        """Write the images as %06d.png; returns the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(self.images):
            cv2.imwrite(str(folder / f"{number:06d}.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        return folder

    def save(self, path: Path) -> None:
        """Keep the sequence in an .npz that `load` reads, in one step."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{np.random.default_rng().integers(1 << 40):x}.npz")
        np.savez(beside, images=self.images, truth=self.truth, camera=[*self.intrinsics, self.depth_m])
        beside.replace(path)

    @staticmethod
    def load(path: Path) -> Sequence:
        """What `save` kept."""
        with np.load(path) as entries:
            fx, fy, cx, cy, depth_m = entries["camera"].tolist()
            return Sequence(entries["images"], entries["truth"], (fx, fy, cx, cy), depth_m)
