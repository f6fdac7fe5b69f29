"""Today's pipelines' alignment of two windows, re-implemented from its description as a yardstick.

It is their default "sim3" method: on all pixels of the shared frames,
weighted by confidence, with a Huber loss of 0.1 in whatever unit the scene has, five rounds; here in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from da3_stream.geometry import Sim3
from da3_stream.types import WindowGeometry

Array = NDArray[np.float64]

CONFIDENT = 0.1  # of the smaller of the two median confidences
HUBER = 0.1
ROUNDS = 5


def align_as_baseline(previous: WindowGeometry, current: WindowGeometry) -> Sim3:
    """previous_from_current of two windows of the same frames; NaN or an exception where the original has them."""
    threshold = CONFIDENT * min(np.median(previous.confidence), np.median(current.confidence))
    used = (previous.confidence > threshold) & (current.confidence > threshold)
    target, source = _points(previous)[used], _points(current)[used]
    weights = np.sqrt(previous.confidence[used].astype(np.float64) * current.confidence[used])
    found = _weighted(target, source, weights)
    for _ in range(ROUNDS):
        misfit = np.linalg.norm(target - found.apply(source), axis=1)
        found = _weighted(target, source, weights * np.minimum(1.0, HUBER / np.maximum(misfit, 1e-300)))
    return found


def _points(window: WindowGeometry) -> Array:
    """Points [N,H,W,3] of all pixels, unprojected at whole-numbered coordinates (half a pixel off)."""
    count, height, width = window.depth.shape
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack([x, y, np.ones_like(x)], axis=-1).reshape(-1, 3)
    rays = np.einsum("nij,pj->npi", np.linalg.inv(window.intrinsics), pixels).reshape(count, height, width, 3)
    pose = window.window_from_camera
    turned = np.einsum("nij,nhwj->nhwi", pose[:, :3, :3], rays * window.depth[..., None])
    return turned + pose[:, None, None, :3, 3]


def _weighted(target: Array, source: Array, weights: Array) -> Sim3:
    """One weighted solve: scale from the ratio of the two clouds' spreads, rotation from their covariance."""
    share = weights / weights.sum()
    mean_target, mean_source = share @ target, share @ source
    y, x = target - mean_target, source - mean_source
    scale = np.sqrt(share @ np.square(y).sum(axis=1)) / np.sqrt(share @ np.square(x).sum(axis=1))
    u, _, vt = np.linalg.svd((x * share[:, None]).T @ y)
    rotation = vt.T @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ u.T
    return Sim3(scale, rotation, mean_target - scale * rotation @ mean_source)
