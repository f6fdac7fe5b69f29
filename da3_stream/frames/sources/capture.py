"""Capturing images from a camera or over the network until the connection is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlsplit

from ...errors import FramesError
from ...types import UInt8
from .picture import Picture
from .video.container import TEXT_FORMATS
from .video.pictures import PictureReader
from .video.pixels import known_pixels

SCHEMES = ("rtsp", "rtsps", "rtmp", "http", "https", "rtp", "udp", "tcp", "srt")
OPEN_S, READ_S = 15.0, 5.0  # timeouts for opening a connection and for its next data


@dataclass(frozen=True, eq=False)
class CapturedImage:
    """A captured image; `decode` returns its picture, or the reason why it cannot be decoded.

    `time` is in seconds and comes from the file where the input is one; it is None for live input, whose frames take
    their time of arrival.
    """

    decode: Callable[[], Picture | str]
    n_bytes: int
    time: float | None = None


class ConnectionLostError(Exception):
    """The camera or stream gives no further image; the message says why."""


class Capture(Protocol):
    """An open camera or stream; `ends` is true for a file that is read over the network."""

    ends: bool

    def images(self) -> Iterator[CapturedImage]:
        """Iterate over the images as they come. Raises ConnectionLostError where no more can be read."""
        ...

    def close(self) -> None:
        """Release the camera or the connection."""
        ...


class CameraCapture:
    """A camera of this machine, captured by OpenCV."""

    ends = False

    def __init__(self, number: int) -> None:
        """Raises FramesError if it cannot be opened."""
        import cv2

        level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            self._capture = cv2.VideoCapture(number)
        finally:
            cv2.utils.logging.setLogLevel(level)
        if not self._capture.isOpened():
            raise FramesError(
                f"camera {number} cannot be opened: check that it is connected, that you may use /dev/video{number}, "
                "and that no other program does"
            )

    def images(self) -> Iterator[CapturedImage]:
        """See `Capture`."""
        while True:
            done, image = self._capture.read()
            if not done:
                raise ConnectionLostError("it gives no pictures")
            yield CapturedImage(partial(_picture, image), image.nbytes)

    def close(self) -> None:
        """See `Capture`."""
        self._capture.release()


class StreamCapture:
    """A network stream or a video file on a server, captured by PyAV."""

    def __init__(self, address: str) -> None:
        """Raises FramesError if it cannot be opened or has no video stream."""
        self._container = _connect(address)
        self._stream = self._container.streams.best("video")
        if self._stream is None or self._container.format.name in TEXT_FORMATS:
            self._container.close()
            raise FramesError(
                f"'{redact_address(address)}' holds no moving pictures: give the address of a video stream"
            )
        self._stream.thread_type = "AUTO"
        self.ends = bool(self._container.duration)

    def images(self) -> Iterator[CapturedImage]:
        """See `Capture`."""
        import av

        origin = self._stream.start_time or 0
        reader = PictureReader(known_pixels(self._stream))
        try:
            for frame in self._container.decode(self._stream):
                known = self.ends and frame.pts is not None
                time = float((frame.pts - origin) * self._stream.time_base) if known else None
                decode = partial(reader.read, frame, reader.pixels.aspect_now(self._stream))
                yield CapturedImage(decode, frame.width * frame.height * 3 // 2, time)
        except (av.FFmpegError, OSError) as error:
            raise ConnectionLostError(_reason(error)) from None
        if not self.ends:
            raise ConnectionLostError("it ended")

    def close(self) -> None:
        """See `Capture`."""
        self._container.close()


def _connect(address: str) -> Any:
    """Open the address as a PyAV container. Raises FramesError if it cannot be opened."""
    import av

    options = {"rtsp_transport": "tcp"} if address.startswith("rtsp") else {}
    try:
        return av.open(address, timeout=(OPEN_S, READ_S), options=options)
    except (av.FFmpegError, OSError) as error:
        raise FramesError(
            f"'{redact_address(address)}' cannot be opened as a stream: {_reason(error)}; check the address, and that "
            "its camera or server is on"
        ) from None


def is_address(name: str) -> bool:
    """Whether the name is the address of a network stream."""
    return "://" in name and urlsplit(name).scheme.lower() in SCHEMES


def redact_address(address: str) -> str:
    """The address without user and password, fit for logs and messages."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _picture(image: UInt8) -> Picture:
    import cv2

    return Picture(cv2.cvtColor(image, cv2.COLOR_BGR2RGB if image.ndim == 3 else cv2.COLOR_GRAY2RGB))


def _reason(error: Any) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
