"""The witnesses: what speaks for or against the pose of a frame, by name.

A witness is one number per frame; NaN says that it has nothing to tell. None decides alone: their weights are fitted
to poses of which the truth is known (`calibration`) and stand in coefficients.json.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Witness:
    """The meaning of one witness.

    `doubt` is +1 where larger values speak against the pose, -1 where smaller ones do. With a `floor` the logarithm of
    the value counts, and values below the floor are as good as the floor.
    """

    name: str
    meaning: str
    doubt: int
    floor: float | None = None

    def doubts(self, values: Array) -> Array:
        """The values [N], so that more of them is more doubt; NaN stays."""
        if self.floor is None:
            return self.doubt * values
        return self.doubt * np.log(np.maximum(values, self.floor))


_ALL = (
    # from the poses and the depth of any window: trust/path.py and trust/depth.py
    Witness("step_jump", "log ratio of a step to those around it", +1, 0.02),
    Witness("scale_jump", "the part of a change that steps and depth share, log ratio", +1, 0.02),
    Witness("bend_deg", "angle between the step before and the one after", +1, 0.5),
    Witness("turn_jump_deg", "rotation of a step against those around it", +1, 0.05),
    Witness("depth_jump", "log ratio of the median depth to that of the neighbours", +1, 0.01),
    Witness("depth_share", "share of the pixels with depth", -1, 0.01),
    Witness("depth_disagreement", "median log ratio of depth carried into other frames to the depth there", +1, 0.005),
    Witness("depth_outliers", "share of pixels whose depth, carried into other frames, is off by a tenth", +1, 0.01),
    # of the frames of any predictor: trust/standing.py
    Witness("view_share", "share of the picture that moves, always the same, while the pose is held", +1),
    # of structure from motion: predictors/sfm/mapping/witnesses.py
    Witness("measured", "1 where the pose was measured, 0 where it was filled in between others", -1),
    Witness("reprojection_px", "median reprojection error of the points that a frame observes", +1, 0.05),
    Witness("observations", "points that a frame observes", -1, 5.0),
    Witness("coverage", "share of the image's cells with such points", -1, 0.02),
    Witness("parallax_deg", "median angle under which a frame's points are seen by all that observe them", -1, 0.1),
    Witness("bridge", "points seen on both sides of a gap", -1, 5.0),
    Witness("track_residual_px", "median epipolar distance of tracks to the next frame", +1, 0.05),
    Witness("track_residual_far_px", "median epipolar distance of tracks to the fourth frame from here", +1, 0.05),
    Witness(
        "track_residual_farther_px", "median epipolar distance of tracks to the eighth frame and farther ones", +1, 0.05
    ),
    Witness("track_support", "share of tracks to the next frame within a pixel of their epipolar line", -1),
    Witness("track_support_far", "share of tracks to the fourth frame within a pixel of their epipolar line", -1),
    Witness("match_support", "share of matched keypoints of the next frame within a pixel of their epipolar line", -1),
    Witness("match_support_far", "share of matched keypoints of the fourth frame within a pixel of theirs", -1),
    Witness("match_support_farther", "share of matched keypoints of farther frames within a pixel of theirs", -1),
    Witness("track_scale", "log ratio of the steps before and after by the tracks, against the poses", +1, 0.01),
    Witness("track_scale_far", "log ratio of four steps before and after by the tracks, against the poses", +1, 0.01),
    Witness("track_loss", "log ratio of the share of tracks usually followed to that at a gap beside the frame", +1),
    Witness(
        "blind_bend_deg", "angle between the steps before and after, times the share of tracks lost there", +1, 5.0
    ),
    Witness("turn_error_deg", "turn by which matched points of the next frames contradict the poses", +1, 0.02),
    Witness(
        "heading_error_deg",
        "direction of the step by the essential matrices of near frames, against the poses",
        +1,
        0.5,
    ),
    Witness("turn_error_far_deg", "turn by which matched points of farther frames contradict the poses", +1, 0.02),
    Witness("moved_cover", "share of the picture that moves though the camera is in one place", +1),
    Witness("rival_share", "share of the matches of near frames that another epipolar geometry explains", +1, 0.02),
    Witness("opinions", "share of other maps of the window that agree with the pose", -1),
    # of its neighbour helpers: repetition, the lens
    Witness("far_contradiction", "share of the matches of far pairs that nearer frames contradict", +1),
    Witness("near_contradiction", "share of the matches of neighbouring frames that tracks contradict", +1),
    Witness("focal_change", "distance of a frame's focal length from the window's mean, in sigmas", +1, 0.5),
    Witness("focal_disagreement", "distance of the window's focal length from the one in use, in sigmas", +1, 0.5),
    Witness("lens_shift", "how far the lens that images ask for moves the pose; 1 is as much as is right", +1, 0.02),
    # of the join of two submaps: slam/joins.py
    Witness("join_shift", "distance of shared cameras after alignment, in steps", +1, 0.01),
    Witness("join_turn_deg", "rotation of shared cameras after alignment", +1, 0.01),
    Witness("join_inliers", "share of the overlap's pixels that agree", -1),
    Witness("join_residual", "median error of the overlap's points relative to depth", +1, 0.001),
    Witness("join_scale", "log ratio of the scale by depth to that by the cameras", +1, 0.005),
    Witness("join_shared", "frames that the two share", -1, 1.0),
)

KNOWN = {witness.name: witness for witness in _ALL}


def witness(name: str) -> Witness:
    """The witness of a name; one that nobody described counts as it is, and more of it as more doubt."""
    return KNOWN.get(name, Witness(name, "", +1))
