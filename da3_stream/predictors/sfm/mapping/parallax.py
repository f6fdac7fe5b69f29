"""By how much the camera's own motion moves what it sees from frame to frame, which is what tells depth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....geometry.lens import Lens
from .sparse_model import SparseModel


def parallax_px(model: SparseModel, lens: Lens, frames: NDArray[np.int64] | None = None) -> float:
    """Median distance in pixels by which a frame's own translation moves its points in the next frame; 0 where nothing
    tells. `frames` says which frame each row of the window is; None: every frame is a row."""
    of_model = model.rows if frames is None else frames[model.rows]
    moves = [_translation_px(model, i, lens) / gap for i, gap in enumerate(np.diff(of_model))]
    return float(np.median(moves)) if moves else 0.0


def _translation_px(model: SparseModel, i: int, lens: Lens) -> float:
    if not len(model.observations[i]):
        return 0.0
    next_from_camera = np.linalg.inv(model.model_from_camera[i + 1]) @ model.model_from_camera[i]
    camera_from_model = np.linalg.inv(model.model_from_camera[i])
    points = model.points[model.observations[i][:, 1]] @ camera_from_model[:3, :3].T + camera_from_model[:3, 3]
    turned = points @ next_from_camera[:3, :3].T
    moved = turned + next_from_camera[:3, 3]
    front = (turned[:, 2] > 0) & (moved[:, 2] > 0)
    shift = moved[front, :2] / moved[front, 2:] - turned[front, :2] / turned[front, 2:]
    return float(np.median(np.linalg.norm(shift, axis=1)) * lens.fx) if front.any() else 0.0
