"""When the frames of a video are shown, as its packets tell without being decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ....types import Float64
from .clock import Clock, Ticks, find_falls, find_leaps, find_presentation_falls, usual_step
from .container import has_whole_index, open_container
from .packet_list import PacketList
from .packets import read_packets


@dataclass(frozen=True)
class ClockFault:
    """The clock of a video is off by so many seconds (negative: it falls back) from this frame on."""

    frame: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Timeline:
    """The times of a video's frames.

    `times` [count] are seconds since the stream's start at the tick `origin`, ascending, without the `faults` that
    `clock` mends; empty where the file stores none. `packets` are those that it was read from.
    """

    count: int
    times: Float64
    origin: int = 0
    clock: Clock = field(default_factory=Clock)
    faults: Sequence[ClockFault] = ()
    packets: PacketList | None = None

    @property
    def has_times(self) -> bool:
        """Whether the file stores times."""
        return len(self.times) > 0


class _Packet(NamedTuple):
    """What is kept of a packet: not its data, which would be the whole file."""

    pts: int | None
    dts: int | None
    is_discard: bool
    is_keyframe: bool
    size: int

    @classmethod
    def of(cls, packet: Any) -> _Packet:
        return cls(packet.pts, packet.dts, packet.is_discard, packet.is_keyframe, packet.size)


def read_timeline(path: Path, container: Any, stream: Any) -> Timeline:
    """The timeline of a video file, which is open: from its index where that lists all frames and the clock is sound,
    else from all its packets. Raises FramesError if it cannot be read."""
    index, start = _listed(path, container, stream), stream.start_time
    listed = index.times[index.are_shown]
    if start is not None and _is_sound(listed, stream.time_base) and _ends_soundly(container, stream, listed):
        # decoding times: as far apart as those of presentation
        return Timeline(len(listed), (listed - listed[0]) * float(stream.time_base), start, packets=index)
    with open_container(path) as (container, stream):
        packets = [_Packet.of(packet) for packet in read_packets(container, stream) if packet is not None]
        if stream.start_time is None or stream.time_base is None:
            return Timeline(sum(not packet.is_discard for packet in packets), np.empty(0))
        return _timeline(packets, stream.time_base, container.format.name)


def _listed(path: Path, container: Any, stream: Any) -> PacketList:
    """The packets that the index of a whole MP4 file lists; none where only reading them tells."""
    if not has_whole_index(path, container):
        return PacketList.of_index(())
    end = path.stat().st_size
    return PacketList.of_index(entry for entry in stream.index_entries if entry.pos < end)


def _is_sound(times: Ticks, base: Fraction) -> bool:
    return len(times) > 0 and bool(np.all(np.diff(times) >= 0)) and not find_leaps(times, float(base))


def _ends_soundly(container: Any, stream: Any, listed: Ticks) -> bool:
    """Whether no leap hides at the end, where decoding times lag behind those of presentation."""
    import av

    try:
        container.seek(int(listed[-1]), stream=stream)
        last = [
            packet.pts for packet in read_packets(container, stream) if packet is not None and packet.pts is not None
        ]
    except av.FFmpegError:
        return False
    return bool(last) and not find_leaps(np.sort([int(listed[0]), int(listed[-1]), *last]), float(stream.time_base))


def _timeline(packets: Sequence[_Packet], base: Fraction, container: str) -> Timeline:
    shown = np.array([not packet.is_discard for packet in packets], bool)
    if not shown.any():
        return Timeline(0, np.empty(0))
    clock = _clock_without_leaps(packets, container)
    joined = _joined(packets, clock)
    ticks = np.sort(joined[shown])
    clock = replace(clock, leaps=find_leaps(ticks, float(base)))
    closed = np.array([clock.closed(tick) for tick in ticks.tolist()])
    faults = _faults(ticks, [(int(joined[number]), -added) for number, added in clock.falls], base)
    faults += _faults(ticks, clock.leaps, base)
    by_frame = sorted(faults, key=attrgetter("frame"))
    listed = PacketList.of_packets(packets)
    return Timeline(len(ticks), (closed - closed[0]) * float(base), int(closed[0]), clock, by_frame, listed)


def _clock_without_leaps(packets: Sequence[_Packet], container: str) -> Clock:
    """The falls of a stream's clock, by the times that its container stores: libav makes up the others."""
    if "matroska" in container:
        times = [packet.pts for packet in packets]
        return Clock(find_presentation_falls(times, [packet.is_keyframe for packet in packets]), has_dts=False)
    by_order = container == "avi" and any(packet.pts != packet.dts for packet in packets)
    return Clock(find_falls([packet.dts for packet in packets]), by_order=by_order)


def _joined(packets: Sequence[_Packet], clock: Clock) -> Ticks:
    """Times of packets without falls; one that has none comes a usual step after the one before, or before all others
    (as in Matroska files that begin before 0)."""
    pairs = [clock.joined(number, packet.pts, packet.dts) for number, packet in enumerate(packets)]
    times = [dts if pts is None or clock.by_order else pts for pts, dts in pairs]
    known = np.sort([time for time in times if time is not None])
    step = usual_step(known)
    leading = next(number for number, time in enumerate(times) if time is not None)
    filled = [int(known[0]) - step * (leading + 1)]
    for time in times:
        filled.append(filled[-1] + step if time is None else time)
    return np.array(filled[1:])


def _faults(ticks: Ticks, rows: Sequence[tuple[int, int]], base: Fraction) -> list[ClockFault]:
    """What rows (time, ticks that the clock is ahead since) say of the frames with these times."""
    steps = zip(rows, [0, *(ahead for _, ahead in rows)], strict=False)
    return [ClockFault(int(np.searchsorted(ticks, time)), float((ahead - was) * base)) for (time, ahead), was in steps]
