"""What the frames of a video usually look like, and which of them do not."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

from ...types import Frame
from .image_quality import ImageQuality

BLURRED_RATIO = 0.5  # of the usual sharpness; natural shake in our clips stays above 0.68
MIN_CLIPPED, CLIPPED_MARGIN = 0.5, 0.3  # share of the picture, and by how much more than usual
BASELINE_FRAMES = 15  # kept frames from which is known what is usual
MIN_BASELINE_FRAMES = 3


@dataclass(frozen=True, eq=False)
class MeasuredFrame:
    """A frame and what was looked at of it."""

    frame: Frame
    quality: ImageQuality


@dataclass
class QualityBaseline:
    """What the last kept frames looked like."""

    sharpness: deque[float] = field(default_factory=lambda: deque(maxlen=BASELINE_FRAMES))
    clipped: deque[float] = field(default_factory=lambda: deque(maxlen=BASELINE_FRAMES))

    def add(self, quality: ImageQuality) -> None:
        """One more kept frame."""
        self.sharpness.append(quality.sharpness)
        self.clipped.append(quality.clipped)

    def reset(self) -> None:
        """Begin anew."""
        self.sharpness.clear()
        self.clipped.clear()

    def is_clipped(self, quality: ImageQuality) -> bool:
        """Whether far more of it than usual is black or white."""
        known = len(self.clipped) >= MIN_BASELINE_FRAMES
        return known and quality.clipped > max(MIN_CLIPPED, median(self.clipped) + CLIPPED_MARGIN)

    def is_degraded(self, quality: ImageQuality) -> bool:
        """Whether it is of little use."""
        return self.is_clipped(quality) or self.is_blurred(quality)

    def is_blurred(self, quality: ImageQuality) -> bool:
        """Whether it is far less sharp than usual."""
        return len(self.sharpness) >= MIN_BASELINE_FRAMES and quality.sharpness < BLURRED_RATIO * median(self.sharpness)
