"""Frames of a video by their indices: from the key frame before each on, what a decoder gives is the same as if the
file were decoded from its beginning.

Times do not lead to a packet for certain (containers search by those of decoding, or roughly), so packets are known by
their time and size. A key frame with which a group of pictures begins may be followed by pictures that are shown before
it and need those of the group before (open groups): they are decoded from there. One that comes out damaged may be made
of what came before it, so that decoding begins earlier, at last with the first packet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from ....errors import FramesError
from .clock import Clock
from .container import open_container
from .decoding import decode_packets, decoder_of
from .packet_list import PacketList
from .packets import read_packets

INTERLACED = "it is interlaced, and a field may be a packet of its own"


class Image(NamedTuple):
    """A frame of the decoder (None: lost), its number in the stream, its time (ticks, mended), and the stream."""

    number: int
    pts: int
    frame: Any | None
    stream: Any


@dataclass(eq=False)
class VideoSearch:
    """Reads images of a stream by their indices. A context manager: the file is open in it.

    Raises FramesError where its packets are not those of the list.
    """

    path: Path
    packets: PacketList
    clock: Clock
    _files: ExitStack = field(default_factory=ExitStack)
    _container: Any = None
    _stream: Any = None
    _is_fresh: bool = False  # nothing of the file was read

    def __enter__(self) -> VideoSearch:
        self._reopen()
        return self

    def __exit__(self, *error: Any) -> None:
        self._files.close()

    def read(self, indices: Sequence[int]) -> Iterator[Image]:
        """The images with these indices, which ascend."""
        for run in self.packets.runs(indices):
            yield from self._read_run(run.entry, run.indices)

    def _read_run(self, entry: int, indices: Sequence[int]) -> Iterator[Image]:
        wanted = iter(indices)
        index = next(wanted, None)
        for image in self._begin(entry, indices[0]):
            if index == image.number:
                yield image
                index = next(wanted, None)
            if index is None:
                return
        raise FramesError(f"'{self.path}' has no frame {index}")

    def _begin(self, entry: int, index: int) -> Iterator[Image]:
        """All images from one on that is not later than the index; each is what it is in the whole stream."""
        for earlier in self.packets.earlier_entries(entry):
            images = self._decode_from(earlier)
            first = next(images, None)
            if earlier == 0 or (first is not None and first.number <= index and _is_whole(first.frame)):
                return iter(()) if first is None else chain([first], images)
        raise AssertionError("the first packet is an entry")

    def _decode_from(self, entry: int) -> Iterator[Image]:
        packets = self._packets_from(entry)
        if entry == 0:
            first, since = 0, -math.inf
        else:
            packets, first, since = self._lead_in(entry, packets)
        images = decode_packets(
            ((packet, True) for packet in self.clock.mend(packets)), decoder_of(self._stream), since
        )
        return self._counted(images, first)

    def _lead_in(self, entry: int, packets: Iterator[Any]) -> tuple[Iterator[Any], int, float]:
        """The packets again, the index of the entry's frame, and its mended time."""
        index, (key, *others) = self.packets.index_of(entry), self._read_until_shown(packets)
        if not self.packets.are_presented:
            index += sum(packet.pts < key.pts and not packet.is_discard for packet in others)
        closed = self.clock.closed(key.pts)
        assert closed is not None
        return chain([key, *others], packets), index, closed

    def _read_until_shown(self, packets: Iterator[Any]) -> list[Any]:
        """A key frame's packet and those behind it, until nothing can come that is shown before it: a packet is decoded
        before it is shown."""
        head = [next(packets)]
        while head[-1] is not None and (head[-1].dts is None or head[-1].dts < head[0].pts):
            head.append(next(packets, None))
        return [packet for packet in head if packet is not None] if head[-1] is None else head

    def _counted(self, images: Iterable[tuple[int | None, Any]], first: int) -> Iterator[Image]:
        before = -math.inf
        for index, (pts, frame) in enumerate(images, first):
            if pts is None or pts <= before:
                raise FramesError(f"'{self.path}' cannot be searched: the times of its frames do not ascend")
            if frame is not None and frame.interlaced_frame:
                raise FramesError(f"'{self.path}' cannot be searched: {INTERLACED}")
            yield Image(index, pts, frame, self._stream)
            before = pts

    def _packets_from(self, entry: int) -> Iterator[Any]:
        """The packets from an entry on, then None."""
        for earlier in () if entry == 0 else self.packets.earlier_entries(entry):
            if earlier > 0 and (found := self._seek(earlier, entry)) is not None:
                return found
        if not self._is_fresh:
            self._reopen()
        self._is_fresh = False
        return self._checked(read_packets(self._container, self._stream), 0, entry)

    def _seek(self, earlier: int, entry: int) -> Iterator[Any] | None:
        """The packets from an entry on, if the container leads to it or before it by an earlier one's time."""
        import av

        self._is_fresh = False
        try:
            self._container.seek(int(self.packets.times[earlier]), stream=self._stream)
        except av.FFmpegError:
            return None
        packets = read_packets(self._container, self._stream)
        for packet in packets:
            number = None if packet is None else self.packets.find_key(packet)
            if number is not None:
                return None if number > entry else self._checked(chain([packet], packets), number, entry)
        return None

    def _checked(self, packets: Iterator[Any], first: int, entry: int) -> Iterator[Any]:
        """Packets of which the first has this number; those before the entry are read over."""
        for number, packet in enumerate(packets, first):
            if packet is not None and not self.packets.is_packet(number, packet):
                raise FramesError(f"'{self.path}' cannot be searched: its packets are others than when it was opened")
            if number >= entry:
                yield packet

    def _reopen(self) -> None:
        self._files.close()
        self._container, self._stream = self._files.enter_context(open_container(self.path))
        self._is_fresh = True


def _is_whole(frame: Any | None) -> bool:
    return frame is not None and not frame.is_corrupt
