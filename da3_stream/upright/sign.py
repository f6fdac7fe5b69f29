"""Which of two opposite directions is up: cameras are held upright, stand above a level plane, and look down at what
they circle, so that what mirrors below a table turns nothing over."""

from __future__ import annotations

import numpy as np

from ..types import Float64
from .circled import Circled
from .planes import Plane

_UPSIDE_DOWN = 0.02  # of recordings
_CLEAR = 0.1  # component of the pictures' vertical axes along up at which they begin to tell
_CEILING = 0.12  # of level planes: cameras are below
_CEILING_CIRCLED = 0.003  # where they look at it from more than a few degrees and circle what stands on it
_UPWARDS = 0.15  # of steep views
_LEVEL_DEG = 10.0  # from up, of a plane that counts as level


def upright_odds(rotations: Float64, up: Float64) -> float:
    """Log-odds for `up` against its opposite, by the pictures' vertical axes of rotations [N,3,3]."""
    vertical, view = -(rotations[:, :, 1] @ up), rotations[:, :, 2] @ up
    odds = np.log((1 - _UPSIDE_DOWN) / _UPSIDE_DOWN) * np.tanh(np.median(vertical) / _CLEAR)
    steepness = np.clip((np.abs(np.median(view)) - 0.5) / 0.3, 0, 1)
    return float(odds - np.sign(np.median(view)) * steepness * np.log((1 - _UPWARDS) / _UPWARDS))


def plane_odds(plane: Plane, world_from_camera: Float64, up: Float64, focus: Circled | None) -> float:
    """Log-odds for `up`, by the side of a level plane on which cameras [N,4,4] are and whether they look at it."""
    side = np.sign(plane.normal @ up)
    height = side * (world_from_camera[:, :3, 3] @ plane.normal - plane.offset)
    above = 2 * float((height > 0).mean()) - 1
    down = -float(np.median(world_from_camera[:, :3, 2] @ up)) * np.sign(above)
    steep = down > np.sin(np.radians(60))
    around = focus is not None and down > np.sin(np.radians(8))
    doubt = _CEILING_CIRCLED if steep or around else _CEILING
    return above * float(np.log((1 - doubt) / doubt))


def points_odds(plane: Plane, up: Float64) -> float:
    """Log-odds for `up` where nothing is known of cameras: most of what there is stands on the plane."""
    above, below = (plane.above, plane.below) if plane.normal @ up > 0 else (plane.below, plane.above)
    return float(np.log((above + 0.05) / (below + 0.05)))


def level_plane(planes: list[Plane], up: Float64, within_deg: float = _LEVEL_DEG) -> Plane | None:
    """The largest plane that lies across `up`, within so many degrees."""
    level = [plane for plane in planes if abs(plane.normal @ up) > np.cos(np.radians(within_deg))]
    return max(level, key=lambda plane: plane.share, default=None)
