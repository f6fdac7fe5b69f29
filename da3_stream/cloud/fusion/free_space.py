"""Free-space violations: points that views see through, or that hide behind a surface seen better from nearer.

A view contradicts a point where it sees beyond it by more than a share of its depth, and supports it where it sees a
surface there. Only views as good as the point's own count: the point is nearer to the view than to the camera that
made it, or hardly farther. From much nearer a view also contradicts a point that lies behind the surface it sees by no
more than the error of what was seen from afar. A point violates free space where at least two views contradict it, and
more than half as many as support it: among the supporting views are also those that share its error. After Merrell et
al., "Real-time visibility-based fusion of depth maps" (ICCV 2007).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...settings import CloudSettings
from ...types import Float32
from .depth_views import DepthView, DepthViews, project_to_view

_SAMPLE = 32  # points of a cube by which its views are chosen
_REACH = {"ghosts": 1.5, "movers": 3.0}  # how much farther than a point's own camera a view may be
_MUCH_NEARER = 0.7
_MIN_VIOLATIONS = 2  # views that must contradict a point
_SUPPORT_PER_VIOLATION = 2  # supporting views that one contradicting view outweighs


def violates_free_space(
    views: DepthViews, xyz: Float32, distance: Float32, codes: NDArray[np.uint64], settings: CloudSettings
) -> NDArray[np.bool_]:
    """Mask [M] of the points in the world [M,3] that violate the free space of better views.

    `distance` [M] is from each point to the camera that made it. Points in one small cube, those of equal Morton codes
    [M], are tested against the same views. Raises StoreError if a submap's file is absent or damaged.
    """
    violates = np.zeros(len(xyz), np.bool_)
    order = np.argsort(codes, kind="stable")
    borders = np.flatnonzero(np.diff(codes[order])) + 1
    for members in np.split(order, borders):
        sample = members[np.linspace(0, len(members) - 1, min(len(members), _SAMPLE)).astype(np.int64)]
        chosen = [views.view(row) for row in views.choose(xyz[sample], settings.views)]
        violates[members] = _violations(chosen, xyz[members], distance[members], settings)
    return violates


def _violations(
    views: list[DepthView], xyz: Float32, own_distance: Float32, settings: CloudSettings
) -> NDArray[np.bool_]:
    """Mask [M] of the points that too many of the views contradict."""
    against, support = np.zeros(len(xyz), np.int8), np.zeros(len(xyz), np.int8)
    for view in views:
        x, y, depth, distance = project_to_view(view, xyz)
        height, width = view.inverse_depth.shape[:2]
        inside = (depth > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
        seen = np.flatnonzero(inside & (distance < _REACH[settings.fusion] * own_distance))
        ratio = depth[seen] * _surface_inverse_depth(view, x[seen], y[seen])
        nearer = distance[seen] / own_distance[seen]
        against[seen] += _contradicts(ratio, nearer, settings.free_space)
        support[seen] += np.abs(ratio - 1) <= settings.free_space
    return (against >= _MIN_VIOLATIONS) & (_SUPPORT_PER_VIOLATION * against > support)


def _surface_inverse_depth(view: DepthView, x: Float32, y: Float32) -> Float32:
    """Inverse depth [M] of the surface that a view sees at x, y [M] (in blocks, within the map); NaN where unknown."""
    column, row = x.astype(np.int64), y.astype(np.int64)
    inverse, across, down = view.inverse_depth.reshape(-1, 3)[row * view.inverse_depth.shape[1] + column].T
    return inverse + across * (x - column - 0.5) + down * (y - row - 0.5)


def _contradicts(depth_ratio: Float32, distance_ratio: Float32, margin: float) -> NDArray[np.bool_]:
    """Mask [M] of the points that a view sees through, or that hide within their own error behind its surface.

    `depth_ratio` [M] is a point's depth over that of the surface, `distance_ratio` [M] its distance from the view over
    that from its own camera.
    """
    error = 2 * margin / distance_ratio
    hidden = (depth_ratio > 1 + margin) & (depth_ratio < 1 + error) & (distance_ratio < _MUCH_NEARER)
    return (depth_ratio < 1 - margin) | hidden
