"""A frame of the input, and the frames beside it that no window contains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A selected frame that the motion gate excludes from windows, and the reason.

    `share` is the frame's position along the camera's path: 0 at the kept frame before it, 1 at the next one.
    """

    index: int
    timestamp: float
    share: float
    reason: str


@dataclass(frozen=True)
class SkippedFrame:
    """A selected frame without a usable image in the source: its index, its name, and the reason."""

    index: int
    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of the input, with the neighbouring frames that are in no window.

    `index` counts the source's frames from 0 (before selection), `timestamp` is in seconds, `image` is [H,W,3] uint8
    RGB, upright, and `source_size` the (width, height) that the input had before the reader made it smaller. `mask`
    [H,W] is True where the image counts and False on what goes with the camera (a bonnet, burnt-in text), where the
    source has no picture (transparent, outside a lens) and where somebody masked it; None: all of it counts.
    `static_mask` is the part of it that was found to go with the camera; `mask_state` is a state, of this frame or one
    shortly before, from which the masks can be gone on with.
    `view_share` is the share of the image that moves where it is always the same and all else stands: the camera stands
    before something that flows by, or goes on behind something that hides the rest (None: not so).
    `intrinsics` [3,3] are those of this frame's own camera in pixels of `source_size` (first centre at 0.5), and
    `camera_from_world` [4,4] where it stood, in the world and unit of whoever told; None where nobody did.
    `skipped_before` are the frames without a usable image between the good (later: kept) frame before and this one.
    The gate adds the rest: `ordinal` counts the frames that windows are made of (`index` without a gate),
    `begins_shot` says that a cut lies before the frame, `left_out` are the frames up to the next kept one (and those
    before the first), and `gate_state` is the state from which the gate can resume after this frame.
    """

    index: int
    timestamp: float
    image: NDArray[np.uint8]
    name: str
    source_size: tuple[int, int] = (0, 0)
    ordinal: int = -1
    begins_shot: bool = False
    left_out: tuple[LeftOut, ...] = ()
    gate_state: Mapping[str, Any] | None = None
    skipped_before: tuple[SkippedFrame, ...] = ()
    mask: NDArray[np.bool_] | None = None
    static_mask: NDArray[np.bool_] | None = None
    mask_state: Mapping[str, Any] | None = None
    view_share: float | None = None
    intrinsics: NDArray[np.float64] | None = None
    camera_from_world: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.source_size == (0, 0):
            object.__setattr__(self, "source_size", (self.image.shape[1], self.image.shape[0]))
        if self.ordinal < 0:
            object.__setattr__(self, "ordinal", self.index)
