"""Decoding: packets in decoding order become images in presentation order, and lost images are reported."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from .packets import read_packets

MAX_HELD_PACKETS = 1000  # of one group of pictures before `start`; a longer group is decoded rather than held in memory


class MendsTimes(Protocol):
    """A clock, either one that was read ahead (`Clock`) or one that runs along."""

    def mend(self, packets: Iterable[Any]) -> Iterator[Any]:
        """The packets of a stream with mended times."""
        ...


def read_images(
    container: Any, stream: Any, start_pts: float, clock: MendsTimes
) -> Iterator[tuple[int | None, Any | None]]:
    """Decode a video stream into pairs of a time (pts, mended by the clock) and an image, in presentation order.

    The image is None where the decoder lost it, and where it was not decoded because it lies far before `start_pts`
    (see `_mark_needed`). Decoders with threads report an error some packets later, or not at all. So an image counts as
    lost when the packet with its time went in and images with later times came out; if it comes out after them all the
    same, it is dropped.
    """
    yield from decode_packets(_mark_needed(clock.mend(read_packets(container, stream)), start_pts), decoder_of(stream))


def decode_packets(
    packets: Iterable[tuple[Any, bool]], decoder: Any, since: float = -math.inf
) -> Iterator[tuple[int | None, Any | None]]:
    """Decode packets, each with whether it is needed, into pairs as `read_images` gives them.

    Where the first packet is a key frame in the middle of a stream, `since` is its time: what is shown before it is
    left out, as it needs pictures that come before it.
    """
    import av

    owed: list[int] = []  # a heap: times of the packets whose images have not come out
    latest = since
    progressive = True  # in interlaced video a field may have a packet of its own, which owes no image
    for packet, needed in packets:
        if packet is not None and packet.pts is not None and packet.pts >= since and not packet.is_discard:
            heapq.heappush(owed, packet.pts)
        try:
            frames = decoder.decode(packet) if needed else []
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


def decoder_of(stream: Any) -> Any:
    """What decodes the packets of a stream: the stream itself, or libvpx where VP8 or VP9 have alpha, which FFmpeg's
    own decoders leave out."""
    import av

    libvpx = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.name)
    tags = {key.lower(): value for key, value in stream.metadata.items()}
    if tags.get("alpha_mode") != "1" or libvpx not in av.codecs_available:
        return stream
    return av.CodecContext.create(libvpx, "r")


def _pop_lost(pts: float | None, owed: list[int], progressive: bool) -> Iterator[tuple[int, None]]:
    """Remove the times up to `pts` from the heap; those before it belong to lost images, which are yielded."""
    while owed and pts is not None and owed[0] <= pts:
        time = heapq.heappop(owed)
        if time == pts:
            return
        if progressive:
            yield time, None


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
