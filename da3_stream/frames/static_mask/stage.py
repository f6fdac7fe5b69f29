"""Masks for a stream of frames: the stage between source and gate."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...types import Frame
from .detector import StaticDetector

AHEAD = 30  # frames that the detector has seen beyond the one whose mask it tells
SNAPSHOT_EVERY = 16  # frames; one that is resumed at lies at most so many frames behind its snapshot


class MaskedFrames:
    """Frames in order, each with the mask of what goes with the camera, told `AHEAD` frames later or at the end.

    Each frame refers to the last snapshot before it (`Frame.mask_state`), from which an interrupted run goes on: the
    source then starts at `resume_index` of it, and all frames get the same masks as without the interruption.
    """

    def __init__(self, frames: Iterable[Frame], state: Mapping[str, Any] | None = None) -> None:
        self._frames, self._detector = frames, StaticDetector()
        self._fed_until, self._count = -1, 0
        self._snapshot: Mapping[str, Any] | None = None
        if state is not None:
            self._restore(state)

    def __iter__(self) -> Iterator[Frame]:
        waiting: deque[Frame] = deque()
        for frame in self._frames:
            if frame.index > self._fed_until:
                self._detector.feed(frame.image)
                self._fed_until = frame.index
            waiting.append(frame)
            if len(waiting) > AHEAD:
                yield self._told(waiting.popleft())
        while waiting:
            yield self._told(waiting.popleft())

    def _told(self, frame: Frame) -> Frame:
        """The frame with its mask, and the state before it was told."""
        if self._count % SNAPSHOT_EVERY == 0:
            self._snapshot = self._state(frame.index)
        self._count += 1
        return replace(frame, mask=self._detector.mask, mask_state=self._snapshot)

    def _state(self, index: int) -> dict[str, Any]:
        return {
            "resume_index": index,
            "fed_until": self._fed_until,
            "count": self._count,
            "detector": self._detector.state(),
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._fed_until, self._count = state["fed_until"], state["count"]
        self._detector.restore(state["detector"])
