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

CHUNK = 60  # rows that one piece of work gives depth; it computes the flow of LINKS more on either side


@dataclass(frozen=True, eq=False)
class DepthTask:
    """Gray frames [n][h,w] of the size at which flow is measured, with cameras [n,4,4] and one K [3,3], as far apart as
    it shall be measured; depth is wanted for `rows`. The side of a pixel is `pixel_px` of those of the video."""

    grays: Sequence[Gray]
    world_from_camera: NDArray[np.float64]
    k: NDArray[np.float64]
    rows: range
    pixel_px: int = 1


def depth_task(
    grays: Sequence[Gray], world_from_camera: NDArray[np.float64], k: NDArray[np.float64], flow_scale: int
) -> DepthTask:
    """Depth of all frames [n][H,W] with the flow of images halved `flow_scale` times, but not until nothing is left."""
    height, width = grays[0].shape
    scale = next((s for s in range(flow_scale, 0, -1) if min(height, width) >= LEAST_SIDE_PX * 2**s), 0)
    size = (-(-width // 2**scale), -(-height // 2**scale))
    if scale:
        grays = [np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8) for gray in grays]
        k = resize_intrinsics(k, (width, height), size)
    return DepthTask(grays, world_from_camera, k, range(len(grays)), 2**scale)


def depth_tasks(window: DepthTask, place_starts: Sequence[int], stride: int) -> Iterator[tuple[range, DepthTask]]:
    """Pieces of the work on a window with consecutive frames, each with the rows of the window that it gives depth.

    Flow is measured from a frame to the one `stride` rows on, which never leads to a row between them: a piece has
    every `stride`-th. None has frames of two places.
    """
    for start, stop in zip((0, *place_starts), (*place_starts, len(window.grays)), strict=True):
        for first in range(start, min(start + stride, stop)):
            yield from _pieces(window, range(first, stop, stride))


def _pieces(window: DepthTask, linked: range) -> Iterator[tuple[range, DepthTask]]:
    for first in range(0, len(linked), CHUNK):
        rows = linked[first : first + CHUNK]
        low = max(first - LINKS, 0)
        around = linked[low : first + CHUNK + LINKS]
        seen = slice(around.start, around.stop, around.step)
        inside = range(first - low, first - low + len(rows))
        yield (
            rows,
            replace(window, grays=window.grays[seen], world_from_camera=window.world_from_camera[seen], rows=inside),
        )


def dense_depth(task: DepthTask) -> tuple[Map, Map]:
    """Depth [len(rows),h,w] along z in units of the cameras (0 = none) and its confidence: 1 / relative precision."""
    cv2.setNumThreads(1)
    links = FlowLinks(task.grays, FLOW_RETURN_PX / task.pixel_px)
    shape = (len(task.rows), *task.grays[0].shape)
    depth, confidence = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for out, row in enumerate(task.rows):
        links.forget_before(row - LINKS)
        estimates = list(_estimates(task, links, row))
        if estimates:
            log_depth, parallax = fuse(*map(np.stack, zip(*estimates, strict=True)))
            depth[out] = np.where(parallax > 0, np.exp(log_depth), np.float32(0))
            confidence[out] = parallax / flow_noise(task.grays[row], task.pixel_px)
    return depth, confidence


def enlarge_depth(depth: Map, confidence: Map, size: tuple[int, int]) -> tuple[Map, Map]:
    """Depth and confidence [h,w] at (width, height), from what is known around a pixel. Inverse depth is what a plane
    makes linear in the image."""
    if depth.shape == size[::-1]:
        return depth, confidence
    known = depth > 0
    parts = (known.astype(np.float32), known / np.where(known, depth, np.float32(1)), confidence)
    share, inverse, sure = (cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) for part in parts)
    good = share >= MIN_KNOWN
    return good * share / np.where(good, inverse, np.float32(1)), good * sure / np.where(good, share, np.float32(1))


def counts_for_depth(mask: Mask) -> Mask:
    """Where a frame [H,W] has depth: what its mask leaves out drags the flow of what is near."""
    return shrink_mask(mask, FLOW_SUPPORT_PX)


def flow_noise(gray: Gray, pixel_px: int = 1) -> Map:
    """Standard deviation [H,W] that is expected of optical flow, from the gradient around a pixel, in units of
    1 / `pixel_px` of the image's pixels."""
    gx, gy = (cv2.Sobel(gray, cv2.CV_32F, dx, dy, scale=1 / 8 / pixel_px) for dx, dy in ((1, 0), (0, 1)))
    energy = cv2.boxFilter(gx * gx + gy * gy, -1, (TEXTURE_PX, TEXTURE_PX))
    return np.sqrt(np.float32(FLOW_NOISE_PX**2) + np.float32(FLAT_NOISE**2) / np.maximum(energy, np.float32(1e-6)))


def _estimates(task: DepthTask, links: FlowLinks, row: int) -> Iterator[tuple[Map, Map]]:
    """Log depth [H,W] of a row's pixels from each neighbour that tells any, and its weight: the squared parallax over
    how many links led there, since their errors add up as squares."""
    for step in (-1, 1):
        near = range(row + step, row + step * (LINKS + 1), step)
        sources = [source for source in near if _has_baseline(task, row, source)]
        for source, places in links.follow(row, range(row + step, sources[-1] + step, step) if sources else ()):
            if source in sources:
                source_from_row = np.linalg.inv(task.world_from_camera[source]) @ task.world_from_camera[row]
                log_depth, parallax = triangulate(task.k, source_from_row, places, task.pixel_px)
                yield log_depth, parallax / np.float32(abs(source - row))


def _has_baseline(task: DepthTask, row: int, source: int) -> bool:
    """There is such a row, both cameras are known and not in one place."""
    if not 0 <= source < len(task.grays):
        return False
    a, b = task.world_from_camera[row], task.world_from_camera[source]
    return bool(np.isfinite(a).all() and np.isfinite(b).all() and np.linalg.norm(a[:3, 3] - b[:3, 3]) > 0)
