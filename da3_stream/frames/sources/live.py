"""Live input: a thread captures images into a bounded queue, and reconnects when the connection is lost.

Where the queue is full, every second image in it is dropped, but never the newest: the images that a slow consumer gets
are evenly spread over time, as if the camera were slower. For a file on a server the thread waits instead of dropping.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial

from ...errors import FramesError
from ...settings import FramesSettings
from .capture import CameraCapture, Capture, CapturedImage, ConnectionLostError, StreamCapture, redact_address
from .recording import Candidate
from .selection import with_rate
from .source import FrameSource
from .times.retiming import list_of_times

log = logging.getLogger(__name__)

MAX_QUEUED, MIN_QUEUED = 120, 8  # images; about as many as a window has
QUEUE_BYTES = 256 * 2**20
FIRST_DELAY_S, MAX_DELAY_S = 0.5, 10.0  # between attempts to reconnect, doubled each time
GIVE_UP_S = 600.0
POLL_S = 0.2  # longest wait between checks whether the input was stopped or has ended
JOIN_TIMEOUT_S = 2.0  # for a thread that is stuck in a capture; it ends by itself when the connection times out


def open_camera(number: int, settings: FramesSettings, image_side: int | None) -> FrameSource:
    """Frames of a camera of this machine until it is stopped. Raises FramesError if it cannot be opened."""
    return _open(Feed(f"camera {number}", partial(CameraCapture, number), settings.end), "camera", settings, image_side)


def open_stream(address: str, settings: FramesSettings, image_side: int | None) -> FrameSource:
    """Frames of a network stream until it is stopped, or of a file on a server until its end. Raises FramesError if it
    cannot be opened."""
    return _open(
        Feed(redact_address(address), partial(StreamCapture, address), settings.end), "stream", settings, image_side
    )


def _open(feed: Feed, kind: str, settings: FramesSettings, image_side: int | None) -> FrameSource:
    if list_of_times(settings) is not None:
        raise FramesError(f"{feed.name} tells its own times: leave frames.times out")
    return FrameSource(
        name=feed.name,
        kind=kind,  # type: ignore[arg-type]
        candidates=feed.candidates,
        settings=with_rate(settings, settings.default_fps),
        image_side=image_side,
        has_times=True,
        feed=feed,
    )


@dataclass(frozen=True, eq=False)
class _QueuedImage:
    """A captured image with its index and the seconds since the first one."""

    index: int
    timestamp: float
    image: CapturedImage


@dataclass(eq=False)
class Feed:
    """The images of one live input; `connect` opens it, `end` is the time in seconds after which none is wanted.

    `dropped` counts the images that were removed from the full queue.
    """

    name: str
    connect: Callable[[], Capture]
    end: float | None = None
    dropped: int = 0
    _queue: list[_QueuedImage] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _is_file: bool = False  # on a server, with times of its own
    _ended: bool = False
    _error: BaseException | None = None
    _count: int = 0
    _start_time: float | None = None  # monotonic time of the first image
    _last_timestamp: float = -1.0

    def stop(self) -> None:
        """Give no further image; can be called from any thread."""
        self._stopped.set()

    def candidates(self) -> Generator[Candidate]:
        """Iterate over the images in order, until the end, `stop`, or a connection that stays lost.

        Raises FramesError if the input cannot be opened at the start.
        """
        self._stopped.clear()
        self._queue, self._ended, self._error = [], False, None
        self._count, self._start_time, self._last_timestamp = 0, None, -1.0
        thread = threading.Thread(target=self._run, args=(self.connect(),), name="capture", daemon=True)
        thread.start()
        try:
            while (queued := self._next()) is not None:
                name = f"frame_{queued.index:06d}"
                yield Candidate(queued.index, queued.timestamp, name, queued.image.decode)
        finally:
            self.stop()
            thread.join(JOIN_TIMEOUT_S)

    def _next(self) -> _QueuedImage | None:
        with self._changed:
            while not self._queue:
                if self._error is not None:
                    raise self._error
                if self._ended or self._stopped.is_set() or self._is_past_end():
                    return None
                self._changed.wait(POLL_S)
            queued = self._queue.pop(0)
            self._changed.notify_all()
            return None if self._stopped.is_set() else queued

    def _is_past_end(self) -> bool:
        """Whether `end` has passed although no image with a later time has come."""
        if self.end is None or self._start_time is None or self._is_file:
            return False
        return time.monotonic() - self._start_time > self.end

    def _run(self, capture: Capture) -> None:
        """Run in the thread; its errors are raised again where the images are used."""
        try:
            self._capture(capture)
        except BaseException as error:
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _capture(self, capture: Capture | None) -> None:
        while capture is not None:
            try:
                self._enqueue_all(capture)
                break
            except ConnectionLostError as lost:
                reason = str(lost)
            finally:
                capture.close()
            capture = self._reconnect(reason)

    def _enqueue_all(self, capture: Capture) -> None:
        self._is_file = capture.ends
        for image in capture.images():
            if self._stopped.is_set():
                return
            self._enqueue(image)

    def _enqueue(self, image: CapturedImage) -> None:
        now = time.monotonic()
        self._start_time = now if self._start_time is None else self._start_time
        timestamp = now - self._start_time if image.time is None else image.time
        if timestamp <= self._last_timestamp:
            return  # a file starts over when its connection was lost; these images were queued before
        self._last_timestamp = timestamp
        limit = min(max(QUEUE_BYTES // max(image.n_bytes, 1), MIN_QUEUED), MAX_QUEUED)
        with self._changed:
            while self._is_file and len(self._queue) >= limit and not self._stopped.is_set():
                self._changed.wait(POLL_S)
            self._queue.append(_QueuedImage(self._count, timestamp, image))
            self._count += 1
            if len(self._queue) > limit:
                self._thin()
            self._changed.notify_all()

    def _thin(self) -> None:
        kept = self._queue[::-2][::-1]  # counted from the newest, which is kept
        if not self.dropped:
            log.warning("%s gives more frames than can be used at this pace: some are dropped", self.name)
        self.dropped += len(self._queue) - len(kept)
        self._queue = kept

    def _reconnect(self, reason: str) -> Capture | None:
        """Open the input again, or return None if it was stopped or stays lost for `GIVE_UP_S`."""
        log.warning("%s was lost (%s): trying to get it back", self.name, reason)
        start, delay = time.monotonic(), FIRST_DELAY_S
        while not self._stopped.wait(delay):
            try:
                capture = self.connect()
            except FramesError as error:
                log.info("not yet: %s", error)
                if time.monotonic() - start > GIVE_UP_S:
                    log.warning("%s did not come back within %.0f s: taken for the end", self.name, GIVE_UP_S)
                    return None
                delay = min(2 * delay, MAX_DELAY_S)
            else:
                log.warning("%s is back after %.1f s", self.name, time.monotonic() - start)
                return capture
        return None
