"""Frames that actors decode by themselves are those that the run has; a run is the same either way."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from da3_stream import Settings, pipeline
from da3_stream.distributed import RayEngine
from da3_stream.distributed.frame_store import FrameStore
from da3_stream.distributed.unseen import Decoder, UnseenError, without_pictures
from da3_stream.errors import FramesError
from da3_stream.frames import describe
from da3_stream.session import job
from da3_stream.types import Frame
from tests.faults.killing import SETTINGS, contents
from tests.frames.sources.video_making import write_frames
from tests.worlds import ring_street as ring


def frame(index: int) -> Frame:
    image = np.full((4, 6, 3), index, np.uint8)
    return Frame(index, index / 10, image, str(index), mask=image[..., 0] > 2, begins_shot=index == 3)


@dataclass(frozen=True)
class Files:
    """In the place of an input's files; frames are read once where everything is right."""

    read: list[int] = field(default_factory=list, compare=False)
    late_s: float = 0.0
    shade: int = 0
    lacks: int = -1
    here: bool = True

    def open(self) -> Files:
        if not self.here:
            raise FramesError("there does not see 'a.mp4'")
        return self

    def frames_at(self, indices: Iterable[int]) -> Iterator[Frame]:
        for index in sorted(indices):
            self.read.append(index)
            own = frame(index)
            if index != self.lacks:
                yield replace(own, image=own.image + np.uint8(self.shade), timestamp=own.timestamp + self.late_s)


def test_pictures_are_decoded_once_and_all_else_travels() -> None:
    files, decoder, store = Files(), Decoder(), []
    sender = FrameStore(lambda chunk: store.append(chunk) or chunk, without_pictures(files))
    frames = [frame(index) for index in range(9)]
    for window in (frames[:6], frames[4:]):
        chunks, places = sender.place(window)
        seen = decoder.see([chunks[chunk][row] for chunk, row in places])
        for got, sent in zip(seen, window, strict=True):
            np.testing.assert_array_equal(got.image, sent.image)
            np.testing.assert_array_equal(got.mask, sent.mask)
            assert (got.index, got.begins_shot, got.source_size) == (sent.index, sent.begins_shot, sent.source_size)
    assert files.read == list(range(9))
    assert all(each.frame.image.size == 0 for chunk in store for each in chunk)
    assert decoder.see(frames[:2]) == frames[:2]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (Files(late_s=0.1), "frame 1 of the input .* is another picture than the run's"),
        (Files(shade=1), "frame 1 of the input .* is another picture than the run's"),
        (Files(lacks=2), "frame 2 of the input cannot be decoded by the actor"),
        (Files(here=False), "there does not see 'a.mp4'"),
    ],
)
def test_what_is_not_exactly_the_same_is_refused(files: Files, why: str) -> None:
    with pytest.raises(UnseenError, match=why):
        Decoder().see(without_pictures(files)([frame(1), frame(2)]))


def drive(video: Path, out: Path, engine: RayEngine | None) -> Path:
    return pipeline.run(video, out, Settings.build(SETTINGS), ring.RingPredictor(), engine=engine)


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_run_is_the_same_and_goes_on_where_the_files_are_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = write_frames(tmp_path / "ring.mkv", ring.pictures(42), "ffv1", "bgr0", options={"g": "10"})
    puts: list[int] = []
    put = FrameStore.place
    monkeypatch.setattr(FrameStore, "place", lambda self, frames: puts.append(self.sends_pictures) or put(self, frames))
    here = drive(video, tmp_path / "here", None)
    there = drive(video, tmp_path / "there", RayEngine(actors=2, decode_in_actors=True))
    assert puts and not any(puts)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert contents(there) == contents(here)
    monkeypatch.setattr(job, "shared_frames", lambda source: replace(describe(source), paths=("/elsewhere/a.mkv",)))
    puts.clear()
    with caplog.at_level(logging.WARNING):
        gone = drive(video, tmp_path / "gone", RayEngine(actors=2, decode_in_actors=True))
    assert contents(gone) == contents(here) and not puts[0] and puts[-1]
    assert "go through the object store: " in caplog.text and "does not see '/elsewhere/a.mkv'" in caplog.text
