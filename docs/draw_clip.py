"""Draws clip.webp and town.webp, the demo's cloud as it grows along the path: da3-stream demo, then
python docs/draw_clip.py runs/demo/run. A view from above that turns slowly, drawn point by point, without a GPU.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from da3_stream.reconstruction import Reconstruction
from da3_stream.store import RunReader
from da3_stream.upright import up_of_world, upright_rotation

SIZE = (640, 360)
PICTURES, HOLD, PICTURE_MS = 56, 7, 100
BACKGROUND, PATH, CAMERA = (24, 26, 30), (255, 176, 0), (255, 255, 255)
ELEVATION_DEG, TURN_DEG, FOV_DEG = 34.0, 50.0, 42.0
LEFT_OUT = 0.25  # share of the points, the least confident ones
FAR_SHARE = 0.97  # of points that the view is made for, by their distance from the middle

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grown:
    """A run, upright: points with the first frame that shows them, and camera poses."""

    xyz: Float64  # [M,3] z up
    rgb: NDArray[np.uint8]  # [M,3]
    frame: NDArray[np.int32]  # [M]
    world_from_camera: Float64  # [N,4,4]

    @classmethod
    def of(cls, folder: Path) -> Grown:
        """Read a run directory."""
        reader, run = RunReader.open(folder), Reconstruction(folder)
        pages = list(run.pages())
        xyz = np.concatenate([page.xyz for page in pages]).astype(np.float64)
        up = up_of_world(reader.run.read_scene().georeference, reader.poses, xyz)
        turn = np.eye(4)
        turn[:3, :3] = upright_rotation(up, run.world_from_camera)
        rgb, frame, sure = (
            np.concatenate([getattr(p, name) for p in pages]) for name in ("rgb", "frame", "confidence")
        )
        kept = sure >= np.quantile(sure, LEFT_OUT)
        return cls(xyz[kept] @ turn[:3, :3].T, rgb[kept], frame[kept], turn @ run.world_from_camera)


@dataclass(frozen=True, eq=False)
class View:
    """A camera that looks at the middle of the scene from a distance."""

    middle: Float64
    distance: float

    @classmethod
    def of(cls, run: Grown) -> View:
        """A view that shows nearly all points."""
        middle = np.median(run.xyz, axis=0)
        reach = np.quantile(np.linalg.norm(run.xyz - middle, axis=1), FAR_SHARE)
        return cls(middle, float(reach / np.tan(np.radians(FOV_DEG / 2))))

    def project(self, xyz: Float64, bearing_deg: float) -> tuple[Float64, Float64]:
        """Pixels [M,2] and depths [M] of points."""
        a, e = np.radians(bearing_deg), np.radians(ELEVATION_DEG)
        right = np.array([-np.sin(a), np.cos(a), 0])
        ahead = -np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])
        local = (xyz - self.middle) @ np.stack([right, np.cross(ahead, right), ahead]).T
        depth = np.maximum(local[:, 2] + self.distance, 1e-6)
        focal = SIZE[0] / 2 / np.tan(np.radians(FOV_DEG / 2))
        return local[:, :2] / depth[:, None] * focal + np.array(SIZE) / 2, depth


def draw(run: Grown, view: View, until: int, bearing_deg: float) -> NDArray[np.uint8]:
    """The picture [H,W,3] when the frames up to one are known."""
    image = np.full((SIZE[1], SIZE[0], 3), BACKGROUND, np.uint8)
    seen = run.frame <= until
    pixel, depth = view.project(run.xyz[seen], bearing_deg)
    at = np.floor(pixel).astype(np.int64)
    inside = ((at >= 0) & (at < np.array(SIZE) - 1)).all(axis=1)
    order = np.argsort(-depth[inside])  # the nearest is painted last
    x, y = at[inside][order].T
    for dx, dy in ((0, 0), (1, 0), (0, 1)):
        image[y + dy, x + dx] = run.rgb[seen][inside][order]
    _draw_path(image, run.world_from_camera[: until + 1], view, bearing_deg)
    return image


def _draw_path(image: NDArray[np.uint8], poses: Float64, view: View, bearing_deg: float) -> None:
    """The way so far, and the camera at its end."""
    path, _ = view.project(poses[:, :3, 3], bearing_deg)
    cv2.polylines(image, [np.round(path * 8).astype(np.int32)], False, PATH, 2, cv2.LINE_AA, 3)
    corners = np.array([[0, 0, 0], [-1, -0.7, 1.4], [1, -0.7, 1.4], [1, 0.7, 1.4], [-1, 0.7, 1.4]]) * view.distance / 40
    tips, _ = view.project(corners @ poses[-1, :3, :3].T + poses[-1, :3, 3], bearing_deg)
    lines = [tips[[0, k, 1 + k % 4]] for k in range(1, 5)]
    cv2.polylines(image, [np.round(line * 8).astype(np.int32) for line in lines], True, CAMERA, 1, cv2.LINE_AA, 3)


def main() -> None:
    """Write both pictures beside this file."""
    run = Grown.of(Path(sys.argv[1]))
    view, last = View.of(run), len(run.world_from_camera) - 1
    steps = [min(1.0, k / (PICTURES - 1 - HOLD)) for k in range(PICTURES)]
    turns = np.linspace(0, TURN_DEG, PICTURES)
    pictures = [
        Image.fromarray(draw(run, view, round(step * last), 200 + turn))
        for step, turn in zip(steps, turns, strict=True)
    ]
    folder = Path(__file__).parent
    pictures[0].save(
        folder / "clip.webp",
        save_all=True,
        append_images=pictures[1:],
        duration=PICTURE_MS,
        loop=0,
        quality=40,
        method=4,
    )
    pictures[-1].save(folder / "town.webp", quality=80)


if __name__ == "__main__":
    main()
