"""What a run has to say of itself: advice, and the stretches in which its map is not to be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AdviceCode(StrEnum):
    """The kinds of advice, by the stable code in run.json. docs/trust.md explains each."""

    LOW_CONFIDENCE = "low_confidence"  # poses that are more likely wrong than right
    INTRINSICS_SIZE = "intrinsics_size"  # the intrinsics look like those of another resolution
    INTRINSICS_WRONG = "intrinsics_wrong"  # the images contradict the intrinsics that were given
    LENS_CHANGED = "lens_changed"  # the focal length changed, and is not followed
    LENS_DOUBTFUL = "lens_doubtful"  # windows disagree on the lens, or its distortion is larger than its evidence
    SCALE_WANDERS = "scale_wanders"  # the scale changes along the path without a jump anywhere
    STANDING_DOUBTFUL = "standing_doubtful"  # the camera may stand, or go on behind what hides most of the picture
    JOIN_DOUBTFUL = "join_doubtful"  # two windows were joined, but the join is in doubt
    LENS_NOT_OBSERVED = "lens_not_observed"  # the focal length stayed at its guess
    STATIC_MASK = "static_mask"  # something goes with the camera and was left out
    MOVING_OBJECTS = "moving_objects"  # most of the image moved by itself, and was not believed
    TURNING = "turning"  # the camera only turns: no depth
    STANDING = "standing"  # the camera stands: no depth
    UNPLACED = "unplaced"  # frames that have no pose, and why
    INPUT_FILES = "input_files"  # which files were taken, in which order, and what was left out
    INPUT_TIMES = "input_times"  # where the times come from, what was assumed or mended
    INPUT_PIXELS = "input_pixels"  # how stored pixels became pictures
    INPUT_MASKS = "input_masks"  # masks and depth maps that lie beside the pictures
    INPUT_CAMERA = "input_camera"  # which calibration is used, and how


DISTRUSTING = frozenset(
    {
        AdviceCode.LOW_CONFIDENCE,
        AdviceCode.INTRINSICS_SIZE,
        AdviceCode.INTRINSICS_WRONG,
        AdviceCode.LENS_CHANGED,
        AdviceCode.LENS_DOUBTFUL,
        AdviceCode.SCALE_WANDERS,
        AdviceCode.STANDING_DOUBTFUL,
        AdviceCode.JOIN_DOUBTFUL,
    }
)


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing worth saying: a stable code, one sentence with what would help, and the frames that it is about.

    `first_frame` and `last_frame` are source indices, both included.
    """

    code: AdviceCode
    text: str
    first_frame: int
    last_frame: int

    @property
    def distrusts_map(self) -> bool:
        """Whether the map is not to be trusted in these frames; else it costs no trust."""
        return self.code in DISTRUSTING
