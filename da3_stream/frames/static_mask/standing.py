"""Whether the camera stands while something passes that fills most of the image: then what stands is the scene."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...geometry.masks import unpack_mask
from ...types import UInt8
from .scene_motion import STATIC_PX, find_corners, track_corners

Bool = NDArray[np.bool_]

STILL_TILES = 0.2  # share of the tiles with motion, below which nearly all of the image stands
STILL_FRAMES = 3  # that have to stand in turn
SAME_LEVELS = 10.0  # mean difference around a corner that is still the same one: what passes hides corners
STILL_SHARE = 0.3  # of the corners of then that can be followed; some are taken along by what passes
LEFT_FRAMES = 3  # in turn in which less is, for the stop to end: few corners may be left to tell
PATIENCE = 60  # frames with motion after which what still stands goes with the camera (a lorry has passed by then)


class Standing:
    """Notices a stop when all stands, and its end when what was seen then and is not hidden has left its place."""

    def __init__(self) -> None:
        self._quiet, self._moving, self._left = 0, 0, 0
        self._image: UInt8 | None = None  # at the stop, [h,w]
        self._hidden: Bool | None = None  # what went with the camera then [h,w]

    def feed(self, moving_share: float, image: UInt8, hidden: Bool | None) -> bool:
        """Whether the camera stands at an image [h,w] of which a share moves; `hidden` [h,w] is known to go with it."""
        if moving_share < STILL_TILES:
            self._quiet, self._moving = self._quiet + 1, 0
            if self._quiet == STILL_FRAMES:
                self._image, self._hidden = image, hidden
            return self._image is not None
        self._quiet = 0
        if self._image is None:
            return False
        self._moving += 1
        self._left = self._left + 1 if self._share_at_place(image) < STILL_SHARE else 0
        if self._moving > PATIENCE or self._left == LEFT_FRAMES:
            self._image, self._hidden, self._moving, self._left = None, None, 0, 0
        return self._image is not None

    def _share_at_place(self, image: UInt8) -> float:
        assert self._image is not None
        corners = find_corners(self._image)
        if self._hidden is not None:
            x, y = corners.astype(int).T
            corners = corners[~self._hidden[y, x]]
        tracks = track_corners(self._image, image, corners)
        moved = np.linalg.norm(tracks.displacement[tracks.difference < SAME_LEVELS], axis=1)
        return float((moved < STATIC_PX).mean()) if len(moved) else 1.0

    def state(self) -> dict[str, Any]:
        """What `restore` needs, in numbers and arrays."""
        hidden = None if self._hidden is None else np.packbits(self._hidden)
        return {
            "quiet": self._quiet,
            "moving": self._moving,
            "left": self._left,
            "image": self._image,
            "hidden": hidden,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._quiet, self._moving, self._left = state["quiet"], state["moving"], state["left"]
        self._image = state["image"]
        if self._image is not None and state["hidden"] is not None:
            self._hidden = unpack_mask(state["hidden"], self._image.shape)
