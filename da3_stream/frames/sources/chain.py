"""Recordings one after the other: their frames as those of one input, counted and timed from beginning to end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from .recording import Candidate, Recording

MOST_TICKS = 100_000  # a second; containers have up to 90000
TICK_ERROR_S = 1e-9


@dataclass(frozen=True)
class SourceFile:
    """A file (or folder of images) of an input: the index of its first frame, how many frames it gives, and the time of
    the first one in seconds.

    `frames` is what the file tells until its last frame was listed, None where it tells nothing. `first_number` is the
    first frame's number in the file, above 0 where the file before ends with the same frames.
    """

    path: str
    first_index: int
    frames: int | None
    start_s: float
    first_number: int = 0


@dataclass(frozen=True)
class LeftOutFile:
    """A file that was found beside those that are used, and the reason why it is not one of them."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class Link:
    """A recording, and how it follows the one before.

    `repeated` of its first frames are the last ones of the recording before, and are dropped. `begins_shot` says that
    its view has nothing to do with what came before. `offset_s` is the time in the input minus that in the recording;
    None lets the recording begin when the one before ends.
    """

    recording: Recording
    repeated: int = 0
    begins_shot: bool = True
    offset_s: float | None = None


@dataclass(eq=False)
class RecordingChain:
    """Recordings as one. Where a file begins is known once its frames are listed, and the same whenever they are."""

    links: Sequence[Link]
    _read: list[SourceFile] = field(default_factory=list)

    @property
    def first(self) -> Recording:
        """The first recording."""
        return self.links[0].recording

    @property
    def left_out(self) -> list[tuple[Path, str]]:
        """The files beside the recordings that are not used, each with the reason."""
        return [entry for link in self.links for entry in link.recording.left_out]

    @property
    def count(self) -> int | None:
        """How many frames there are, where every recording tells without being read."""
        counts = [link.recording.count for link in self.links]
        return sum(filter(None, counts)) - sum(link.repeated for link in self.links) if all(counts) else None

    def times(self) -> list[float] | None:
        """The seconds of all frames, where every recording tells its own without being read; None where one does not.

        Before decoding, they may be a frame early or late.
        """
        times: list[float] = []
        ends = 0.0
        for position, link in enumerate(self.links):
            own = _known_times(link.recording)[link.repeated :]
            if not own:
                return None
            placed = link.offset_s if len(link.recording.times) else None
            follows = ends - own[0] if position else 0.0
            offset = follows if placed is None else placed
            times += [time + offset for time in own]
            ends = times[-1] + 1 / (link.recording.rate or 30.0)
        return times

    @property
    def files(self) -> list[SourceFile]:
        """The files whose frames were listed until now."""
        return list(self._read)

    def planned(self) -> list[SourceFile]:
        """All files as they tell of themselves before their frames are listed, which may be a few frames off."""
        planned: list[SourceFile] = []
        first, ends = 0, 0.0
        for link in self.links:
            recording, frames = link.recording, _expected(link)
            rate = recording.rate or 30.0
            known = recording.times[link.repeated : link.repeated + 1]
            own = float(known[0]) if len(known) else link.repeated / rate
            starts = ends if link.offset_s is None and planned else (link.offset_s or 0.0) + own
            planned.append(SourceFile(recording.name, first, frames, starts, link.repeated))
            first, ends = first + (frames or 0), starts + (frames or 0) / rate
        return planned

    def origin(self, index: int) -> tuple[str, int]:
        """The file that a frame which was listed comes from, and its number there from 0; an image file holds one
        frame."""
        position, number = self._find(index)
        recording = self.links[position].recording
        return (str(recording.files[number]), 0) if recording.files else (recording.name, number)

    def nanoseconds(self, index: int) -> int | None:
        """The exact time of a frame that was listed, where its recording has one and keeps it."""
        position, number = self._find(index)
        link = self.links[position]
        is_moved = link.offset_s if link.offset_s is not None else position
        return link.recording.nanoseconds[number] if link.recording.nanoseconds and not is_moved else None

    def _find(self, index: int) -> tuple[int, int]:
        """The number of the recording that a frame comes from, and that of the frame in it."""
        if not self._read:
            return 0, index
        position = max(bisect_right(self._read, index, key=lambda file: file.first_index) - 1, 0)
        file = self._read[position]
        return position, index - file.first_index + file.first_number

    def candidates(self, start: float | None) -> Generator[Candidate]:
        """The frames of all recordings; those far before `start` need not be decodable."""
        index, shot, ends = 0, 0, 0.0
        for position, link in enumerate(self.links):
            first, shot = index, shot + (link.begins_shot and position > 0)
            offset = link.offset_s
            for candidate in link.recording.candidates(None if start is None or offset is None else start - offset):
                if candidate.index < link.repeated:
                    continue
                if offset is None:
                    offset = ends - candidate.timestamp if position else 0.0
                index, timestamp = first + candidate.index - link.repeated, moved(candidate.timestamp, offset)
                if index == first:
                    self._begin(position, SourceFile(link.recording.name, first, None, timestamp, link.repeated))
                yield replace(candidate, index=index, timestamp=timestamp, shot=shot)
                index, ends = index + 1, timestamp + 1 / (link.recording.rate or 30.0)
            self._end(position, index)

    def _begin(self, position: int, file: SourceFile) -> None:
        if position == len(self._read):
            self._read.append(replace(file, frames=_expected(self.links[position])))

    def _end(self, position: int, index: int) -> None:
        if position == len(self._read):
            link = self.links[position]
            self._read.append(SourceFile(link.recording.name, index, 0, link.offset_s or 0.0, link.repeated))
        file = self._read[position]
        self._read[position] = replace(file, frames=index - file.first_index)


def moved(time: float, offset: float) -> float:
    """A time in a recording, moved by an offset to that in the input.

    It is as a whole file has it: times are fractions (of ticks), whose sum in floating point is an ulp beside.
    """
    if not offset:
        return time
    fraction = Fraction(time + offset).limit_denominator(MOST_TICKS)
    return float(fraction) if abs(float(fraction) - time - offset) < TICK_ERROR_S else time + offset


def _expected(link: Link) -> int | None:
    return link.recording.count - link.repeated if link.recording.count else None


def _known_times(recording: Recording) -> list[float]:
    if len(recording.times):
        return list(recording.times)
    return [i / recording.rate for i in range(recording.count)] if recording.count and recording.rate else []
