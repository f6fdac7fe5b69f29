"""What the next window needs of those before it, and how it is tied to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import Sim3
from ..posegraph import Edge
from ..types import Alignment, Status, WindowGeometry
from .backend import odometry_edge
from .update import Event

_LOOKED_AT = ("frame_indices", "depth", "confidence", "intrinsics", "window_from_camera")


@dataclass(frozen=True, eq=False)
class RecentSubmap:
    """A submap in memory: the rows that the next window may share, and whether any row of it had a pose."""

    submap: int
    geometry: WindowGeometry
    posed: bool

    def restricted_to(self, frames: NDArray[np.int64]) -> RecentSubmap | None:
        """With only those rows that are of these frames; None without any."""
        keep = np.flatnonzero(np.isin(self.geometry.frame_indices, frames))
        return replace(self, geometry=self.geometry.rows(keep)) if len(keep) else None

    def state(self) -> dict[str, Any]:
        """All that an alignment looks at, for `restored`: numbers and arrays."""
        known = {name: getattr(self.geometry, name) for name in _LOOKED_AT}
        return {
            "node": self.submap,
            "posed": self.posed,
            "is_metric": self.geometry.is_metric,
            "status": self.geometry.status.value,
            **known,
        }

    @staticmethod
    def restored(state: dict[str, Any]) -> RecentSubmap:
        """The submap of a state; its pictures are black."""
        known = {name: state[name] for name in _LOOKED_AT}
        black = np.broadcast_to(np.uint8(0), (*known["depth"].shape, 3))
        geometry = WindowGeometry(images=black, is_metric=state["is_metric"], status=Status(state["status"]), **known)
        return RecentSubmap(state["node"], geometry, state["posed"])


@dataclass(frozen=True, eq=False)
class LastPose:
    """Where the camera was last seen: its pose [4,4] in a submap, and the median depth there."""

    submap: int
    window_from_camera: NDArray[np.float64]
    median_depth: float

    @staticmethod
    def of(submap: int, geometry: WindowGeometry) -> LastPose:
        """The last frame with a pose."""
        row = int(np.flatnonzero(has_poses(geometry))[-1])
        return LastPose(submap, geometry.window_from_camera[row], median_depth(geometry))


@dataclass(frozen=True, eq=False)
class AlignmentCandidate:
    """An attempt to align a part on a submap."""

    to: RecentSubmap
    alignment: Alignment

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Sure before weak ones, then the one with most shared frames, then the later one."""
        return self.alignment.status is Status.OK, len(self.alignment.shared), self.to.submap

    def edge(self, submap: int) -> Edge:
        """What the graph may know of it."""
        return odometry_edge(self.to.submap, submap, self.alignment.previous_from_current, self.alignment.information)

    def event(self, submap: int) -> Event:
        """For the journal."""
        a = self.alignment
        return Event(
            "alignment",
            {
                "node": submap,
                "previous": self.to.submap,
                "status": a.status.value,
                "shared": len(a.shared),
                "scale": a.previous_from_current.scale,
                "inlier_ratio": a.inlier_ratio,
                "residual": a.residual,
            },
        )


def can_align(entry: RecentSubmap, geometry: WindowGeometry) -> bool:
    """Whether a submap has poses, and frames of the same size in common with a window."""
    same_size = entry.geometry.depth.shape[1:] == geometry.depth.shape[1:]
    return entry.posed and same_size and bool(np.isin(entry.geometry.frame_indices, geometry.frame_indices).any())


def restricted_to(entries: Sequence[RecentSubmap], frames: NDArray[np.int64]) -> list[RecentSubmap]:
    """What is left of submaps that keep only these frames."""
    return [kept for entry in entries if (kept := entry.restricted_to(frames)) is not None]


def has_poses(geometry: WindowGeometry) -> NDArray[np.bool_]:
    """Which rows [N] have one."""
    return np.all(np.isfinite(geometry.window_from_camera), axis=(1, 2))


def pose(matrix: NDArray[np.float64]) -> Sim3:
    """A camera's matrix [4,4] as a similarity."""
    return Sim3(1.0, matrix[:3, :3], matrix[:3, 3])


def median_depth(geometry: WindowGeometry) -> float:
    """Of all pixels that have depth; 0 without any."""
    valid = geometry.depth[geometry.depth > 0]
    return float(np.median(valid)) if valid.size else 0.0
