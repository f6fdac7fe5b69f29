"""Frames -> depth by the models of Depth Anything 3 that look at single frames: no poses, and metres where they can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..da3 import DepthAnything3
from ..types import Float64, Frame, Status, WindowGeometry
from .da3 import frame_intrinsics, usable_depth
from .model_choice import DA3_SIDE

NOTE = "the model looks at single pictures and gives depth alone"


class DepthPredictor:
    """Every frame by itself.

    `known_k` is K [3,3] at `source_size` (width, height) of all frames, None where they have intrinsics of their own
    (`has_own_k`) or none. A frame that is alone in its window and whose intrinsics are known is a world of its own, and
    has a pose; others have none.
    """

    window_size = 16  # frames that are in memory at once: they share nothing
    window_overlap = 1
    learns = False

    def __init__(
        self,
        model: DepthAnything3,
        known_k: Float64 | None = None,
        source_size: tuple[int, int] = (0, 0),
        resolution: int = DA3_SIDE,
        weights_hash: str | None = None,
        has_own_k: bool = False,
    ) -> None:
        self.name, self.image_side, self.hash = model.name, resolution, weights_hash
        self._model, self._known_k, self._source_size = model, known_k, source_size
        self.is_metric = model.tells_metres(known_k is not None or has_own_k)

    @property
    def facts(self) -> dict[str, Any]:
        """The device, and the type of numbers that it computes with, ready for JSON."""
        return self._model.facts

    @property
    def camera(self) -> dict[str, Any]:
        """What is known of the lens, ready for JSON."""
        return {"given": self._known_k is not None}

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Depth of the frames; status DEPTH, unless the only one has a camera."""
        k = frame_intrinsics(frames, self._known_k, self._source_size)
        found = self._model.infer([frame.image for frame in frames], resolution=self.image_side, intrinsics=k)
        depth, confidence = usable_depth(found)
        is_alone, count = len(frames) == 1 and found.intrinsics is not None, len(frames)
        unknown = np.full((count, 3, 3), np.nan)
        return WindowGeometry(
            frame_indices=np.array([frame.index for frame in frames], np.int64),
            images=found.images,
            depth=depth,
            confidence=confidence,
            intrinsics=unknown if found.intrinsics is None else found.intrinsics,
            window_from_camera=np.eye(4)[None] if is_alone else np.full((count, 4, 4), np.nan),
            is_metric=found.is_metric,
            sky=found.sky,
            status=Status.OK if is_alone else Status.DEPTH,
            notes=() if is_alone else (NOTE,),
        )
