"""Seeds of splats: an even sample of the run's cloud, each point with the images that see it.

A point is seen in an image where it falls inside, on what counts, and where the image's depth agrees with its own: what
lies behind something else is not seen, and a point in front of what an image shows is none that it could see. Points
that fewer than MIN_IMAGES see are dropped. So lists of images and of points are as consistent as those of tracks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...cloud import Points
from ...types import Float32, Float64, UInt8
from .dataset_image import DatasetImage
from .keypoints import DepthMap
from .triangulation import Structure

MIN_IMAGES = 2  # that must see a seed
MAX_IMAGES = 4  # that are kept of those that do, the first, the last and others evenly between
SPARE = 2.0  # points that are looked at for each seed that is wanted: some are seen too rarely
STEPS = (0, 1, 2, 4, 8, 16, 32)  # images before and after the point's own in which it is looked for
MAX_DEPTH_DIFFERENCE = 0.03  # relative, between a point and the depth of an image that sees it


@dataclass(frozen=True, eq=False)
class SeenSeeds:
    """S seeds and M times that an image sees one, by image."""

    position: Float32  # [S,3] in the world
    rgb: UInt8  # [S,3]
    seed: NDArray[np.int64]  # [M] 0 .. S-1
    image: NDArray[np.int64]  # [M] index of the image, ascending
    xy: Float32  # [M,2] pixels


class Seeds:
    """Looks for the points of a sample in one image after the other.

    `frames` are those with depth, ascending, by their index in the input: of every point's neighbours among them some
    are tried, near ones and far ones.
    """

    def __init__(self, points: Points, frames: NDArray[np.int64]) -> None:
        nearest = _nearest(frames, points.frame)
        order = np.argsort(nearest, kind="stable")
        self._points, self._frames = points.take(order), frames
        self._starts = np.searchsorted(nearest[order], np.arange(len(frames) + 1))
        self._seed: list[NDArray[np.int64]] = []
        self._xy: list[Float32] = []

    def add(self, name: str, image: DatasetImage) -> None:
        """Find the points that the next image sees."""
        at, xy = np.zeros(0, np.int64), np.zeros((0, 2), np.float32)
        if image.depth is not None:
            tried = self._tried(int(np.searchsorted(self._frames, image.view.index)))
            pixels = seen_pixels(self._points.xyz[tried], image)
            seen = np.isfinite(pixels[:, 0])
            at, xy = tried[seen], pixels[seen].astype(np.float32)
        self._seed.append(at)
        self._xy.append(xy)

    def finish(self, most: int) -> SeenSeeds:
        """Those that enough images see, at most `most`, evenly chosen."""
        seed = np.concatenate([np.zeros(0, np.int64), *self._seed])
        good = np.flatnonzero(np.bincount(seed, minlength=len(self._points)) >= MIN_IMAGES)
        kept = good[np.arange(min(most, len(good))) * len(good) // max(min(most, len(good)), 1)]
        is_kept = np.isin(seed, kept) & _spread(seed, MAX_IMAGES)
        which = np.searchsorted(kept, seed[is_kept])
        image = np.repeat(np.arange(len(self._seed)), [len(part) for part in self._seed])
        xy = np.concatenate([np.zeros((0, 2), np.float32), *self._xy])
        points = self._points.take(kept)
        return SeenSeeds(points.xyz, points.rgb, which, image[is_kept], xy[is_kept])

    def _tried(self, row: int) -> NDArray[np.int64]:
        """The points that are looked for in the image of this row of `frames`."""
        rows = {row + sign * step for step in STEPS for sign in (-1, 1)}
        inside = [k for k in sorted(rows) if 0 <= k < len(self._frames)]
        return np.concatenate([np.arange(self._starts[k], self._starts[k + 1]) for k in inside])


def seen_pixels(xyz: Float32, image: DatasetImage) -> Float64:
    """Where an image sees points of the world [n,3]: pixels [n,2], NaN where it does not."""
    pose, depth = image.view.world_from_camera, image.depth
    local = (xyz - pose[:3, 3]) @ pose[:3, :3]
    ahead = local[:, 2] > 0
    rays = local[:, :2] / np.where(ahead, local[:, 2], 1.0)[:, None]
    pixels = image.camera.pixels(rays)
    with np.errstate(invalid="ignore"):
        inside = ahead & ((pixels >= 0) & (pixels < image.camera.size)).all(axis=1)
    column, row = np.where(inside[:, None], pixels, 0.0).astype(np.int64).T
    if image.mask is not None:
        inside &= image.mask[row, column]
    if depth is not None:
        under = DepthMap(depth.depth, depth.k).at_rays(rays)
        with np.errstate(invalid="ignore"):
            inside &= np.abs(local[:, 2] - under) <= MAX_DEPTH_DIFFERENCE * under
    return np.where(inside[:, None], pixels, np.nan)


def with_seeds(structure: Structure, xy: list[Float32], seeds: SeenSeeds) -> Structure:
    """The points on tracks and the seeds together; the seeds' pixels are added to those of each image `xy`."""
    counts = np.bincount(seeds.image, minlength=len(xy))
    first = np.array([len(points) for points in xy])
    rank = np.arange(len(seeds.image)) - (np.cumsum(counts) - counts)[seeds.image]
    for number, part in enumerate(np.split(seeds.xy, np.cumsum(counts)[:-1])):
        xy[number] = np.concatenate([xy[number], part])
    order = np.argsort(seeds.seed, kind="stable")
    image = seeds.image[order]
    return Structure(
        np.concatenate([structure.position, seeds.position]),
        np.concatenate([structure.rgb, seeds.rgb]),
        np.concatenate([structure.point, len(structure.position) + seeds.seed[order]]).astype(np.int32),
        np.concatenate([structure.image, image]).astype(np.int32),
        np.concatenate([structure.keypoint, first[image] + rank[order]]).astype(np.int32),
    )


def _spread(values: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    """Which [M] to keep of values [M] so that none is there more than `most` times: of each the first, the last and
    others evenly between."""
    order = np.argsort(values, kind="stable")
    count = np.bincount(values)
    rank = np.arange(len(values)) - (np.cumsum(count) - count)[values[order]]
    gaps = np.maximum(count[values[order]] - 1, 1)
    share = rank * (most - 1) // gaps  # 0 .. most - 1; the last reaches it
    first = np.ones(len(values), np.bool_)
    first[1:] = (share[1:] != share[:-1]) | (rank[1:] == 0)
    out = np.empty(len(values), np.bool_)
    out[order] = first
    return out


def _nearest(ascending: NDArray[np.int64], wanted: NDArray[np.int32]) -> NDArray[np.int64]:
    """The position [n] of the value nearest to each wanted one."""
    after = np.clip(np.searchsorted(ascending, wanted), 1, max(len(ascending) - 1, 1))
    if len(ascending) < 2:
        return np.zeros(len(wanted), np.int64)
    is_before = wanted - ascending[after - 1] <= ascending[after] - wanted
    return np.where(is_before, after - 1, after)
