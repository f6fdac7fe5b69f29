"""Dense depth of frames with known cameras: optical flow to the neighbours, triangulated in closed form, fused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ...geometry import resize_intrinsics
from ...geometry.masks import Mask, shrink_mask
from .flow_links import FlowLinks, Gray, Map
from .triangulation import fuse, triangulate

LINKS = 4  # neighbours on either side that give a frame depth
FLOW_RETURN_PX = 1.0  # flow forward and back ends nearer than this to where it began
FLOW_NOISE_PX = 0.25  # where there is texture
FLAT_NOISE = 1.0  # gray levels; flow is uncertain by this over the gradient: sky and blank walls have their edges' flow
TEXTURE_PX = 7  # side of the square over which the gradient is averaged
FLOW_SUPPORT_PX = 8  # side of the patches that flow comes from: what is masked drags the flow of what is this near
LEAST_SIDE_PX = 12  # of an image that flow can be measured in
MIN_KNOWN = 0.2  # of what a pixel is enlarged from

CHUNK = 32  # rows that one piece of work gives depth; it computes the flow of LINKS more on either side


@dataclass(frozen=True, eq=False)
class DepthTask:
    """Gray frames [n][H,W] with cameras [n,4,4] and one K [3,3], as far apart as flow shall be measured; depth is
    wanted for `rows`.

    Flow is measured in images that are halved `flow_scale` times. `masks` [n][H,W] are True where a frame counts (None,
    or no masks at all: everywhere).
    """

    grays: Sequence[Gray]
    world_from_camera: NDArray[np.float64]
    k: NDArray[np.float64]
    rows: range
    flow_scale: int = 1
    masks: Sequence[Mask | None] = ()


def depth_tasks(window: DepthTask, place_starts: Sequence[int], stride: int) -> Iterator[tuple[range, DepthTask]]:
    """Pieces of the work on a window with consecutive frames, each with the rows of the window that it gives depth.

    Flow is measured from a frame to the one `stride` rows on, which never leads to a row between them: a piece has
    every `stride`-th. None has frames of two places.
    """
    count = len(window.grays)
    for start, stop in zip((0, *place_starts), (*place_starts, count), strict=True):
        for first in range(start, min(start + stride, stop)):
            yield from _pieces(window, range(first, stop, stride))


def _pieces(window: DepthTask, linked: range) -> Iterator[tuple[range, DepthTask]]:
    for first in range(0, len(linked), CHUNK):
        rows = linked[first : first + CHUNK]
        low = max(first - LINKS, 0)
        around = linked[low : first + CHUNK + LINKS]
        seen = slice(around.start, around.stop, around.step)
        yield (
            rows,
            replace(
                window,
                grays=window.grays[seen],
                world_from_camera=window.world_from_camera[seen],
                rows=range(first - low, first - low + len(rows)),
                masks=window.masks[seen],
            ),
        )


def dense_depth(task: DepthTask) -> tuple[Map, Map]:
    """Depth [len(rows),H,W] along z in units of the cameras (0 = none) and its confidence: 1 / relative precision."""
    cv2.setNumThreads(1)
    height, width = task.grays[0].shape
    depth, confidence = (np.zeros((len(task.rows), height, width), np.float32) for _ in range(2))
    small = _shrink(task)
    pixel_px = 2.0**small.flow_scale
    links = FlowLinks(small.grays, FLOW_RETURN_PX / pixel_px)
    for out, row in enumerate(task.rows):
        links.forget_before(row - LINKS)
        estimates = list(_estimates(small, links, row))
        if estimates:
            log_depth, parallax = fuse(*map(np.stack, zip(*estimates, strict=True)))
            precision = parallax / flow_noise(small.grays[row], pixel_px)
            depth[out], confidence[out] = _enlarge(log_depth, precision, (width, height))
        if task.masks and (mask := task.masks[row]) is not None:
            masked = ~shrink_mask(mask, FLOW_SUPPORT_PX)
            depth[out][masked] = confidence[out][masked] = 0
    return depth, confidence


def flow_noise(gray: Gray, pixel_px: float = 1.0) -> Map:
    """Standard deviation [H,W] that is expected of optical flow, from the gradient around a pixel, in units of
    1 / `pixel_px` of the image's pixels."""
    gx, gy = (cv2.Sobel(gray, cv2.CV_32F, dx, dy, scale=1 / 8 / pixel_px) for dx, dy in ((1, 0), (0, 1)))
    energy = cv2.boxFilter(gx * gx + gy * gy, -1, (TEXTURE_PX, TEXTURE_PX))
    return np.sqrt(np.float32(FLOW_NOISE_PX**2) + np.float32(FLAT_NOISE**2) / np.maximum(energy, np.float32(1e-6)))


def _shrink(task: DepthTask) -> DepthTask:
    """The task with the images that flow is measured in, and their K; they are not halved until nothing is left."""
    height, width = task.grays[0].shape
    scale = next((s for s in range(task.flow_scale, 0, -1) if min(height, width) >= LEAST_SIDE_PX * 2**s), 0)
    if scale == 0:
        return replace(task, flow_scale=0)
    small = (-(-width // 2**scale), -(-height // 2**scale))
    grays = [np.asarray(cv2.resize(gray, small, interpolation=cv2.INTER_AREA), np.uint8) for gray in task.grays]
    return replace(task, grays=grays, k=resize_intrinsics(task.k, (width, height), small), flow_scale=scale)


def _estimates(task: DepthTask, links: FlowLinks, row: int) -> Iterator[tuple[Map, Map]]:
    """Log depth [H,W] of a row's pixels from each neighbour that tells any, and its weight: the squared parallax over
    how many links led there, since their errors add up as squares."""
    for step in (-1, 1):
        near = range(row + step, row + step * (LINKS + 1), step)
        sources = [source for source in near if _has_baseline(task, row, source)]
        for source, places in links.follow(row, range(row + step, sources[-1] + step, step) if sources else ()):
            if source in sources:
                source_from_row = np.linalg.inv(task.world_from_camera[source]) @ task.world_from_camera[row]
                log_depth, parallax = triangulate(task.k, source_from_row, places, 2.0**task.flow_scale)
                yield log_depth, parallax / np.float32(abs(source - row))


def _has_baseline(task: DepthTask, row: int, source: int) -> bool:
    """There is such a row, both cameras are known and not in one place."""
    if not 0 <= source < len(task.grays):
        return False
    a, b = task.world_from_camera[row], task.world_from_camera[source]
    return bool(np.isfinite(a).all() and np.isfinite(b).all() and np.linalg.norm(a[:3, 3] - b[:3, 3]) > 0)


def _enlarge(log_depth: Map, precision: Map, size: tuple[int, int]) -> tuple[Map, Map]:
    """Depth and precision at (width, height), from what is known around a pixel: inverse depth is linear in the image
    on a plane."""
    known = precision > 0
    if precision.shape == size[::-1]:
        return np.where(known, np.exp(log_depth), np.float32(0)), precision
    parts = (known.astype(np.float32), np.where(known, np.exp(-log_depth), np.float32(0)), precision)
    share, inverse, precision = (cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) for part in parts)
    good = share >= MIN_KNOWN
    weight = good / np.where(good, share, np.float32(1))
    return np.where(good, share / np.where(good, inverse, np.float32(1)), np.float32(0)), precision * weight
