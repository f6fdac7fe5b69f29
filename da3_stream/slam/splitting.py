"""A predicted window becomes the geometry of submaps: split where its frames do not hold together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..store import SubmapFrames
from ..types import Frame, Status, WindowGeometry
from ..windows import Window


@dataclass(frozen=True, eq=False)
class SubmapGeometry:
    """Consecutive frames of a window that the predictor holds together, and which of them [N] the window owns."""

    geometry: WindowGeometry
    owned: NDArray[np.bool_]

    def frames(self, window: Window[Frame], *, with_images: bool) -> SubmapFrames:
        """What is stored of the submap; `window` is the one that it is a part of."""
        frames = {frame.index: frame for frame in window.frames}
        rows = [frames[index] for index in self.geometry.frame_indices.tolist()]
        owned = [frames[index] for index in self.geometry.frame_indices[self.owned].tolist()]
        return SubmapFrames.from_geometry(
            self.geometry,
            np.array([frame.timestamp for frame in rows]),
            self.owned,
            window.frames[0].source_size,
            images=tuple(frame.image for frame in owned) if with_images else (),
            masks=tuple(frame.mask for frame in owned) if any(frame.mask is not None for frame in owned) else (),
            left_out=tuple(entry for frame in owned for entry in frame.left_out),
        )


def split(window: Window[Frame], geometry: WindowGeometry) -> list[SubmapGeometry]:
    """The parts between the breaks that own frames; a window that FAILED is one part without poses and depth."""
    whole = _without_geometry(geometry) if geometry.status is Status.FAILED else geometry
    owned = np.isin(np.arange(len(window.frames)), window.owned_rows)
    parts = [slice(*ends) for ends in pairwise([0, *_borders(whole, len(owned)), len(owned)])]
    return [SubmapGeometry(whole.rows(rows), owned[rows]) for rows in parts if owned[rows].any()]


def _without_geometry(geometry: WindowGeometry) -> WindowGeometry:
    """The window without any pose and depth."""
    return replace(
        geometry,
        depth=np.zeros_like(geometry.depth),
        confidence=np.zeros_like(geometry.confidence),
        window_from_camera=np.full_like(geometry.window_from_camera, np.nan),
        status=Status.FAILED,
        breaks=(),
        gaussians=(),
    )


def _borders(geometry: WindowGeometry, count: int) -> list[int]:
    return sorted({row for row in geometry.breaks if 0 < row < count})
