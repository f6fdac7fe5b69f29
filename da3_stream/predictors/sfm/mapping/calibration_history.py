"""What was believed of the lens as the video went on, so that what is asked of a frame depends on the frames before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .calibration import Calibration


class History:
    """The first belief and those after each window that changed it; there are few, because the lens is soon held."""

    def __init__(self) -> None:
        self._beliefs: list[tuple[int, Calibration]] = []  # the last frame of the window, and what was known after it

    @property
    def latest(self) -> Calibration | None:
        """What is believed now; None at the beginning."""
        return self._beliefs[-1][1] if self._beliefs else None

    def add(self, last: int, calibration: Calibration) -> None:
        """Keep what is believed after the window that ends with this frame."""
        if calibration is not self.latest:
            self._beliefs.append((last, calibration))

    def before(self, frame: int) -> Calibration:
        """What was believed after the windows that ended before a frame, at least the first belief."""
        known = [calibration for last, calibration in self._beliefs if last < frame]
        return known[-1] if known else self._beliefs[0][1]

    def forget_from(self, frame: int) -> None:
        """Drop what later windows taught."""
        self._beliefs = [(last, calibration) for last, calibration in self._beliefs if last < frame]

    def tree(self) -> list[dict[str, Any]]:
        """Numbers by name, for a file."""
        return [{"after": last, **calibration.tree()} for last, calibration in self._beliefs]

    def restore(self, tree: Iterable[dict[str, Any]]) -> None:
        """Inverse of `tree`."""
        self._beliefs = [(entry["after"], Calibration.of_tree(entry)) for entry in tree]
