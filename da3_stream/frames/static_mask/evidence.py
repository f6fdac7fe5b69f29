"""What a pixel showed while the scene moved: whether its gradient stayed the same, and how far the scene had gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...types import UInt8
from .scene_motion import SceneFlow

Float32 = NDArray[np.float32]

SHORT_MEMORY = 8  # of gray levels: what begins late is steady soon
MEMORY = 14  # looks after which what was seen has faded to 1/e
SPREAD_MEMORY = 6  # of the scene's motion: shorter, so that all that is seen has withstood it
FARTHEST_PX = 10.0  # more motion proves no more, and would be remembered for longer
CELL_PX = 8  # of the grid on which the scene's motion is kept


@dataclass(eq=False)
class Evidence:
    """Running means over looks at the image, each taken after the scene has moved.

    `mean`, `deviation` [h,w]: gray level and mean distance from it; `gradient` [2,h,w] and `strength` [h,w]: the
    gradient and its length; `offset` [2,r,c] and `spread` [3,r,c]: on a grid, how far (in pixels) the scene that would
    be there is from its mean place, and the covariance xx, xy, yy of that; `turned` [2,1,1], `turn_spread` [3,1,1]: the
    same of what moves however far away it is; `doubt`: the uncertain share of `offset`; `near` [r,c]: how often
    the ground there would have moved.
    """

    mean: Float32
    deviation: Float32
    gradient: Float32
    strength: Float32
    offset: Float32
    spread: Float32
    turned: Float32
    turn_spread: Float32
    near: Float32
    doubt: float = 0.0
    looks: int = 0

    @staticmethod
    def empty(shape: tuple[int, int]) -> Evidence:
        """Nothing seen yet of images [h,w]."""
        grid = (-(-shape[0] // CELL_PX), -(-shape[1] // CELL_PX))
        levels, places = np.zeros((5, *shape), np.float32), np.zeros((6, *grid), np.float32)
        turns = np.zeros((5, 1, 1), np.float32)
        seen, gone = (levels[0], levels[1], levels[3:], levels[2]), (places[:2], places[2:5], turns[:2], turns[2:])
        return Evidence(*seen, *gone, places[5])

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return self.offset.shape[1], self.offset.shape[2]

    def add(self, gray: UInt8, flow: SceneFlow | None) -> None:
        """Look at an image [h,w] after the scene has moved by a flow (of the image at half size)."""
        import cv2

        self.looks += 1
        share = max(1.0 / self.looks, 1.0 / MEMORY)
        image = gray.astype(np.float32)
        dx, dy = cv2.Sobel(image, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(image, cv2.CV_32F, 0, 1, scale=1 / 8)
        short = max(1.0 / self.looks, 1.0 / SHORT_MEMORY)
        if self.looks > 1:
            cv2.accumulateWeighted(
                cv2.absdiff(image, self.mean), self.deviation, max(1.0 / (self.looks - 1), 1.0 / SHORT_MEMORY)
            )
        cv2.accumulateWeighted(image, self.mean, short)
        cv2.accumulateWeighted(dx, self.gradient[0], share)
        cv2.accumulateWeighted(dy, self.gradient[1], share)
        cv2.accumulateWeighted(cv2.magnitude(dx, dy), self.strength, share)
        if flow is not None:
            self._add_flow(flow)

    def _add_flow(self, flow: SceneFlow) -> None:
        share, spread_share = (max(1.0 / self.looks, 1.0 / memory) for memory in (MEMORY, SPREAD_MEMORY))
        gone = np.moveaxis(2 * flow.on_grid(*self.grid), 2, 0)
        self.offset, self.spread = _moved(self.offset, self.spread, gone, spread_share)
        self.turned, self.turn_spread = _moved(self.turned, self.turn_spread, 2 * flow.turn[:, None, None], share)
        self.near += spread_share * (flow.is_near(*self.grid) - self.near)
        self.doubt += (flow.doubt - self.doubt) * spread_share

    def state(self) -> dict[str, Any]:
        """All of it, as copies, for `Evidence(**state)`."""
        arrays = {name: value.copy() for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return {**arrays, "looks": self.looks, "doubt": self.doubt}


def _moved(offset: Float32, spread: Float32, flow: Float32, share: float) -> tuple[Float32, Float32]:
    """Running mean and covariance of a place (West 1979)."""
    away = offset + flow
    away *= np.minimum(1.0, FARTHEST_PX / np.maximum(np.hypot(*away), 1e-6))
    products = np.stack([away[0] ** 2, away[0] * away[1], away[1] ** 2])
    return ((1 - share) * away).astype(np.float32), ((1 - share) * (spread + share * products)).astype(np.float32)
