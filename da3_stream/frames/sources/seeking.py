"""Recordings one after the other, whose frames are read in any order, as those of one input."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby

from .chain import Link, RecordingChain, moved
from .recording import Candidate, Seekable


@dataclass(frozen=True, eq=False)
class Place:
    """A recording in the chain: the index of its first frame, what is added to its times, and its shot."""

    link: Link
    frames: Seekable
    first_index: int
    offset_s: float
    shot: int

    @property
    def end(self) -> int:
        """The index behind its last frame."""
        return self.first_index + self.frames.count - self.link.repeated

    def candidates(self, indices: Sequence[int]) -> Generator[Candidate]:
        """The frames with these indices in the chain, which ascend."""
        moved_by = self.first_index - self.link.repeated
        with closing(self.frames.candidates([index - moved_by for index in indices])) as candidates:
            for candidate in candidates:
                index, timestamp = candidate.index + moved_by, moved(candidate.timestamp, self.offset_s)
                yield replace(candidate, index=index, timestamp=timestamp, shot=self.shot)


@dataclass(frozen=True, eq=False)
class SeekableChain:
    """The recordings of a chain at their places."""

    places: Sequence[Place]

    @property
    def count(self) -> int:
        """How many frames there are."""
        return self.places[-1].end

    def candidates(self, indices: Sequence[int]) -> Generator[Candidate]:
        """The frames with these indices, which ascend."""
        firsts = [place.first_index for place in self.places]
        for position, group in groupby(indices, lambda index: bisect_right(firsts, index) - 1):
            with closing(self.places[position].candidates(list(group))) as candidates:
                yield from candidates


def seekable_chain(chain: RecordingChain) -> SeekableChain | str:
    """The chain with frames in any order, or why they can only be read one after the other."""
    places: list[Place] = []
    for link in chain.links:
        frames = link.recording.seekable()
        if isinstance(frames, str):
            return f"'{link.recording.name}' cannot be searched: {frames}"
        first = places[-1].end if places else 0
        shot = places[-1].shot + link.begins_shot if places else 0
        place = Place(link, frames, first, 0.0, shot)
        places.append(replace(place, offset_s=_offset_s(place, places)))
    return SeekableChain(places)


def _offset_s(place: Place, before: Sequence[Place]) -> float:
    """What is added to the times of a recording; one that does not tell begins when the one before ends."""
    if place.link.offset_s is not None:
        return place.link.offset_s
    if not before:
        return 0.0
    last, first = _time_at(before[-1], before[-1].end - 1), _time_at(place, place.first_index)
    return last + 1 / (before[-1].link.recording.rate or 30.0) - first


def _time_at(place: Place, index: int) -> float:
    with closing(place.candidates([index])) as candidates:
        return next(candidates).timestamp
