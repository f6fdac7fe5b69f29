"""Gaussians that better views see through: the test that the cloud's points take, by the same settings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..cloud.fusion.depth_views import DepthViews, FrameDepths
from ..cloud.fusion.free_space import violates_free_space
from ..cloud.octree.cube import tile_codes
from ..cloud.transform import world_voxel
from ..geometry import Sim3
from ..settings import CloudSettings
from ..store import RunGeometry, Scene, Submap, SubmapFrames, frame_poses
from ..types import Float32


class BetterViews:
    """The depth maps of frames, and which points they see through."""

    def __init__(self, depths: FrameDepths, geometry: RunGeometry, settings: CloudSettings) -> None:
        self._settings, self._voxel = settings, world_voxel(geometry, settings)
        self._views = None if settings.fusion == "off" else DepthViews(depths, geometry)

    @staticmethod
    def of_submap(frames: SubmapFrames, settings: CloudSettings) -> BetterViews:
        """Those of the frames that a submap owns; points are in the submap's own frame and unit."""
        span = (int(frames.frame_indices[0]), int(frames.frame_indices[-1]))
        scene = Scene(submaps=(Submap(0, 0, span, Sim3.identity()),))
        geometry = RunGeometry(scene, {0: frames}, frame_poses(scene, {0: frames}))
        return BetterViews(_OwnDepths(frames), geometry, settings)

    def see_through(self, points: Float32, distance: Float32) -> NDArray[np.bool_]:
        """Which of the points [M,3] are seen through; `distance` [M] is from each to the camera that made it."""
        if self._views is None or not len(points):
            return np.zeros(len(points), np.bool_)
        codes = tile_codes(points, self._voxel)
        return violates_free_space(self._views, points, distance, codes, self._settings)


class _OwnDepths:
    """Depth and confidence of the frames that one submap owns, which are in memory."""

    def __init__(self, frames: SubmapFrames) -> None:
        self._frames = frames
        self._places = {index: k for k, index in enumerate(frames.frame_indices[frames.owned].tolist())}

    def frame(self, submap: int, source_index: int) -> tuple[Float32, Float32]:
        """(depth, confidence) [H,W]"""
        k = self._places[source_index]
        return self._frames.depth[k], self._frames.confidence[k]
