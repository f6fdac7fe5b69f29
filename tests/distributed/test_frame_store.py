"""Every frame is put once, and stays no longer than somebody holds it."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np

from da3_stream.distributed.frame_store import FrameStore
from da3_stream.types import Frame


class Objects:
    """In the place of Ray's object store."""

    def __init__(self) -> None:
        self.puts: list[list[int]] = []

    def put(self, frames: Any) -> Any:
        self.puts.append([frame.index for frame in frames])
        return _Chunk(list(frames))


class _Chunk(list[Frame]):
    """A list that can be watched."""


def frames(first: int, last: int) -> list[Frame]:
    return [Frame(i, i / 10, np.full((2, 3, 3), i, np.uint8), str(i), gate_state={"at": i}) for i in range(first, last)]


def test_frames_that_windows_share_are_put_once() -> None:
    objects, all_frames = Objects(), frames(0, 10)
    store = FrameStore(objects.put)
    for window in (all_frames[:6], all_frames[4:]):
        chunks, places = store.place(window)
        found = [chunks[chunk][row] for chunk, row in places]
        assert [frame.index for frame in found] == [frame.index for frame in window]
        assert all(frame.gate_state is None for frame in found)
    assert objects.puts == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9]]


def test_what_no_window_holds_any_more_is_let_go() -> None:
    store = FrameStore(Objects().put)
    window = frames(0, 3)
    store.place(window)
    assert len(store) == 3
    del window[:2]
    gc.collect()
    assert len(store) == 1
