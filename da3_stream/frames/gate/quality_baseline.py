"""The usual image quality of a video, and which frames fall short of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

from ...types import Frame
from .image_quality import ImageQuality

BLURRED_RATIO = 0.5  # of the median sharpness; natural shake in the clips that the gate was tuned on stays above 0.68
MIN_CLIPPED, CLIPPED_MARGIN = 0.5, 0.3  # share of clipped pixels, and its least excess over the median
BASELINE_FRAMES = 15  # kept frames of which the median is taken
MIN_BASELINE_FRAMES = 3


@dataclass(frozen=True, eq=False)
class MeasuredFrame:
    """A frame with the quality of its image."""

    frame: Frame
    quality: ImageQuality


@dataclass
class QualityBaseline:
    """Sharpness and clipping of the last kept frames; a frame is judged against their medians."""

    sharpness: deque[float] = field(default_factory=lambda: deque(maxlen=BASELINE_FRAMES))
    clipped: deque[float] = field(default_factory=lambda: deque(maxlen=BASELINE_FRAMES))

    def add(self, quality: ImageQuality) -> None:
        """Add the quality of one more kept frame."""
        self.sharpness.append(quality.sharpness)
        self.clipped.append(quality.clipped)

    def reset(self) -> None:
        """Forget all frames, as at the beginning of a shot."""
        self.sharpness.clear()
        self.clipped.clear()

    def is_clipped(self, quality: ImageQuality) -> bool:
        """Whether far more of the image than usual is black or white."""
        known = len(self.clipped) >= MIN_BASELINE_FRAMES
        return known and quality.clipped > max(MIN_CLIPPED, median(self.clipped) + CLIPPED_MARGIN)

    def is_degraded(self, quality: ImageQuality) -> bool:
        """Whether the image is clipped or blurred, compared to the baseline."""
        return self.is_clipped(quality) or self.is_blurred(quality)

    def is_blurred(self, quality: ImageQuality) -> bool:
        """Whether the image is far less sharp than usual."""
        return len(self.sharpness) >= MIN_BASELINE_FRAMES and quality.sharpness < BLURRED_RATIO * median(self.sharpness)
