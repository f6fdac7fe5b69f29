"""What is stored of a submap: cameras and times of its frames, depth and confidence of those that it owns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from ..geometry import resize_intrinsics
from ..geometry.masks import Mask
from ..types import Float32, Float64, LeftOut, UInt8, WindowGeometry, median_depth


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class SubmapCameras:
    """Everything of a submap but its pixels. `owned` marks the frames whose depth this submap holds."""

    frame_indices: NDArray[np.int64]  # [N] source indices, ascending
    timestamps: Float64  # [N] seconds
    window_from_camera: Float64  # [N,4,4] rigid, NaN where unknown; [N,3,4] of a `compact` submap
    intrinsics: Float64  # [N,3,3] in pixels of the depth map
    owned: NDArray[np.bool_]  # [N]
    source_size: tuple[int, int]  # (width, height) of the input
    depth_size: tuple[int, int]  # (width, height) of the depth map
    status: str
    frame_status: tuple[str, ...] = ()  # [N], or none where all are as the submap
    left_out: tuple[LeftOut, ...] = ()  # by the gate, beside the owned frames
    median_depth: float = 0.0  # of the owned frames' valid pixels, in the submap's units; 0 where there are none
    pose_confidence: Float32 | None = None  # [N] probability that a pose is right, None where nobody judged it

    def compact(self, keep: Callable[[NDArray], NDArray]) -> SubmapCameras:
        """The cameras alone, to be held in memory for the whole run.

        Every array is copied by `keep`; poses lose their last row, shared intrinsics are held once."""
        kept = {field.name: getattr(self, field.name) for field in fields(SubmapCameras)}
        kept |= {name: keep(kept[name]) for name in ("frame_indices", "timestamps", "owned")}
        kept["window_from_camera"] = keep(self.window_from_camera[:, :3])
        kept["pose_confidence"] = None if self.pose_confidence is None else keep(self.pose_confidence)
        k, first = self.intrinsics, self.intrinsics[:1]
        same = np.array_equal(k, np.broadcast_to(first, k.shape), equal_nan=True)
        kept["intrinsics"] = np.broadcast_to(keep(first), k.shape) if same else keep(k)
        return SubmapCameras(**kept)

    def own_frames(self) -> list[tuple[int, float]]:
        """Index and time of every owned frame."""
        return list(zip(self.frame_indices[self.owned].tolist(), self.timestamps[self.owned].tolist(), strict=True))

    def source_intrinsics(self) -> Float64:
        """Intrinsics [N,3,3] in pixels of the input."""
        return resize_intrinsics(self.intrinsics, self.depth_size, self.source_size)


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class SubmapFrames(SubmapCameras):
    """A submap with the pixels of its K owned frames, in the order of their rows."""

    depth: Float32  # [K,H,W], 0 = none
    confidence: Float32  # [K,H,W], 0 = unusable
    images: tuple[UInt8, ...] = ()  # [h,w,3] RGB of the owned frames, or none at all
    sky: NDArray[np.bool_] | None = None  # [K,H,W], where the predictor tells it
    witnesses: Mapping[str, Float32] = field(default_factory=dict)  # [N] each, see trust/witnesses.py
    masks: tuple[Mask | None, ...] = ()  # [h,w] of the images of the owned frames, or none at all where all count

    @staticmethod
    def from_geometry(
        geometry: WindowGeometry,
        timestamps: Float64,
        owned: NDArray[np.bool_],
        source_size: tuple[int, int],
        frame_status: tuple[str, ...] = (),
        images: tuple[UInt8, ...] = (),
        left_out: tuple[LeftOut, ...] = (),
        masks: tuple[Mask | None, ...] = (),
    ) -> SubmapFrames:
        """What is stored of a predicted window; `owned` [N] marks the frames that the submap owns."""
        height, width = geometry.depth.shape[1:]
        confident = geometry.pose_confidence
        rows = _as_slice(owned)
        return SubmapFrames(
            frame_indices=geometry.frame_indices,
            timestamps=timestamps,
            window_from_camera=geometry.window_from_camera,
            intrinsics=geometry.intrinsics,
            owned=owned,
            source_size=source_size,
            depth_size=(width, height),
            status=geometry.status.value,
            frame_status=frame_status or tuple(status.value for status in geometry.frame_status),
            left_out=left_out,
            pose_confidence=None if confident is None else confident.astype(np.float32),
            witnesses={name: values.astype(np.float32) for name, values in geometry.witnesses.items()},
            median_depth=median_depth(geometry.depth[rows]),
            depth=geometry.depth[rows],
            confidence=geometry.confidence[rows],
            images=images,
            sky=None if geometry.sky is None else geometry.sky[rows],
            masks=masks,
        )


def _as_slice(owned: NDArray[np.bool_]) -> slice | NDArray[np.bool_]:
    """The same rows [N] as a slice, which copies nothing, where they follow each other."""
    rows = np.flatnonzero(owned)
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return owned


def check_shapes(frames: SubmapFrames) -> None:
    """Raises StoreError where the arrays of a submap do not go together."""
    n, (width, height) = len(frames.frame_indices), frames.depth_size
    pixels = (int(frames.owned.sum()), height, width)
    expected = {
        "timestamps": (n,),
        "window_from_camera": (n, 4, 4),
        "intrinsics": (n, 3, 3),
        "owned": (n,),
        "depth": pixels,
        "confidence": pixels,
        **({} if frames.sky is None else {"sky": pixels}),
        **({} if frames.pose_confidence is None else {"pose_confidence": (n,)}),
    }
    if any(values.shape != (n,) for values in frames.witnesses.values()):
        raise StoreError(f"every witness of a submap of {n} frames needs {n} values")
    for name, shape in expected.items():
        if getattr(frames, name).shape != shape:
            raise StoreError(f"a node's {name} has shape {getattr(frames, name).shape}, expected {shape}")
    if len(frames.images) not in (0, pixels[0]):
        raise StoreError(f"a submap has {len(frames.images)} images of {pixels[0]} owned frames")
    if len(frames.masks) not in (0, pixels[0]) or len({m.shape for m in frames.masks if m is not None}) > 1:
        raise StoreError(f"a submap has {len(frames.masks)} masks of one size for {pixels[0]} owned frames")
    if (np.diff(frames.frame_indices) <= 0).any() or len(frames.frame_status) not in (0, n):
        raise StoreError("a submap needs ascending frame_indices, and one frame_status for each or none at all")
