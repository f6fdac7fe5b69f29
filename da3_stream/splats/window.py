"""The splats that a window leaves: of every frame that its submap owns those worth keeping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from ..settings import Settings
from ..store import SubmapFrames
from ..types import Gaussians, WindowGeometry, move_in_place
from .files import OfFrame
from .pruning import FramePruning, least_confidence
from .seen_through import BetterViews


def window_splats(geometry: WindowGeometry, frames: SubmapFrames, settings: Settings) -> Iterator[OfFrame]:
    """Frame by frame those kept of a submap, in the frame of their camera and the submap's unit: the `geometry` that a
    predictor gave with Gaussians, and what is stored of it as `frames`. A window without Gaussians leaves none."""
    if not geometry.gaussians:
        return
    rows = np.flatnonzero(frames.owned & geometry.has_camera)
    for row, kept in zip(rows.tolist(), _kept(geometry, frames, rows, settings), strict=True):
        camera_from_window = Sim3.from_matrix(geometry.window_from_camera[row]).inverse()
        worth = geometry.gaussians[row].take(kept)
        yield int(geometry.frame_indices[row]), _moved(worth, camera_from_window, settings.splats.degree)


def _kept(
    geometry: WindowGeometry, frames: SubmapFrames, rows: NDArray[np.int64], settings: Settings
) -> list[NDArray[np.int64]]:
    """The numbers of those kept of every row. All are held against the views at once, which costs them the least."""
    sure = least_confidence(geometry, rows, settings.splats.min_confidence)
    kept, points, distances = [], [np.zeros((0, 3), np.float32)], [np.zeros(0, np.float32)]
    for row in rows.tolist():
        gaussians, pose = geometry.gaussians[row], geometry.window_from_camera[row]
        in_camera = (gaussians.means - pose[:3, 3]) @ pose[:3, :3]
        kept.append(np.flatnonzero(FramePruning.of(geometry, row, settings, sure).keep(gaussians, in_camera)))
        points.append(gaussians.means[kept[-1]])
        distances.append(np.linalg.norm(in_camera[kept[-1]], axis=1).astype(np.float32))
    views = BetterViews.of_submap(frames, settings.cloud)
    through = views.see_through(np.concatenate(points), np.concatenate(distances))
    of_rows = np.split(through, np.cumsum([len(numbers) for numbers in kept]))
    return [numbers[~seen] for numbers, seen in zip(kept, of_rows, strict=False)]


def _moved(gaussians: Gaussians[NDArray[Any]], there_from_here: Sim3, degree: int) -> Gaussians[NDArray[Any]]:
    """A copy in another frame, in single precision, with harmonics up to a degree."""
    harmonics = gaussians.harmonics[..., : (min(gaussians.degree, degree) + 1) ** 2]
    arrays = vars(gaussians) | {"harmonics": harmonics}
    moved = Gaussians(**{name: np.array(values, np.float32) for name, values in arrays.items()})
    move_in_place(moved, there_from_here)
    return moved
