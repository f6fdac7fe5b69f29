"""Frames in Ray's object store: each is put there once, and stays for as long as the driver holds it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from ..types import Frame
from .messages import Places


class FrameStore:
    """Puts the frames of a window that no window before had as one object, by `put`.

    (An object for each frame would cost most of the milliseconds that a window may.) It is freed with the last of its
    frames, that is, when no window of the driver contains any. `pack` makes of frames what is put there.
    """

    def __init__(
        self, put: Callable[[Sequence[Any]], Any], pack: Callable[[Iterable[Frame]], Sequence[Any]] = list
    ) -> None:
        self._put, self._pack = put, pack
        self._lock = threading.Lock()
        self._homes: WeakKeyDictionary[Frame, tuple[Any, int]] = WeakKeyDictionary()

    @property
    def sends_pictures(self) -> bool:
        """Whether frames are put there as they are."""
        return self._pack is list

    def __len__(self) -> int:
        """How many frames have an object."""
        return len(self._homes)

    def place(self, frames: Sequence[Frame]) -> tuple[list[Any], Places]:
        """References to the objects that hold the frames, and where in them each is."""
        with self._lock:
            new = list(dict.fromkeys(frame for frame in frames if frame not in self._homes))
            if new:
                chunk = self._put(self._pack(map(_sendable, new)))
                self._homes.update({frame: (chunk, row) for row, frame in enumerate(new)})
            homes = [self._homes[frame] for frame in frames]
        chunks = list({id(chunk): chunk for chunk, _ in homes}.values())
        numbers = {id(chunk): number for number, chunk in enumerate(chunks)}
        return chunks, tuple((numbers[id(chunk)], row) for chunk, row in homes)


def frame_bytes(frames: Sequence[Frame]) -> int:
    """What the pictures and masks of frames take."""
    arrays = [array for frame in frames for array in (frame.image, frame.mask, frame.static_mask) if array is not None]
    return sum(array.nbytes for array in arrays)


def _sendable(frame: Frame) -> Frame:
    """Without the states from which a run goes on at the frame: no predictor needs them."""
    return replace(frame, gate_state=None, mask_state=None)
