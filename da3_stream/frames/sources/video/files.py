"""Frames from video files by PyAV: upright images in presentation order with their times from the file."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ....settings import FramesSettings
from ....types import Advice, AdviceCode, UInt8
from ..picture import Picture
from ..recording import Candidate, Recording
from ..selection import usual_rate
from ..source import LAST_INDEX, FrameSource
from .container import count_cut_off, open_container
from .created import creation_time
from .decoding import read_images
from .timeline import Timeline, read_timeline

VIDEO_SUFFIXES = (
    *(".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mts", ".m2ts", ".ts", ".mpg", ".mpeg", ".wmv", ".flv"),
    *(".3gp", ".ogv", ".lrv", ".insv", ".360", ".h264", ".h265", ".hevc"),
)
LOST = "cannot be decoded"
DAMAGED = "decoded from damaged data"


def open_video(path: Path, settings: FramesSettings, image_side: int | None) -> FrameSource:
    """The frames of a video file. Raises FramesError with one sentence if there are none that can be read."""
    return FrameSource.of(video_recording(path, settings.default_fps), settings, image_side)


def video_recording(path: Path, default_fps: float) -> Recording:
    """What a video file gives. Raises FramesError with one sentence if it cannot be read.

    Timestamps are seconds since the video stream's own start, so that the first frame is at 0 unless it is lost; where
    a file stores no times, they are index / rate. A frame that the decoder loses or decodes with errors counts in
    `Frame.index` and, if selected, is recorded as skipped.
    """
    with open_container(path) as (container, stream):
        told, begin = stream.average_rate or stream.guessed_rate, creation_time(container, stream)
    timeline = read_timeline(path)
    rate = usual_rate(timeline.times) or (float(told) if told else default_fps)
    return Recording(
        str(path),
        "video",
        partial(_candidates, path, rate, timeline),
        timeline.count or None,
        rate,
        has_times=timeline.has_times,
        times=timeline.times,
        begin=begin,
        advice=tuple(_told(path, rate, timeline)),
    )


def _told(path: Path, rate: float, timeline: Timeline) -> Iterator[Advice]:
    if not timeline.has_times:
        text = f"{path.name} stores no times: {rate:g} frames a second are assumed"
        yield Advice(AdviceCode.INPUT_TIMES, text, 0, LAST_INDEX)
    elif timeline.faults:
        first, count = timeline.faults[0], len(timeline.faults)
        often = "" if count == 1 else f", and {count - 1} more time{'s' * (count > 2)} later"
        way = "leaps ahead" if first.seconds > 0 else "falls back"
        text = f"the clock of {path.name} {way} by {abs(first.seconds):.6g} s at frame {first.frame}{often}: closed up"
        yield Advice(AdviceCode.INPUT_TIMES, text, 0, LAST_INDEX)


def _candidates(path: Path, rate: float, timeline: Timeline, start: float | None) -> Generator[Candidate]:
    """All frames of the file in presentation order; those far before `start` are listed but not decoded."""
    with open_container(path) as (container, stream):
        start_pts = -math.inf if start is None else timeline.origin + start / stream.time_base
        index, timestamp = -1, -1 / rate
        for index, (pts, frame) in enumerate(read_images(container, stream, start_pts, timeline.clock)):
            if not timeline.has_times:
                timestamp = index / rate
            elif timeline.clock.by_order and index < timeline.count:
                timestamp = float(timeline.times[index])
            elif pts is None:
                timestamp += 1 / rate
            else:
                timestamp = max(timestamp, float((pts - timeline.origin) * stream.time_base))
            yield Candidate(index, timestamp, f"{path.stem}_{index:06d}", partial(decode_frame, frame))
        if missing := count_cut_off(path, stream):
            reason = f"the file is cut off (frames listed in its index that are missing from here on: {missing})"
            yield Candidate(index + 1, timestamp + 1 / rate, f"{path.stem}_{index + 1:06d}", lambda: reason)


def decode_frame(frame: Any | None) -> Picture | str:
    """Convert a decoder's frame to an upright picture, or return the reason why it is lost or damaged."""
    if frame is None:
        return LOST
    if frame.is_corrupt:
        return DAMAGED
    return Picture(turn_upright(frame.to_ndarray(format="rgb24"), _display_matrix(frame)))


def turn_upright(image: UInt8, matrix: tuple[int, ...] | None) -> UInt8:
    """Apply a display matrix (ISO 14496-12: a b u c d v ...) to an image [H,W,3], in quarter turns and flips.

    The matrix takes column p and row q to column a p + c q and row b p + d q.
    """
    if matrix is None:
        return image
    a, b, _, c, d = matrix[:5]
    if abs(b) > abs(a):
        image = image.transpose(1, 0, 2)
        across, down = c, b
    else:
        across, down = a, d
    return np.ascontiguousarray(image[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])


def _display_matrix(frame: Any) -> tuple[int, ...] | None:
    from av.sidedata.sidedata import Type

    data = frame.side_data.get(Type.DISPLAYMATRIX)
    return None if data is None else tuple(np.frombuffer(bytes(data), np.int32).tolist())
