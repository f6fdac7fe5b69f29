"""The packets of a video stream as they lie in its file: from which of them on a wanted frame is decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

KEYFRAME, DISCARD = 1, 2  # libav's AVINDEX_KEYFRAME, AVINDEX_DISCARD_FRAME (is decoded, and not shown)
UNKNOWN = -(2**63)  # a time that no packet has
MOST_DECODED = 8  # packets that are rather decoded than leapt over

Ticks = NDArray[np.int64]  # in units of the stream's time base


class Run(NamedTuple):
    """Frames that are decoded in one go: the packet to begin with, and their indices, ascending."""

    entry: int
    indices: list[int]


@dataclass(frozen=True, eq=False)
class PacketList:
    """All packets [N] of a stream in the order of its file.

    `times` (ticks) are those of presentation where `are_presented`, else those of decoding, as an index has them; with
    `sizes` in bytes they tell packets apart. `are_keys` are key frames; what an edit list hides
    is not among `are_shown`.
    """

    times: Ticks
    sizes: Ticks
    are_keys: NDArray[np.bool_]
    are_shown: NDArray[np.bool_]
    are_presented: bool

    @classmethod
    def of_index(cls, entries: Iterable[Any]) -> Self:
        """The packets that the index of an MP4 file lists."""
        rows = [(entry.timestamp, entry.size, entry.flags & KEYFRAME, not entry.flags & DISCARD) for entry in entries]
        return cls._of_rows(rows, are_presented=False)

    @classmethod
    def of_packets(cls, packets: Iterable[Any]) -> Self:
        """The packets of a file that were all read."""
        rows = [
            (UNKNOWN if packet.pts is None else packet.pts, packet.size, packet.is_keyframe, not packet.is_discard)
            for packet in packets
        ]
        return cls._of_rows(rows, are_presented=True)

    @classmethod
    def _of_rows(cls, rows: Sequence[tuple[int, int, bool, bool]], are_presented: bool) -> Self:
        times, sizes, keys, shown = np.array(rows, np.int64).reshape(-1, 4).T
        return cls(times, sizes, keys > 0, shown > 0, are_presented)

    @property
    def count(self) -> int:
        """How many frames are shown."""
        return int(self.are_shown.sum())

    def is_packet(self, number: int, packet: Any) -> bool:
        """Whether a packet that was read is the one of this number."""
        time = packet.pts if self.are_presented else packet.dts
        return number < len(self.times) and (time, packet.size) == (self.times[number], self.sizes[number])

    def find_key(self, packet: Any) -> int | None:
        """The number of a key frame's packet that was read; None for any other, and for one of which there are two."""
        time = packet.pts if self.are_presented else packet.dts
        return self._keys.get((time, packet.size)) if packet.is_keyframe else None

    def runs(self, indices: Sequence[int]) -> Iterator[Run]:
        """Ascending indices of frames as runs: what lies between two of them is leapt over where that saves more than
        a few packets."""
        run: Run | None = None
        for index in indices:
            entry = self.entry_before(index)
            if run is not None and entry - self._packet_of(run.indices[-1]) <= MOST_DECODED:
                run.indices.append(index)
                continue
            if run is not None:
                yield run
            run = Run(entry, [index])
        if run is not None:
            yield run

    def entry_before(self, index: int) -> int:
        """The packet of the last key frame from which on the frame of this index may be decoded; 0 is always one."""
        position = int(np.searchsorted(self._first_indices, index, side="right")) - 1
        return int(self.entries[max(position, 0)])

    def earlier_entries(self, entry: int) -> Iterator[int]:
        """This entry, then the one before, and then others, each twice as many before, up to the beginning."""
        position, step = int(np.searchsorted(self.entries, entry)), 1
        yield entry
        while position > 0:
            position, step = max(position - step, 0), 2 * step
            yield int(self.entries[position])

    def index_of(self, entry: int) -> int:
        """The index of an entry's frame; where times are those of decoding, without frames that are decoded after it
        and shown before."""
        return int(self._first_indices[np.searchsorted(self.entries, entry)])

    @cached_property
    def entries(self) -> NDArray[np.intp]:
        """The packets with which decoding can begin: the first, and key frames that are shown after all before them."""
        shown = np.where(self.are_shown, self.times, UNKNOWN)
        before = np.concatenate([[UNKNOWN], np.maximum.accumulate(shown)[:-1]])
        is_entry = self.are_keys & self.are_shown & (self.times > before)
        is_entry[:1] = True
        return np.flatnonzero(is_entry)

    @cached_property
    def _first_indices(self) -> NDArray[np.intp]:
        if self.are_presented:
            return np.searchsorted(np.sort(self.times[self.are_shown]), self.times[self.entries])
        return (np.cumsum(self.are_shown) - self.are_shown)[self.entries]

    @cached_property
    def _keys(self) -> dict[tuple[int, int], int]:
        numbers = np.flatnonzero(self.are_keys).tolist()
        pairs = list(zip(self.times[numbers].tolist(), self.sizes[numbers].tolist(), strict=True))
        often = Counter(pairs)
        return {pair: number for pair, number in zip(pairs, numbers, strict=True) if often[pair] == 1}

    @cached_property
    def _shown_packets(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.are_shown)

    def _packet_of(self, index: int) -> int:
        """About where the packet of a frame is."""
        return int(self._shown_packets[index])

    def why_unsure(self) -> str:
        """Why the frames' indices cannot be told by their packets; "" where they can."""
        shown = self.times[self.are_shown]
        if np.any(shown == UNKNOWN):
            return "some of its frames have no times"
        return "" if len(np.unique(shown)) == len(shown) else "some of its frames have the same time"
