"""Frames from video files by PyAV: upright images in presentation order with their times from the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ....settings import FramesSettings
from ....types import Advice, AdviceCode
from ..recording import Recording
from ..selection import usual_rate
from ..source import LAST_INDEX, FrameSource
from .candidates import VideoFrames
from .container import open_container, picture_streams
from .created import creation_time
from .deep import sample_frames
from .focal_length import read_focal_px
from .pictures import PictureReader
from .pixels import good_frames, survey_pixels
from .timeline import Timeline, read_timeline

VIDEO_SUFFIXES = (
    *(".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mts", ".m2ts", ".ts", ".mpg", ".mpeg", ".wmv", ".flv"),
    *(".3gp", ".ogv", ".lrv", ".insv", ".360", ".h264", ".h265", ".hevc", ".264", ".265", ".avc", ".ivf", ".obu"),
    *(".3g2", ".asf", ".divx", ".dv", ".f4v", ".m1v", ".m2t", ".m2v", ".mjpeg", ".mjpg", ".mod", ".mpe", ".mxf"),
    *(".nut", ".ogm", ".qt", ".tod", ".vob", ".y4m"),
)


def open_video(path: Path, settings: FramesSettings, image_side: int | None) -> FrameSource:
    """The frames of a video file. Raises FramesError with one sentence if there are none that can be read."""
    return FrameSource.of(video_recording(path, settings.default_fps, image_side), settings, image_side)


def video_recording(path: Path, default_fps: float, image_side: int | None = None) -> Recording:
    """What a video file gives, its pictures' longest side at most `image_side`. Raises FramesError with one sentence
    if it cannot be read.

    Timestamps are seconds since the video stream's own start, so that the first frame is at 0 unless it is lost; where
    a file stores no times, they are index / rate. A frame that the decoder loses or decodes with errors counts in
    `Frame.index` and, if selected, is recorded as skipped.
    """
    with open_container(path) as (container, stream):
        told, begin = stream.average_rate or stream.guessed_rate, creation_time(container, stream)
        other_streams, focal_px = _other_streams(path, container, stream), read_focal_px(container, stream)
        sample = partial(sample_frames, container, stream)
        pixels, told_of_pixels = survey_pixels(stream, good_frames(container, stream), sample)
        timeline = read_timeline(path, container, stream)
    rate = usual_rate(timeline.times) or (float(told) if told else default_fps)
    frames = VideoFrames(path, rate, timeline, partial(PictureReader, pixels, image_side))
    return Recording(
        str(path),
        "video",
        frames.candidates,
        timeline.count or None,
        rate,
        has_times=timeline.has_times,
        times=timeline.times,
        begin=begin,
        focal_px=focal_px,
        levels=pixels.black_and_white,
        advice=(*other_streams, *_on_times(path, rate, timeline), *_on_pixels(told_of_pixels)),
        seekable=frames.seekable,
    )


def _other_streams(path: Path, container: Any, used: Any) -> list[Advice]:
    """What is said where a file holds more than one stream of moving pictures."""
    others = [stream for stream in picture_streams(container) if stream.index != used.index]
    if not others:
        return []
    names = ", ".join(_stream_name(stream) for stream in others)
    way = f"to use another, take it out (ffmpeg -i {path.name} -map 0:{others[0].index} -c copy OUT.mkv)"
    text = f"{path.name} holds {1 + len(others)} picture streams: {_stream_name(used)} is used, not {names}; {way}"
    return [Advice(AdviceCode.INPUT_FILES, text, 0, LAST_INDEX)]


def _stream_name(stream: Any) -> str:
    size = f" ({stream.width}x{stream.height})" if stream.codec_context is not None else ""
    return f"stream {stream.index}{size}"


def _on_pixels(texts: Iterable[str]) -> Iterator[Advice]:
    return (Advice(AdviceCode.INPUT_PIXELS, text, 0, LAST_INDEX) for text in texts)


def _on_times(path: Path, rate: float, timeline: Timeline) -> Iterator[Advice]:
    if not timeline.has_times:
        text = f"{path.name} stores no times: {rate:g} frames a second are assumed"
        yield Advice(AdviceCode.INPUT_TIMES, text, 0, LAST_INDEX)
    elif timeline.faults:
        first, count = timeline.faults[0], len(timeline.faults)
        often = "" if count == 1 else f", and {count - 1} more time{'s' * (count > 2)} later"
        way = "leaps ahead" if first.seconds > 0 else "falls back"
        text = f"the clock of {path.name} {way} by {abs(first.seconds):.6g} s at frame {first.frame}{often}: closed up"
        yield Advice(AdviceCode.INPUT_TIMES, text, 0, LAST_INDEX)
