"""The recent submaps that the next window may be aligned on, and the alignments that are candidates for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from ..posegraph import Edge
from ..store import Scene
from ..types import Alignment, Float32, Status, UInt8, WindowGeometry
from .edges import odometry_edge
from .joins import Join
from .update import Event

_JUDGED = "pose_confidence"
_ALIGNED_BY = ("frame_indices", "depth", "confidence", "intrinsics", "window_from_camera")


@dataclass(frozen=True, eq=False)
class RecentSubmap:
    """A submap in memory: the rows that the next window may share, and whether any row of it had a pose."""

    submap: int
    geometry: WindowGeometry
    posed: bool

    def restricted_to(self, frames: NDArray[np.int64]) -> RecentSubmap | None:
        """The submap without the rows of other frames, images and Gaussians; None if no row is left."""
        keep = np.flatnonzero(np.isin(self.geometry.frame_indices, frames))
        if not len(keep):
            return None
        no_images = np.zeros((len(self.geometry.frame_indices), 0, 0, 3), np.uint8)
        kept = replace(self.geometry, images=no_images, gaussians=()).rows(keep)
        return replace(self, geometry=replace(kept, images=_black(kept.depth)))

    def state(self) -> dict[str, Any]:
        """What an alignment reads, for `from_state`: numbers and arrays."""
        arrays = {name: getattr(self.geometry, name) for name in _ALIGNED_BY}
        return {
            "submap": self.submap,
            "posed": self.posed,
            "is_metric": self.geometry.is_metric,
            "status": self.geometry.status.value,
            _JUDGED: self.geometry.pose_confidence,
            "frame_status": [status.value for status in self.geometry.frame_status],
            **arrays,
        }

    @staticmethod
    def from_state(state: dict[str, Any]) -> RecentSubmap:
        """The submap of a state; its images are black."""
        arrays = {name: state[name] for name in _ALIGNED_BY}
        status, of_frames = Status(state["status"]), tuple(map(Status, state["frame_status"]))
        known = {"is_metric": state["is_metric"], "status": status, "frame_status": of_frames, **arrays}
        geometry = WindowGeometry(images=_black(arrays["depth"]), pose_confidence=state[_JUDGED], **known)
        return RecentSubmap(state["submap"], geometry, state["posed"])


@dataclass(frozen=True, eq=False)
class LastPose:
    """The last known pose [4,4] of the camera in a submap, and the median depth there."""

    submap: int
    window_from_camera: NDArray[np.float64]
    median_depth: float

    @staticmethod
    def of(submap: int, geometry: WindowGeometry) -> LastPose:
        """The pose of the last frame that has one."""
        row = int(np.flatnonzero(geometry.has_pose)[-1])
        return LastPose(submap, geometry.window_from_camera[row], geometry.median_depth())

    def with_depth_of(self, before: LastPose | None, scene: Scene) -> LastPose:
        """The same with the median depth that was known before, where none is known here."""
        if self.median_depth > 0 or before is None:
            return self
        ratio = (
            scene.submaps[before.submap].world_from_window.scale / scene.submaps[self.submap].world_from_window.scale
        )
        return replace(self, median_depth=before.median_depth * ratio)


@dataclass(frozen=True, eq=False)
class AlignmentCandidate:
    """An alignment of a new submap on a recent one, and how much their join is to be trusted."""

    to: RecentSubmap
    alignment: Alignment
    join: Join

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Sorts sure before weak ones, then by the count of shared frames, then the later submap first."""
        return self.alignment.status is Status.OK, len(self.alignment.shared), self.to.submap

    def edge(self, submap: int) -> Edge:
        """The pose graph's edge from the recent submap to the new one."""
        alignment, confidence = self.alignment, self.join.edge_confidence
        return odometry_edge(self.to.submap, submap, alignment.previous_from_current, alignment.information, confidence)

    def event(self, submap: int) -> Event:
        """The journal's line on the alignment."""
        alignment = self.alignment
        return Event(
            "alignment",
            {
                "node": submap,
                "previous": self.to.submap,
                "status": alignment.status.value,
                "shared": len(alignment.shared),
                "scale": alignment.previous_from_current.scale,
                "inlier_ratio": alignment.inlier_ratio,
                "residual": alignment.residual,
                "confidence": self.join.confidence,
            },
        )


def can_align(entry: RecentSubmap, geometry: WindowGeometry) -> bool:
    """Whether a recent submap has poses, and frames of the same size in common with a window."""
    same_size = entry.geometry.depth.shape[1:] == geometry.depth.shape[1:]
    return entry.posed and same_size and bool(np.isin(entry.geometry.frame_indices, geometry.frame_indices).any())


def restricted_to(entries: Sequence[RecentSubmap], frames: NDArray[np.int64]) -> list[RecentSubmap]:
    """The submaps without the rows of other frames; empty ones are removed."""
    return [kept for entry in entries if (kept := entry.restricted_to(frames)) is not None]


def _black(depth: Float32) -> UInt8:
    """Black images [N,H,W,3] that take no memory: an alignment does not look at images."""
    return np.broadcast_to(np.uint8(0), (*depth.shape, 3))


def pose(matrix: NDArray[np.float64]) -> Sim3:
    """A camera's rigid matrix [4,4] as a similarity."""
    return Sim3(1.0, matrix[:3, :3], matrix[:3, 3])
