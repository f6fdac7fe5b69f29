"""Dense depth of frames with known cameras: optical flow to the neighbours, triangulated in closed form, fused.

Flow: Kroeger et al., "Fast optical flow using dense inverse search" (ECCV 2016), as in OpenCV.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...geometry.masks import Mask, shrink_mask

FLOW_RETURN_PX = 1.0
EPIPOLAR_PX = 1.0
FLOW_NOISE_PX = 0.25  # where there is texture
FLAT_NOISE = 1.0  # gray levels; flow is uncertain by this over the gradient: sky and blank walls have their edges' flow
TEXTURE_PX = 7  # side of the square over which the gradient is averaged
MIN_PARALLAX_PX = 2.0  # pixels moved per unit of log depth, all sources together
SOURCE_PARALLAX_PX = 0.7  # the same for one source to take part
AGREEMENT = 0.12  # sources farther than this from their weighted median (log depth) are left out
FLOW_SUPPORT_PX = 8  # side of the patches that flow comes from: what is masked drags the flow of what is this near

CHUNK = 16  # rows that one piece of work gives depth

Gray = NDArray[np.uint8]
Map = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DepthTask:
    """Consecutive gray frames [n][H,W] with cameras [n,4,4] and one K [3,3]; depth is wanted for `rows`.

    `masks` [n][H,W] are True where a frame counts (None, or no masks at all: everywhere).
    """

    grays: Sequence[Gray]
    world_from_camera: NDArray[np.float64]
    k: NDArray[np.float64]
    rows: range
    offsets: tuple[int, ...]
    masks: Sequence[Mask | None] = ()


def depth_tasks(
    grays: Sequence[Gray],
    world_from_camera: NDArray[np.float64],
    k: NDArray[np.float64],
    place_starts: Sequence[int],
    offsets: tuple[int, ...],
    masks: Sequence[Mask | None] = (),
) -> Iterator[tuple[range, DepthTask]]:
    """Pieces of work for a window [n], with the rows of which each gives the depth; none has frames of two places."""
    for start, stop in zip((0, *place_starts), (*place_starts, len(grays)), strict=True):
        for first in range(start, stop, CHUNK):
            rows = range(first, min(first + CHUNK, stop))
            low, high = max(start, rows.start + min(offsets)), min(stop, rows.stop + max(offsets))
            inside = range(rows.start - low, rows.stop - low)
            seen = slice(low, high)
            yield rows, DepthTask(grays[seen], world_from_camera[seen], k, inside, offsets, masks[seen])


def dense_depth(task: DepthTask) -> tuple[Map, Map]:
    """Depth [len(rows),H,W] along z in units of the cameras (0 = none) and its confidence: 1 / relative precision."""
    cv2.setNumThreads(1)
    flows = _FlowCache(task.grays)
    shape = (len(task.rows), *task.grays[0].shape)
    depth, confidence = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for out, row in enumerate(task.rows):
        flows.forget_before(row)
        sources = [row + o for o in task.offsets if 0 <= row + o < len(task.grays)]
        estimates = [_triangulate(task, flows, row, source) for source in sources if _has_baseline(task, row, source)]
        if estimates:
            depth[out], precision = _fuse(estimates)
            confidence[out] = precision / flow_noise(task.grays[row])
        if task.masks and (mask := task.masks[row]) is not None:
            masked = ~shrink_mask(mask, FLOW_SUPPORT_PX)
            depth[out][masked] = confidence[out][masked] = 0
    return depth, confidence


def flow_noise(gray: Gray) -> Map:
    """Standard deviation [H,W] in pixels that is expected of optical flow, from the gradient around a pixel."""
    gx, gy = (cv2.Sobel(gray, cv2.CV_32F, dx, dy, scale=1 / 8) for dx, dy in ((1, 0), (0, 1)))
    energy = cv2.boxFilter(gx * gx + gy * gy, -1, (TEXTURE_PX, TEXTURE_PX))
    return np.sqrt(np.float32(FLOW_NOISE_PX**2) + np.float32(FLAT_NOISE**2) / np.maximum(energy, np.float32(1e-6)))


def _has_baseline(task: DepthTask, row: int, source: int) -> bool:
    """Both cameras known and not in one place."""
    a, b = task.world_from_camera[row], task.world_from_camera[source]
    return bool(np.isfinite(a).all() and np.isfinite(b).all() and np.linalg.norm(a[:3, 3] - b[:3, 3]) > 0)


class _FlowCache:
    """Optical flow between frames, computed when it is first needed and kept while rows around it are worked on."""

    def __init__(self, grays: Sequence[Gray]) -> None:
        # the faster presets are three times less accurate
        self._engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._grays = grays
        self._known: dict[tuple[int, int], Map] = {}

    def __call__(self, first: int, second: int) -> Map:
        """Flow [H,W,2] in pixels from the first frame to the second."""
        pair = (first, second)
        if pair not in self._known:
            self._known[pair] = self._engine.calc(self._grays[first], self._grays[second], None)
        return self._known[pair]

    def forget_before(self, row: int) -> None:
        """Drop flows that no row from `row` on needs."""
        self._known = {pair: flow for pair, flow in self._known.items() if max(pair) >= row}


def _triangulate(task: DepthTask, flows: _FlowCache, row: int, source: int) -> tuple[Map, Map]:
    """Log depth and parallax (pixels moved per unit log depth; 0 = unusable) of a row's pixels from one source."""
    there, back = flows(row, source), flows(source, row)
    height, width = there.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    qx, qy = x + there[..., 0], y + there[..., 1]
    returned = cv2.remap(back, qx, qy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(1e3, 1e3))
    good = np.square(there + returned).sum(axis=-1) < FLOW_RETURN_PX**2
    good &= (qx >= 0) & (qy >= 0) & (qx <= width - 1) & (qy <= height - 1)
    log_depth, parallax, epipolar = _closed_form(task, row, source, (x, y), (qx, qy))
    good &= epipolar < EPIPOLAR_PX
    good &= parallax > SOURCE_PARALLAX_PX
    return log_depth, np.where(good, parallax, np.float32(0))


def _closed_form(
    task: DepthTask, row: int, source: int, pixel: tuple[Map, Map], target: tuple[Map, Map]
) -> tuple[Map, Map, Map]:
    """Least-squares depth along a pixel's ray given where it goes; log depth, parallax and distance left, in pixels.

    With the ray r (z = 1), x = R r and the target (u, v) in normalised coordinates, depth z solves
    z (x_1 - u x_3, x_2 - v x_3) = (u t_3 - t_1, v t_3 - t_2).
    """
    source_from_row = np.linalg.inv(task.world_from_camera[source]) @ task.world_from_camera[row]
    rotation, t = source_from_row[:3, :3].astype(np.float32), source_from_row[:3, 3].astype(np.float32)
    fx, fy, cx, cy = (np.float32(v) for v in (task.k[0, 0], task.k[1, 1], task.k[0, 2] - 0.5, task.k[1, 2] - 0.5))
    rx, ry = (pixel[0] - cx) / fx, (pixel[1] - cy) / fy
    u, v = (target[0] - cx) / fx, (target[1] - cy) / fy
    x1, x2, x3 = (rotation[i, 0] * rx + rotation[i, 1] * ry + rotation[i, 2] for i in range(3))
    a1, a2, b1, b2 = x1 - u * x3, x2 - v * x3, u * t[2] - t[0], v * t[2] - t[1]
    aa = a1 * a1 + a2 * a2
    z = (a1 * b1 + a2 * b2) / np.maximum(aa, np.float32(1e-12))
    z_there = x3 * z + t[2]
    in_front = (z > 0) & (z_there > 0)
    per_unit = np.where(in_front, fx / np.where(in_front, z_there, 1), np.float32(0))
    residual = np.hypot(a1 * z - b1, a2 * z - b2) * per_unit
    log_depth = np.log(np.where(in_front, z, np.float32(1)))
    return log_depth, np.sqrt(aa) * z * per_unit * in_front, np.where(in_front, residual, np.float32(np.inf))


def _fuse(estimates: Sequence[tuple[Map, Map]]) -> tuple[Map, Map]:
    """Depth and parallax of all sources together: robust weighted mean over those near the weighted median, weight =
    parallax squared."""
    logs = np.stack([log_depth for log_depth, _ in estimates])
    weights = np.stack([parallax for _, parallax in estimates]) ** 2
    median = _weighted_median(logs, weights)
    weights = np.where(np.abs(logs - median) < AGREEMENT, weights, np.float32(0))
    total = weights.sum(axis=0)
    mean = (weights * logs).sum(axis=0) / np.maximum(total, np.float32(1e-12))
    good = total > MIN_PARALLAX_PX**2
    depth = np.where(good, np.exp(mean), np.float32(0))
    return depth, np.where(good, np.sqrt(total), np.float32(0))


def _weighted_median(values: NDArray[np.float32], weights: NDArray[np.float32]) -> Map:
    """Lower weighted median along the first axis; where all weights are 0 the smallest value."""
    order = np.argsort(values, axis=0)
    ranked = np.take_along_axis(values, order, axis=0)
    below = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0)
    middle = (below < 0.5 * below[-1]).sum(axis=0)
    return np.take_along_axis(ranked, middle[None], axis=0)[0]
