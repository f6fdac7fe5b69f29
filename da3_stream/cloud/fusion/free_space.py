"""Ghosts: points that better views see through, or hide behind a surface they see better.

A view speaks against a point where it sees beyond it by more than a share of its depth, and for it where it sees a
surface there; it must be a better view, or as good: the point is nearer to it than to the camera that made it, or
hardly farther. From much nearer it also speaks against a point that lies behind the surface it sees by no more than
the error of what was seen from afar. A point goes where two views or more speak against it, and at least half as many
as for it (for it speak also the views that share its error). After Merrell et al., "Real-time visibility-based fusion
of depth maps" (ICCV 2007), who call it a free-space violation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...settings import CloudSettings
from ...types import Float32
from .depth_views import View, Views, seen_from

_SAMPLE = 32  # points of a cube by which its views are chosen
_REACH = {"ghosts": 1.5, "movers": 3.0}  # how much farther than a point's own camera a view may be
_MUCH_NEARER = 0.7
_VOTES = 2  # against a point
_TRUST = 2  # votes for a point that one against it outweighs


def seen_through(
    views: Views, xyz: Float32, distance: Float32, cubes: NDArray[np.uint64], settings: CloudSettings
) -> NDArray[np.bool_]:
    """[M] of points of the world [M,3] that go. `distance` [M] is that from their own cameras; points of one small
    cube, by number [M], are looked for in the same views.

    Raises StoreError if a window is absent or damaged.
    """
    gone = np.zeros(len(xyz), np.bool_)
    order = np.argsort(cubes, kind="stable")
    borders = np.flatnonzero(np.diff(cubes[order])) + 1
    for mine in np.split(order, borders):
        some = mine[np.linspace(0, len(mine) - 1, min(len(mine), _SAMPLE)).astype(np.int64)] if len(mine) else mine
        panel = [views.view(row) for row in views.choose(xyz[some], settings.views)]
        gone[mine] = _judged(panel, xyz[mine], distance[mine], settings)
    return gone


def _judged(panel: list[View], xyz: Float32, own: Float32, settings: CloudSettings) -> NDArray[np.bool_]:
    against, on_its_side = np.zeros(len(xyz), np.int8), np.zeros(len(xyz), np.int8)
    for view in panel:
        x, y, depth, distance = seen_from(view, xyz)
        height, width = view.inverse.shape[:2]
        inside = (depth > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
        seen = np.flatnonzero(inside & (distance < _REACH[settings.fusion] * own))
        ratio = depth[seen] * _inverse_depth(view, x[seen], y[seen])
        nearer = distance[seen] / own[seen]
        against[seen] += _contradicted(ratio, nearer, settings.free_space)
        on_its_side[seen] += np.abs(ratio - 1) <= settings.free_space
    return (against >= _VOTES) & (_TRUST * against > on_its_side)


def _inverse_depth(view: View, x: Float32, y: Float32) -> Float32:
    """[M] of the surface that the view sees at these places (in blocks, within the map); NaN where unknown."""
    column, row = x.astype(np.int64), y.astype(np.int64)
    inverse, across, down = view.inverse.reshape(-1, 3)[row * view.inverse.shape[1] + column].T
    return inverse + across * (x - column - 0.5) + down * (y - row - 0.5)


def _contradicted(ratio: Float32, nearer: Float32, margin: float) -> NDArray[np.bool_]:
    """Whether points are seen through, or hidden within their own error; `ratio` [M] is a point's depth over that of
    the surface, `nearer` [M] its distance from the view over that from its own camera."""
    error = 2 * margin / nearer
    hidden = (ratio > 1 + margin) & (ratio < 1 + error) & (nearer < _MUCH_NEARER)
    return (ratio < 1 - margin) | hidden
