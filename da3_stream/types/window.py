"""The geometry of one window: depth maps, intrinsics and camera poses in a coordinate frame of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PredictorError
from .advice import Advice
from .frames import Frame
from .gaussians import Gaussians

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
UInt8 = NDArray[np.uint8]


class Status(StrEnum):
    """The quality of a window's geometry or of an alignment."""

    OK = "OK"
    WEAK = "WEAK"
    HELD = "HELD"  # the camera stands still: the last pose is repeated, confidence is zero
    TURNED = "TURNED"  # the camera only turns: the poses are right, in one place, and there is no depth
    DEPTH = "DEPTH"  # depth of single frames, by a model that gives no poses
    FAILED = "FAILED"


MEDIAN_PIXELS = 1_000_000  # evenly spaced, of which a median depth is: all of a window's tell the same


def median_depth(depth: Float32) -> float:
    """Median of the valid depths (finite, above 0) of any shape; 0 where there are none."""
    every = depth.reshape(-1)
    some = every[:: max(1, every.size // MEDIAN_PIXELS)]
    valid = some[(some > 0) & (some < np.inf)]
    return float(np.median(valid)) if valid.size else 0.0


@dataclass(frozen=True, eq=False)
class WindowGeometry:
    """The geometry of N frames by a predictor, in a coordinate frame and a unit of length of the window's own."""

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
    notes: tuple[str, ...] = ()  # messages of the predictor for the journal
    frame_status: tuple[Status, ...] = ()  # [N], or none where all are as the window
    witnesses: Mapping[str, Float64] = field(default_factory=dict)  # [N] each, what speaks for or against every pose
    pose_confidence: Float64 | None = None  # [N], probability that the pose is right; None before it was judged
    advice: tuple[Advice, ...] = ()
    masks: tuple[NDArray[np.bool_] | None, ...] = ()  # [N] of [H,W], `Frame.mask` of `images`; none where all count
    keyframes: NDArray[np.bool_] | None = None  # [N], frames that were mapped, the others placed between them
    gaussians: tuple[Gaussians[NDArray[Any]], ...] = ()  # [N], those that every frame made, or none at all
    in_world: bool = False  # whether poses are given, in one world and unit for all windows

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
        """Median over all pixels with depth, in the window's units; 0 without any."""
        return self._median_depth

    @cached_property
    def _median_depth(self) -> float:
        return median_depth(self.depth)

    @staticmethod
    def failed(frames: Sequence[Frame], reason: str) -> WindowGeometry:
        """A failed window of these frames: no poses, no depth, and the reason in `notes`."""
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
        """This window, if its shapes and indices agree with the frames; PredictorError for the first that does not."""
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
        for name, values in self.witnesses.items():
            if values.shape != (n,):
                raise PredictorError(f"the predictor gave the witness {name} {values.shape}, expected {(n,)}")
        if len(self.gaussians) not in (0, n):
            raise PredictorError(f"the predictor gave Gaussians of {len(self.gaussians)} frames, expected {n} or none")
        if self.frame_indices.tolist() != [frame.index for frame in frames]:
            raise PredictorError("the predictor gave other frame_indices than those of the frames it was asked for")
        return self

    def rows(self, keep: NDArray[np.int64] | slice) -> WindowGeometry:
        """The same window with these rows only (breaks are dropped: parts are cut along them).

        With a slice it shares the window's memory.
        """
        numbers = np.arange(len(self.frame_indices))[keep].tolist()
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
            tuple(self.frame_status[row] for row in numbers) if self.frame_status else (),
            {name: values[keep] for name, values in self.witnesses.items()},
            None if self.pose_confidence is None else self.pose_confidence[keep],
            self.advice,
            tuple(self.masks[row] for row in numbers) if self.masks else (),
            None if self.keyframes is None else self.keyframes[keep],
            tuple(self.gaussians[row] for row in numbers) if self.gaussians else (),
            self.in_world,
        )
