"""Masks for a stream of frames: the stage between source and gate."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...geometry.masks import unpack_mask
from ...types import Frame
from .detector import StaticDetector

Mask = NDArray[np.bool_] | None

AHEAD = 30  # frames that the detector has seen beyond the one whose mask it tells
LONGEST_AHEAD = 60  # the same while it suspects that most of the image goes with the camera
SNAPSHOT_EVERY = 16  # frames; one that is resumed at lies at most so many frames behind its snapshot


class MaskedFrames:
    """Frames in order, each with the mask of what goes with the camera, told `AHEAD` to `LONGEST_AHEAD` frames later.

    At the end all are told at once.
    A frame's mask joins the one that it came with and all that the detector held between seeing that frame and telling
    it: what begins is left out from its beginning on, what ends until its end. So does its `view_share`.

    Each frame refers to the last snapshot before it (`Frame.mask_state`), from which an interrupted run goes on: the
    source then starts at `resume_index` of it, and all frames get the same masks as without the interruption.
    """

    def __init__(self, frames: Iterable[Frame], state: Mapping[str, Any] | None = None) -> None:
        self._frames, self._detector = frames, StaticDetector()
        self._fed, self._fed_until, self._told_count = 0, -1, 0
        self._held: list[tuple[Mask, int]] = []  # masks in their order, and how many frames were fed when last held
        self._views: list[tuple[float, int]] = []  # shares of views past what may go with the camera, like `_held`
        self._join, self._with_static, self._found = _Join(), _Join(), _Found()
        self._snapshot: Mapping[str, Any] | None = None
        if state is not None:
            self._restore(state)

    def __iter__(self) -> Iterator[Frame]:
        waiting: deque[Frame] = deque()
        for frame in self._frames:
            if frame.index > self._fed_until:
                self._feed(frame)
            waiting.append(frame)
            while waiting and self._fed - self._told_count > (LONGEST_AHEAD if self._detector.suspects else AHEAD):
                yield self._tell(waiting.popleft())
        while waiting:
            yield self._tell(waiting.popleft())

    def _feed(self, frame: Frame) -> None:
        self._detector.feed(frame.image)
        self._fed, self._fed_until = self._fed + 1, frame.index
        mask = self._detector.mask
        if self._held and self._held[-1][0] is mask:
            self._held.pop()
        self._held.append((mask, self._fed))
        if (share := self._detector.view_share) is not None:
            self._views.append((share, self._fed))

    def _tell(self, frame: Frame) -> Frame:
        """The frame with its mask, and the last snapshot, taken before one of the frames was told."""
        if self._told_count % SNAPSHOT_EVERY == 0:
            self._snapshot = self._state(frame.index)
        self._told_count += 1
        self._held = [(mask, fed) for mask, fed in self._held if fed >= self._told_count]
        self._views = [(share, fed) for share, fed in self._views if fed >= self._told_count]
        view_share = max((share for share, _ in self._views), default=None)
        static = self._join(tuple(mask for mask, _ in self._held))
        mask = self._with_static((frame.mask, static))
        static = self._found((static, frame.mask))
        return replace(frame, mask=mask, static_mask=static, mask_state=self._snapshot, view_share=view_share)

    def _state(self, index: int) -> dict[str, Any]:
        held = [(None if mask is None else [np.packbits(mask), mask.shape], fed) for mask, fed in self._held]
        counts = {"resume_index": index, "fed_until": self._fed_until, "fed": self._fed, "told": self._told_count}
        return {**counts, "held": held, "views": self._views, "detector": self._detector.state()}

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._fed, self._fed_until, self._told_count = state["fed"], state["fed_until"], state["told"]
        self._held = [(None if packed is None else unpack_mask(*packed), fed) for packed, fed in state["held"]]
        self._views = [(share, fed) for share, fed in state["views"]]
        self._detector.restore(state["detector"])
        if self._held and _same(self._held[-1][0], self._detector.mask):
            self._held[-1] = (self._detector.mask, self._held[-1][1])


class _Found:
    """The part of a mask that was found which the frame's own mask does not tell already; the same array for the same
    masks as the time before. What was found of an outline is a little wider than the outline."""

    def __init__(self) -> None:
        self._last: tuple[tuple[Mask, ...], Mask] = ((), None)

    def __call__(self, masks: tuple[Mask, Mask]) -> Mask:
        if [*map(id, masks)] != [*map(id, self._last[0])]:
            found, own = masks
            self._last = (masks, found if found is None or own is None else _beyond(found, own))
        return self._last[1]


def _beyond(found: NDArray[np.bool_], own: NDArray[np.bool_]) -> Mask:
    """The found mask without the regions most of which the frame's own mask leaves out; None where none is left."""
    import cv2

    count, labels = cv2.connectedComponents((~found).astype(np.uint8))
    sizes = np.bincount(labels[~found], minlength=count)
    told = np.bincount(labels[~found & ~own], minlength=count)
    is_new = 2 * told <= sizes
    is_new[0] = False
    return None if not is_new.any() else ~is_new[labels]


class _Join:
    """All masks together; the same array for the same masks as the time before."""

    def __init__(self) -> None:
        self._last: tuple[tuple[Mask, ...], Mask] = ((), None)  # of which masks, and what they are together

    def __call__(self, masks: tuple[Mask, ...]) -> Mask:
        if [*map(id, masks)] != [*map(id, self._last[0])]:
            some = [mask for mask in masks if mask is not None]
            joined = None if not some else some[0] if len(some) == 1 else np.logical_and.reduce(some)
            self._last = (masks, joined)
        return self._last[1]


def _same(a: Mask, b: Mask) -> bool:
    return (a is None and b is None) or (a is not None and b is not None and np.array_equal(a, b))
