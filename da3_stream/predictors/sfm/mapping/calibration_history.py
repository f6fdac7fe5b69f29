"""The calibration after every window, so that a loop check depends on nothing that comes after its frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .calibration import Calibration


class CalibrationHistory:
    """The initial calibration and those after each window that changed it; few, because the lens is soon frozen."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, Calibration]] = []  # last frame of the window, calibration after it

    @property
    def latest(self) -> Calibration | None:
        """The calibration now; None at the beginning."""
        return self._entries[-1][1] if self._entries else None

    def add(self, last: int, calibration: Calibration) -> None:
        """Keep the calibration after the window that ends with this frame."""
        if calibration is not self.latest:
            self._entries.append((last, calibration))

    def before(self, frame: int) -> Calibration:
        """The calibration after the windows that ended before a frame, the initial one if none did."""
        known = [calibration for last, calibration in self._entries if last < frame]
        return known[-1] if known else self._entries[0][1]

    def forget_from(self, frame: int) -> None:
        """Drop the calibrations after windows that end at this frame or later."""
        self._entries = [(last, calibration) for last, calibration in self._entries if last < frame]

    def state(self) -> list[dict[str, Any]]:
        """Numbers by name, for a file; see `restore`."""
        return [{"after": last, **calibration.to_tree()} for last, calibration in self._entries]

    def restore(self, state: Iterable[dict[str, Any]]) -> None:
        """Inverse of `state`."""
        self._entries = [(entry["after"], Calibration.from_tree(entry)) for entry in state]
