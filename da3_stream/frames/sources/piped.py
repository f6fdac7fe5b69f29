"""Frames of a video that another program writes into a pipe: standard input, or a named pipe."""

from __future__ import annotations

import math
import os
import stat
import sys
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ...errors import FramesError
from ...settings import FramesSettings
from ...types import Advice, AdviceCode
from .recording import Candidate, Recording
from .source import LAST_INDEX, FrameSource
from .video.clock import LEAP_S, LEAP_STEPS
from .video.container import TEXT_FORMATS, main_stream
from .video.decoding import read_images
from .video.pictures import PictureReader
from .video.pixels import SURVEYED, survey_pixels

STDIN = "-"
STDIN_DEVICES = (STDIN, "/dev/stdin")
HINT = "give a file, or pipe in a format that is read from its beginning on ('ffmpeg -i INPUT -c copy -f matroska -')"

Image = tuple[int | None, Any]  # its time (pts), and the decoder's frame, None where that is lost


def redirected_file(name: str) -> str | None:
    """The file that stands for standard input, where that is one ("run - < FILE"), or None."""
    if name not in STDIN_DEVICES or sys.stdin is None or not stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode):
        return None
    return os.path.realpath("/dev/stdin")


def is_piped(name: str) -> bool:
    """Whether the name stands for standard input or a named pipe."""
    try:
        return name in STDIN_DEVICES or Path(name).is_fifo()
    except (OSError, ValueError):  # such as a name that is too long
        return False


def open_piped(name: str, settings: FramesSettings, image_side: int | None) -> FrameSource:
    """The frames of a video as they come through a pipe, until it ends; they cannot be read twice.

    Raises FramesError with one sentence if nothing is piped in, or no video.
    """
    if name in STDIN_DEVICES and sys.stdin is not None and sys.stdin.isatty():
        raise FramesError(
            "nothing is piped into standard input: give a video, or pipe one in ('ffmpeg … | da3-stream run -')"
        )
    pipe = PipedVideo("standard input" if name in STDIN_DEVICES else name, _connect(name))
    said = [(AdviceCode.INPUT_FILES, f"read from {pipe.name}: a run that is stopped cannot be continued")]
    said += [(AdviceCode.INPUT_PIXELS, text) for text in pipe.survey()]
    rate, has_times = pipe.rate or settings.default_fps, pipe.has_times
    if not has_times:
        said.append((AdviceCode.INPUT_TIMES, f"{pipe.name} carries no times: {rate:g} frames a second are assumed"))
    return FrameSource.of(
        Recording(
            pipe.name,
            "stream",
            partial(pipe.candidates, rate, image_side),
            rate=rate,
            has_times=has_times,
            advice=[Advice(code, text, 0, LAST_INDEX) for code, text in said],
        ),
        settings,
        image_side,
    )


def _connect(name: str) -> Any:
    import av

    where = "pipe:0" if name in STDIN_DEVICES else name
    try:
        container = av.open(where)
    except (av.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FramesError(f"what is piped in is not a video that can be read ({reason}): {HINT}") from None
    if container.format.name in TEXT_FORMATS or main_stream(container) is None:
        container.close()
        raise FramesError(f"what is piped in holds no moving pictures: {HINT}")
    return container


class RunningClock:
    """Mends times as they come: where they leap or fall back, they go on as if no time had passed."""

    def __init__(self) -> None:
        self._latest: int | None = None
        self._left_out, self._step = 0, 1  # ticks

    def mend(self, packets: Iterable[Any]) -> Iterator[Any]:
        """The packets, without falls of the clock."""
        added, latest = 0, -math.inf
        for packet in packets:
            if packet is not None and packet.dts is not None:
                if packet.dts + added < latest:
                    added = int(latest) + (packet.duration or 1) - packet.dts
                packet.dts += added
                packet.pts = None if packet.pts is None else packet.pts + added
                latest = packet.dts
            yield packet

    def close(self, time: int, base: Fraction) -> int:
        """The time in ticks of the next frame, without leaps of the clock; the first one's is 0."""
        if self._latest is None:
            self._left_out = self._latest = time
        gap = time - self._latest
        if gap * base > LEAP_S and gap > LEAP_STEPS * self._step:
            self._left_out, gap = self._left_out + gap - self._step, self._step
        self._step, self._latest = gap or self._step, time
        return time - self._left_out


@dataclass(eq=False)
class PipedVideo:
    """A video that comes through a pipe. Its first frames are looked at before they are used."""

    name: str
    container: Any
    _stream: Any = field(init=False)
    _clock: RunningClock = field(default_factory=RunningClock)
    _images: Iterator[Image] = field(init=False)
    _used: bool = False

    def __post_init__(self) -> None:
        self._stream = main_stream(self.container)
        self._stream.thread_type = "AUTO"
        self._images = read_images(self.container, self._stream, -math.inf, self._clock)

    @property
    def rate(self) -> float | None:
        """Frames a second, as the stream says."""
        told = self._stream.average_rate or self._stream.guessed_rate
        return float(told) if told else None

    @property
    def has_times(self) -> bool:
        """Whether the stream carries times."""
        return self._stream.start_time is not None

    def survey(self) -> list[str]:
        """Look at the first frames, and return what is to be said of their pixels. Raises FramesError without any."""
        first = next(self._images, None)
        if first is None:
            raise FramesError(f"no frame of what is piped in can be read: {HINT}")
        seen: list[Image] = []
        frames = self._good_frames(chain([first], self._images), seen)
        self.pixels, told = survey_pixels(self._stream, frames, lambda: islice(frames, SURVEYED))
        self._images = chain(seen or [first], self._images)
        return told

    def _good_frames(self, images: Iterable[Image], seen: list[Image]) -> Iterator[Any]:
        for image in images:
            seen.append(image)
            if image[1] is not None and not image[1].is_corrupt:
                yield image[1]

    def candidates(self, rate: float, image_side: int | None, start: float | None) -> Generator[Candidate]:
        """The frames until the pipe ends. Raises FramesError the second time."""
        if self._used:
            raise FramesError(f"{self.name} can be read only once: give a file")
        self._used, reader = True, PictureReader(self.pixels, image_side)
        with self.container:
            for index, (pts, frame) in enumerate(self._images):
                timestamp = index / rate
                if self.has_times and pts is not None:
                    timestamp = float(self._clock.close(pts, self._stream.time_base) * self._stream.time_base)
                decode = partial(reader.read, frame, self.pixels.aspect_now(self._stream))
                yield Candidate(index, timestamp, f"frame_{index:06d}", decode)
