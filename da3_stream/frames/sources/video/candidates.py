"""The frames of a video file that can be selected: all in presentation order, or those with some indices."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..recording import Candidate, Seekable
from .container import count_cut_off, is_cut_off, open_container
from .decoding import read_images
from .pictures import PictureReader
from .pixels import is_interlaced
from .seeking import INTERLACED, VideoSearch
from .timeline import Timeline


@dataclass(frozen=True, eq=False)
class VideoFrames:
    """The frames of a file whose `rate` is used where it stores no times."""

    path: Path
    rate: float
    timeline: Timeline
    make_reader: Callable[[], PictureReader]

    def candidates(self, start: float | None) -> Generator[Candidate]:
        """All frames of the file in presentation order; those far before `start` are listed but not decoded."""
        timeline = self.timeline
        with open_container(self.path) as (container, stream):
            start_pts = -math.inf if start is None else timeline.origin + start / stream.time_base
            index, timestamp, reader = -1, self._before_first, self.make_reader()
            for index, (pts, frame) in enumerate(read_images(container, stream, start_pts, timeline.clock)):
                if not timeline.has_times:
                    timestamp = index / self.rate
                elif timeline.clock.by_order and index < timeline.count:
                    timestamp = float(timeline.times[index])
                elif pts is None:
                    timestamp += 1 / self.rate
                else:
                    timestamp = max(timestamp, self._time_of(pts, stream))
                yield self._candidate(index, timestamp, frame, stream, reader)
            if missing := count_cut_off(self.path, stream):
                reason = f"the file is cut off (frames listed in its index that are missing from here on: {missing})"
                yield Candidate(index + 1, timestamp + 1 / self.rate, self._name(index + 1), lambda: reason)

    def seekable(self) -> Seekable | str:
        """The same frames in any order, or why they can only be read from the beginning."""
        packets, clock = self.timeline.packets, self.timeline.clock
        if packets is None or not self.timeline.has_times:
            return "it stores no times"
        if clock.falls or clock.by_order:
            return "its clock falls back" if clock.falls else "the times of its frames are made up"
        with open_container(self.path) as (_, stream):
            if is_interlaced(stream):
                return INTERLACED
            if is_cut_off(self.path, stream):
                return "it is cut off"
        return packets.why_unsure() or Seekable(packets.count, self._candidates_at)

    def _candidates_at(self, indices: Sequence[int]) -> Generator[Candidate]:
        assert self.timeline.packets is not None
        with VideoSearch(self.path, self.timeline.packets, self.timeline.clock) as search:
            reader = self.make_reader()
            for image in search.read(indices):
                timestamp = max(self._before_first, self._time_of(image.pts, image.stream))
                yield self._candidate(image.number, timestamp, image.frame, image.stream, reader)

    @property
    def _before_first(self) -> float:
        """The time that none may lie before."""
        return -1 / self.rate

    def _time_of(self, pts: int, stream: Any) -> float:
        return float((pts - self.timeline.origin) * stream.time_base)

    def _candidate(self, index: int, timestamp: float, frame: Any, stream: Any, reader: PictureReader) -> Candidate:
        decode = partial(reader.read, frame, reader.pixels.aspect_now(stream))
        return Candidate(index, timestamp, self._name(index), decode)

    def _name(self, index: int) -> str:
        return f"{self.path.stem}_{index:06d}"
