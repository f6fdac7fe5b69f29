"""What the frames of a video usually look like, and which of them do not."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

from ...types import Frame
from .image_quality import Look

BLUR = 0.5  # of the usual sharpness; natural shake in our clips stays above 0.68
CLIPPED, CLIPPED_MORE = 0.5, 0.3  # share of the picture, and by how much more than usual
USUAL = 15  # kept frames from which is known what is usual
FEWEST_USUAL = 3


@dataclass(frozen=True, eq=False)
class Seen:
    """A frame and what was looked at of it."""

    frame: Frame
    look: Look


@dataclass
class Usual:
    """What the last kept frames looked like."""

    sharpness: deque[float] = field(default_factory=lambda: deque(maxlen=USUAL))
    clipped: deque[float] = field(default_factory=lambda: deque(maxlen=USUAL))

    def add(self, look: Look) -> None:
        """One more kept frame."""
        self.sharpness.append(look.sharpness)
        self.clipped.append(look.clipped)

    def forget(self) -> None:
        """Begin anew."""
        self.sharpness.clear()
        self.clipped.clear()

    def is_clipped(self, look: Look) -> bool:
        """Whether far more of it than usual is black or white."""
        known = len(self.clipped) >= FEWEST_USUAL
        return known and look.clipped > max(CLIPPED, median(self.clipped) + CLIPPED_MORE)

    def is_harmed(self, look: Look) -> bool:
        """Whether it is of little use."""
        return self.is_clipped(look) or self.is_blurred(look)

    def is_blurred(self, look: Look) -> bool:
        """Whether it is far less sharp than usual."""
        return len(self.sharpness) >= FEWEST_USUAL and look.sharpness < BLUR * median(self.sharpness)
