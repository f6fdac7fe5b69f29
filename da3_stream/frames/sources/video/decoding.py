"""Decoding: packets in decoding order become images in presentation order, and lost images are reported."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from typing import Any

MAX_FAILED_READS = 1000  # in a row; then the damaged rest of the container is given up
MAX_HELD_PACKETS = 1000  # of one group of pictures before `start`; a longer group is decoded rather than held in memory


def read_images(container: Any, stream: Any, start_pts: float) -> Iterator[tuple[int | None, Any | None]]:
    """Decode a video stream into pairs of a time (pts) and an image, in presentation order.

    The image is None where the decoder lost it, and where it was not decoded because it lies far before `start_pts`
    (see `_mark_needed`). Decoders with threads report an error some packets later, or not at all. So an image counts as
    lost when the packet with its time went in and images with later times came out; if it comes out after them all the
    same, it is dropped.
    """
    import av

    owed: list[int] = []  # a heap: times of the packets whose images have not come out
    latest = -math.inf
    progressive = True  # in interlaced video a field may have a packet of its own, which owes no image
    for packet, needed in _mark_needed(_join_times(_packets(container, stream)), start_pts):
        if packet is not None and packet.pts is not None and not packet.is_discard:
            heapq.heappush(owed, packet.pts)
        try:
            frames = stream.decode(packet) if needed else []
        except av.FFmpegError:
            continue  # its image stays owed
        for frame in frames:
            if frame.pts is not None and frame.pts < latest:
                continue
            latest = latest if frame.pts is None else frame.pts
            progressive = progressive and not frame.interlaced_frame
            yield from _pop_lost(frame.pts, owed, progressive)
            yield frame.pts, frame
    yield from _pop_lost(math.inf, owed, progressive)


def _pop_lost(pts: float | None, owed: list[int], progressive: bool) -> Iterator[tuple[int, None]]:
    """Remove the times up to `pts` from the heap; those before it belong to lost images, which are yielded."""
    while owed and pts is not None and owed[0] <= pts:
        time = heapq.heappop(owed)
        if time == pts:
            return
        if progressive:
            yield time, None


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """The stream's packets without damaged parts of the container, then None, which flushes the decoder."""
    import av

    failed_reads = 0
    while failed_reads < MAX_FAILED_READS:
        try:
            for packet in container.demux(stream):
                if packet.size:  # an empty packet would end the decoding
                    failed_reads = 0
                    yield packet
            break
        except av.InvalidDataError:
            failed_reads += 1
    yield None


def _join_times(packets: Iterator[Any]) -> Iterator[Any]:
    """Make the packets' times continuous where they fall back, as in files that were joined end to end."""
    offset, latest = 0, -math.inf
    for packet in packets:
        if packet is not None and packet.dts is not None:
            if packet.dts + offset < latest:
                offset = int(latest) + (packet.duration or 1) - packet.dts
            packet.dts += offset
            packet.pts = None if packet.pts is None else packet.pts + offset
            latest = packet.dts
        yield packet


def _mark_needed(packets: Iterator[Any], start_pts: float) -> Iterator[tuple[Any, bool]]:
    """Pair each packet with whether it must be decoded; groups of pictures that end before `start_pts` need not be."""
    group: list[Any] = []
    for packet in packets:
        if packet is not None and packet.is_keyframe and packet.pts is not None and packet.pts <= start_pts:
            yield from ((earlier, False) for earlier in group)
            group = []
        group.append(packet)
        if packet is None or packet.dts is None or packet.dts > start_pts or len(group) > MAX_HELD_PACKETS:
            break
    yield from ((packet, True) for packet in group)
    yield from ((packet, True) for packet in packets)
