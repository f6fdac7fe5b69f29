"""Splats of the synthetic town, one for every pixel of its true depth, from some frames of a drive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.cloud.normals import depth_normals
from da3_stream.geometry import harmonics, pixel_centres, project, unproject
from da3_stream.rendering import render
from da3_stream.synthetic.town import TownFrame
from da3_stream.types import Gaussians

WIDTH, THICKNESS = 0.35, 0.035  # standard deviations along the surface and across it, in the pixel's width there
OPACITY = 0.9
MOST_SLANT = 4.0  # a splat is as much longer as its pixel's surface lies aslant, up to this
SAME_SURFACE = 0.03  # of the depth
MEAN = harmonics(np.array([[0.0, 0.0, 1.0]]), 0).item()

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TownSplats:
    """M splats with the frames [F] that they were made of."""

    frames: Sequence[TownFrame]
    gaussians: Gaussians[NDArray[Any]]
    frame: NDArray[np.int64]  # [M] which of the frames made each
    pixel: NDArray[np.int64]  # [M] which of its pixels, row by row
    distance: NDArray[np.float32]  # [M] along z from that frame

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def colours(self) -> Float64:
        """[M,3] from 0 to 1."""
        return self.gaussians.harmonics[..., 0] * MEAN + 0.5

    def take(self, kept: NDArray[np.bool_]) -> TownSplats:
        """Some of them."""
        arrays = (self.frame[kept], self.pixel[kept], self.distance[kept])
        return TownSplats(self.frames, self.gaussians.take(np.flatnonzero(kept)), *arrays)

    def coloured(self, colours: Float64) -> TownSplats:
        """The same in other colours."""
        coefficients = ((colours[..., None] - 0.5) / MEAN).astype(np.float32)
        return replace(self, gaussians=replace(self.gaussians, harmonics=coefficients))


def splats_of_every_pixel(frames: Sequence[TownFrame]) -> TownSplats:
    """One where each pixel that is no sky meets the town, flat in the surface, as wide as the pixel is there."""
    parts = [_of_frame(frame) for frame in frames]
    every = Gaussians(*(np.concatenate([getattr(p, name) for p in parts]) for name in vars(parts[0])))
    filled = [np.flatnonzero(frame.depth > 0) for frame in frames]
    number = np.repeat(np.arange(len(frames)), [len(pixels) for pixels in filled])
    distance = np.concatenate([frame.depth.ravel()[pixels] for frame, pixels in zip(frames, filled, strict=True)])
    return TownSplats(frames, every, number, np.concatenate(filled), distance)


def seen_best(splats: TownSplats) -> TownSplats:
    """Those whose place no other of the frames sees from nearer: a picture from afar would cover the finer one."""
    best = np.ones(len(splats), bool)
    for number, frame in enumerate(splats.frames):
        others = np.flatnonzero(best & (splats.frame != number))
        z, pixel = _projected(splats.gaussians.means[others], frame)
        sees = (pixel >= 0) & (np.abs(frame.depth.ravel()[pixel] - z) < SAME_SURFACE * z)
        best[others[sees & (z < splats.distance[others])]] = False
    return splats.take(best)


def fitted(splats: TownSplats, passes: int = 4) -> TownSplats:
    """With colours that undo the blur of splats: each gets what its own pixel lacks in a picture drawn of all. The
    frames that the splats were made of are drawn, and no others (Van Cittert's iteration)."""
    for _ in range(passes):
        colours = splats.colours
        for number, frame in enumerate(splats.frames):
            own = splats.frame == number
            lacks = frame.image / 255 - drawn(splats, frame)
            colours[own] += lacks.reshape(-1, 3)[splats.pixel[own]]
        splats = splats.coloured(colours.clip(0, 1))
    return splats


def drawn(splats: TownSplats, frame: TownFrame) -> NDArray[Any]:
    """[H,W,3] as the camera of a frame sees them."""
    size = (frame.image.shape[1], frame.image.shape[0])
    return render(splats.gaussians, np.linalg.inv(frame.world_from_camera), frame.intrinsics, size, device="cpu").colour


def _of_frame(frame: TownFrame) -> Gaussians[NDArray[Any]]:
    filled, k = frame.depth > 0, frame.intrinsics
    points = unproject(pixel_centres(*frame.depth.shape), frame.depth, k)[filled]
    axes, slant = _axes(points, depth_normals(frame.depth, np.linalg.inv(k))[filled].astype(np.float64))
    pose, across = frame.world_from_camera, points[:, 2] / k[0, 0]
    quaternions = Rotation.from_matrix(pose[:3, :3] @ axes).as_quat(scalar_first=True)
    sizes = across[:, None] * np.column_stack(
        [np.full(len(slant), THICKNESS), WIDTH * slant, np.full(len(slant), WIDTH)]
    )
    colours = ((frame.image[filled][:, :, None] / 255 - 0.5) / MEAN).astype(np.float32)
    arrays = (points @ pose[:3, :3].T + pose[:3, 3], sizes, quaternions)
    opacities = np.full(len(slant), OPACITY, np.float32)
    return Gaussians(*(x.astype(np.float32) for x in arrays), harmonics=colours, opacities=opacities)


def _axes(points: Float64, normals: Float64) -> tuple[Float64, Float64]:
    """Right-handed axes [M,3,3] in columns: the normal, where the surface falls away, and across; and by how much
    longer than wide a pixel is on it [M]."""
    rays = points / np.linalg.norm(points, axis=1, keepdims=True)
    normals = np.where(np.linalg.norm(normals, axis=1, keepdims=True) > 0, normals, -rays)
    slant = 1 / np.abs((normals * rays).sum(axis=1)).clip(1 / MOST_SLANT, 1)
    beside = np.cross(normals, rays + 1e-6 * np.array([1.0, 2.0, 3.0]))  # of any direction where it is met head-on
    beside /= np.linalg.norm(beside, axis=1, keepdims=True)
    return np.stack([normals, np.cross(beside, normals), beside], axis=2), slant


def _projected(points: NDArray[Any], frame: TownFrame) -> tuple[Float64, NDArray[np.int64]]:
    """Depth [M] of points in a frame, and their pixel; -1 where it does not see that way."""
    height, width = frame.depth.shape
    seen = (points - frame.world_from_camera[:3, 3]) @ frame.world_from_camera[:3, :3]
    place = np.floor(np.nan_to_num(project(seen, frame.intrinsics), nan=-1, posinf=-1, neginf=-1))
    inside = ((place >= 0) & (place < [width, height])).all(axis=1)
    return seen[:, 2], np.where(inside, place[:, 1] * width + place[:, 0], -1).astype(np.int64)
