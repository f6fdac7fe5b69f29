"""What goes wrong while places are recognised costs loops, but a disk that refuses ends the run."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from da3_stream.errors import DeviceLostError
from da3_stream.loops.index import PlaceIndex
from da3_stream.loops.keyframes import Keyframe
from da3_stream.slam.loop_closing import LoopCloser


class Breaking:
    """A finder that cannot add, and a verifier that cannot verify."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def add(self, window: object) -> None:
        raise self.error

    verify = add


def closer(error: Exception) -> LoopCloser:
    return LoopCloser(Breaking(error), None, None, None)  # type: ignore[arg-type]


def test_a_failure_ends_the_search_and_is_told() -> None:
    loops = closer(ValueError("no matrix"))
    (event,) = loops.process(None, [0]).events  # type: ignore[arg-type]
    assert (event.kind, event.fields) == ("loops stopped", {"reason": "no matrix"})
    assert loops.process(None, [1]).events == ()  # type: ignore[arg-type]


def test_a_full_disk_is_passed_on_and_the_search_can_go_on() -> None:
    loops = closer(OSError(errno.ENOSPC, "No space left on device", "places/descriptors.bin"))
    for _ in range(2):
        with pytest.raises(OSError, match="No space left on device"):
            loops.process(None, [0])  # type: ignore[arg-type]


def test_the_index_names_its_file_where_the_disk_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    index = PlaceIndex(tmp_path / "descriptors.bin", 4)
    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(OSError, match="descriptors.bin"):
        index.append([Keyframe(0, 0, 0.0)], np.eye(4, dtype=np.float32)[:1])


def test_a_lost_device_is_no_refused_loop() -> None:
    loops = closer(DeviceLostError("the device has failed"))
    for _ in range(2):
        with pytest.raises(DeviceLostError):
            loops.process(None, [0])  # type: ignore[arg-type]
    loops = LoopCloser(None, Breaking(DeviceLostError("gone")), None, None)  # type: ignore[arg-type]
    with pytest.raises(DeviceLostError):
        loops._verify(None)  # type: ignore[arg-type]
