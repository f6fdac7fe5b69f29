"""The values that travel between rooms. Frozen, with shapes, units and frames in their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import PredictorError
from .geometry import Sim3

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
UInt8 = NDArray[np.uint8]


class Status(StrEnum):
    """How far a window's geometry or an alignment can be trusted."""

    OK = "OK"
    WEAK = "WEAK"
    HELD = "HELD"  # the camera stands: poses held, confidence zero
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A selected frame that the gate keeps from windows, and why.

    `share` is how much of the camera's way lies behind it: 0 at the kept frame before it, 1 at the next one.
    """

    index: int
    timestamp: float
    share: float
    reason: str


@dataclass(frozen=True)
class SkippedFrame:
    """A selected frame of which the source has no usable image, by its index and its name, and why."""

    index: int
    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of the input, with those beside it that windows do not see.

    `index` counts the source's frames from 0 (before selection), `timestamp` is in seconds, `image` is [H,W,3] uint8
    RGB, upright, and `source_size` the (width, height) that the input had before the reader made it smaller.
    `skipped_before` are the frames without a usable image between the good (later: kept) frame before and this one.
    The gate adds the rest: `ordinal` counts the frames that windows are cut from (`index` where no gate was),
    `begins_shot` says that a cut lies before the frame, `left_out` are the frames up to the next kept one (and those
    before the first), and `gate_state` is what the gate must know to go on from here.
    """

    index: int
    timestamp: float
    image: UInt8
    name: str
    source_size: tuple[int, int] = (0, 0)
    ordinal: int = -1
    begins_shot: bool = False
    left_out: tuple[LeftOut, ...] = ()
    gate_state: Mapping[str, Any] | None = None
    skipped_before: tuple[SkippedFrame, ...] = ()

    def __post_init__(self) -> None:
        if self.source_size == (0, 0):
            object.__setattr__(self, "source_size", (self.image.shape[1], self.image.shape[0]))
        if self.ordinal < 0:
            object.__setattr__(self, "ordinal", self.index)


def median_depth(depth: Float32) -> float:
    """Median of the valid depths (finite, above 0) of any shape; 0 where there are none."""
    valid = depth[np.isfinite(depth) & (depth > 0)]
    return float(np.median(valid)) if valid.size else 0.0


@dataclass(frozen=True, eq=False)
class WindowGeometry:
    """What a predictor says of N frames, in a frame of the window's own."""

    frame_indices: NDArray[np.int64]  # [N]
    images: UInt8  # [N,H,W,3]
    depth: Float32  # [N,H,W], 0 = no depth
    confidence: Float32  # [N,H,W], >= 0, 0 = unusable
    intrinsics: Float64  # [N,3,3], pixels of that depth map, first centre at 0.5
    window_from_camera: Float64  # [N,4,4], rigid; NaN rows where the pose is unknown
    is_metric: bool
    sky: NDArray[np.bool_] | None = None  # [N,H,W]
    descriptors: Float32 | None = None  # [N,D]
    status: Status = Status.OK
    breaks: tuple[int, ...] = ()  # rows at which a new, unconnected part begins
    notes: tuple[str, ...] = ()  # what the predictor wants the journal to say

    @property
    def has_pose(self) -> NDArray[np.bool_]:
        """Which frames [N] have a pose."""
        return np.all(np.isfinite(self.window_from_camera), axis=(1, 2))

    @property
    def has_camera(self) -> NDArray[np.bool_]:
        """Which frames [N] have a pose and intrinsics."""
        return self.has_pose & np.all(np.isfinite(self.intrinsics), axis=(1, 2))

    @property
    def has_depth(self) -> NDArray[np.bool_]:
        """Which frames [N] have a pixel with depth and confidence."""
        return np.any((self.depth > 0) & (self.confidence > 0), axis=(1, 2))

    def median_depth(self) -> float:
        """Of all pixels with depth, in the window's units; 0 without any."""
        return median_depth(self.depth)

    @staticmethod
    def failed(frames: Sequence[Frame], reason: str) -> WindowGeometry:
        """The frames without poses and depth, with the reason in the notes."""
        n, (height, width) = len(frames), frames[0].image.shape[:2]
        return WindowGeometry(
            frame_indices=np.array([frame.index for frame in frames], np.int64),
            images=np.stack([frame.image for frame in frames]),
            depth=np.zeros((n, height, width), np.float32),
            confidence=np.zeros((n, height, width), np.float32),
            intrinsics=np.full((n, 3, 3), np.nan),
            window_from_camera=np.full((n, 4, 4), np.nan),
            is_metric=False,
            status=Status.FAILED,
            notes=(" ".join(reason.split()),),
        )

    def check(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Return itself if it keeps the contract for these frames; otherwise say what a predictor did wrong."""
        n, (h, w) = len(frames), self.depth.shape[1:3]
        expected = {
            "frame_indices": (n,),
            "images": (n, h, w, 3),
            "depth": (n, h, w),
            "confidence": (n, h, w),
            "intrinsics": (n, 3, 3),
            "window_from_camera": (n, 4, 4),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise PredictorError(f"the predictor gave {name} {getattr(self, name).shape}, expected {shape}")
        if self.frame_indices.tolist() != [frame.index for frame in frames]:
            raise PredictorError("the predictor gave other frame_indices than those of the frames it was asked for")
        return self

    def rows(self, keep: NDArray[np.int64]) -> WindowGeometry:
        """The same window with these rows only (breaks are dropped: parts are cut along them)."""
        return WindowGeometry(
            self.frame_indices[keep],
            self.images[keep],
            self.depth[keep],
            self.confidence[keep],
            self.intrinsics[keep],
            self.window_from_camera[keep],
            self.is_metric,
            None if self.sky is None else self.sky[keep],
            None if self.descriptors is None else self.descriptors[keep],
            self.status,
            (),
            self.notes,
        )


class Predictor(Protocol):
    """Whatever turns frames into geometry. It needs `predict` only; `predictors.adapter` has defaults for the rest.

    What it says of itself: `name` (default: that of its class), `hash` (of its weights), `facts`, `timings` and
    `camera` (dictionaries for run.json: what computes, CPU seconds by kind of work, what is known of the lens),
    `is_metric` (its windows are in metres), `gives_descriptors` (with every window).

    How it wants to be used: `window_size` and `window_overlap` (its own defaults), `image_side` (longest side in pixels
    that it looks at, so that the reader can shrink frames at once), `in_flight` (windows that may be submitted at once,
    default 1; it is read before each submission, and results are taken in order).

    What else it can do: `predict_pair(first, second) -> WindowGeometry`, a loop check: two neighbourhoods, from far
    apart in time, that may show one place, rows in the order [*first, *second] (default: `predict` of that list);
    `prepare(frames)` (called for every window in order, just before it is submitted: a predictor that learns from
    window to window does so in this order; not called for loop checks); `state()` and `restore(state)` (what must
    survive a kill: dicts, lists, numbers, texts and arrays); `close()`.
    """

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Geometry of the frames, rows in the order given."""
        ...


class PairPredictor(Protocol):
    """Whatever can look at two places together, see `Predictor`."""

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        """Geometry of both neighbourhoods, rows in the order [*first, *second]."""
        ...


@dataclass(frozen=True, eq=False)
class Alignment:
    """How the current window lies in the previous one.

    `information` is [7,7] in the order of `Sim3.log` of the edge's residual, `residual` the median relative one.
    """

    previous_from_current: Sim3
    information: Float64
    inlier_ratio: float
    residual: float
    status: Status
    shared: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class ScaleObservation:
    """What one window knows of its own scale, to be a prior of the graph.

    `log_scale` is the logarithm of metres (absolute) or of one common unknown length (relative) per unit of the
    window, `sigma` its standard deviation, `source` who says so.
    """

    submap: int
    log_scale: float
    sigma: float
    source: str
    absolute: bool


@dataclass(frozen=True)
class LoopCandidate:
    """Two frames (by index, `earlier` before `later`) that may show one place.

    `similarity` is 1 where they look as alike as frames next to each other and 0 where as alike as frames of any two
    places; `support` counts the hits of the run in which it was found.
    """

    earlier: int
    later: int
    similarity: float
    support: int


@dataclass(frozen=True, eq=False)
class LoopEdge:
    """A verified loop: how the window of the later frame lies in that of the earlier one.

    `information` is [7,7] in the order of `Sim3.log` of the edge's residual; `evidence` are the figures it rests on;
    `certain` is False where it takes a neighbour that says the same before it may be believed.
    """

    candidate: LoopCandidate
    submaps: tuple[int, int]  # a of the earlier frame, b of the later one
    a_from_b: Sim3
    information: Float64
    evidence: Mapping[str, float]
    certain: bool


@dataclass(frozen=True, eq=False)
class LoopRefusal:
    """A candidate that is not believed, why, and the figures that say so."""

    candidate: LoopCandidate
    reason: str
    evidence: Mapping[str, float] = field(default_factory=dict)
