"""Frames that are decoded where they are used, from files that all machines see: they travel without their pictures."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from zlib import crc32

import numpy as np

from ..errors import Da3StreamError
from ..predictors.engine import FramesByIndex, SharedFrames
from ..types import Frame, UInt8

MOST_KEPT = 128  # pictures of an actor's last windows: the next one shares some of them
NOTHING = np.empty((0, 0, 3), np.uint8)


class UnseenError(Exception):
    """An actor cannot decode a frame, or decodes another picture than the run did."""


@dataclass(frozen=True, eq=False)
class Unseen:
    """A frame without its picture, what its picture is decoded from, and the CRC-32 that it must have."""

    frame: Frame
    source: SharedFrames
    crc: int


def without_pictures(source: SharedFrames) -> Callable[[Iterable[Frame]], list[Unseen]]:
    """What makes frames of a source travel without their pictures; masks and what the gate found come along."""
    return partial(_unseen, source)


def _unseen(source: SharedFrames, frames: Iterable[Frame]) -> list[Unseen]:
    return [Unseen(replace(frame, image=NOTHING), source, crc32(frame.image.tobytes())) for frame in frames]


class Decoder:
    """Gives an actor the pictures of frames that came without; one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: tuple[SharedFrames, FramesByIndex] | None = None
        self._kept: OrderedDict[int, UInt8] = OrderedDict()

    def see(self, frames: Sequence[Frame | Unseen]) -> list[Frame]:
        """The frames with their pictures. Raises UnseenError where they are not those that the run has."""
        unseen = {each.frame.index: each for each in frames if isinstance(each, Unseen)}
        if unseen:
            with self._lock:
                self._decode(unseen)
                seen = [self._seen(each) for each in frames]
                self._forget(max(MOST_KEPT, len(unseen)))
                return seen
        return [each for each in frames if isinstance(each, Frame)]

    def _decode(self, unseen: dict[int, Unseen]) -> None:
        missing = [index for index in unseen if index not in self._kept]
        if missing:
            source = unseen[missing[0]].source
            try:
                for frame in self._open(source).frames_at(missing):
                    _check(frame, unseen[frame.index])
                    self._kept[frame.index] = frame.image
            except Da3StreamError as error:
                raise UnseenError(str(error)) from None
        for index in unseen:
            if index not in self._kept:
                raise UnseenError(f"frame {index} of the input cannot be decoded by the actor")
            self._kept.move_to_end(index)

    def _seen(self, each: Frame | Unseen) -> Frame:
        if isinstance(each, Frame):
            return each
        return replace(each.frame, image=self._kept[each.frame.index])

    def _forget(self, most: int) -> None:
        """Let go of all but so many pictures, those that were wanted last."""
        while len(self._kept) > most:
            self._kept.popitem(last=False)

    def _open(self, source: SharedFrames) -> FramesByIndex:
        if self._opened is None or self._opened[0] != source:
            self._kept.clear()
            self._opened = source, source.open()
        return self._opened[1]


def _check(frame: Frame, expected: Unseen) -> None:
    if frame.timestamp != expected.frame.timestamp or crc32(frame.image.tobytes()) != expected.crc:
        raise UnseenError(f"frame {frame.index} of the input ({frame.name}) is another picture than the run's")
