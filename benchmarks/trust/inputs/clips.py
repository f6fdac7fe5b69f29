"""Clean sequences of real clips: parts of the shared ones, made smaller."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.common import data_dir

from .sequences import Sequence


@dataclass(frozen=True)
class RealClip:
    """A clip of the shared data with truth; the depth of its scene is roughly known, only standing rows ask for it."""

    folder: str
    frames: int
    length: int  # of a sequence
    scale: float
    depth_m: float


CLIPS = {
    "kitti00": RealClip("kitti00_c1018", 1018, 64, 0.75, 12.0),
    "kitti07": RealClip("kitti07_0-159", 160, 64, 0.4, 12.0),
    "kitti06": RealClip("kitti06_0-50", 51, 44, 0.4, 12.0),
    "hololens": RealClip("hololens_000", 373, 64, 1.0, 2.5),
}


def real(name: str, seed: int) -> Sequence:
    """A part of a clip; the seed says where it begins."""
    clip, folder = CLIPS[name], data_dir() / CLIPS[name].folder
    length = clip.length
    first = int(np.random.default_rng([seed, 12]).integers(0, clip.frames - length + 1))
    truth = np.tile(np.eye(4), (length, 1, 1))
    truth[:, :3] = np.loadtxt(folder / "poses_c2w.txt")[first : first + length].reshape(-1, 3, 4)
    images = [cv2.imread(str(folder / "images" / f"{first + i:06d}.jpg")) for i in range(length)]
    height, width = images[0].shape[:2]
    size = (round(clip.scale * width), round(clip.scale * height))
    small = np.stack([cv2.resize(im[..., ::-1], size, interpolation=cv2.INTER_AREA) for im in images])
    fx, fy, cx, cy = np.loadtxt(folder / "intrinsics.txt").tolist()
    sx, sy = size[0] / width, size[1] / height
    camera = (fx * sx, fy * sy, (cx + 0.5) * sx - 0.5, (cy + 0.5) * sy - 0.5)
    return Sequence(small, truth, camera, clip.depth_m)
