"""Live input: the newest frames are kept, memory stays bounded, a lost connection is restored, and stopping ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from da3_stream.errors import FramesError
from da3_stream.frames import open_source, prefetch
from da3_stream.frames.sources import live
from da3_stream.frames.sources.capture import CapturedImage, ConnectionLostError, is_address, redact_address
from da3_stream.settings import FramesSettings
from tests.frames.conftest import number_of, picture

Write = Callable[..., Path]


class Device:
    """A stand-in for cv2.VideoCapture that gives a fixed number of images, then none."""

    opened: list[Device] = []
    counts: list[int] = []

    def __init__(self, number: int) -> None:
        self.left = self.counts[len(self.opened)] if len(self.opened) < len(self.counts) else 0
        self.given, self.released = 0, False
        self.opened.append(self)

    def isOpened(self) -> bool:  # noqa: N802
        return self.left > 0

    def read(self) -> tuple[bool, Any]:
        time.sleep(0.002)
        if self.given == self.left:
            return False, None
        self.given += 1
        return True, picture((self.given - 1) % 50)[:, :, ::-1].copy()

    def release(self) -> None:
        self.released = True


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> type[Device]:
    monkeypatch.setattr(cv2, "VideoCapture", Device)
    monkeypatch.setattr(live, "FIRST_DELAY_S", 0.01)
    Device.opened, Device.counts = [], []
    return Device


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name in ("capture", "read-ahead")]


@pytest.mark.parametrize("name", ["0", 0])
def test_a_camera_gives_frames_in_rgb_until_enough(device: type[Device], name: str | int) -> None:
    device.counts = [1000]
    source = open_source(name, FramesSettings(max_frames=5))
    found = list(source)
    assert [number_of(frame.image) for frame in found] == [frame.index for frame in found] == [0, 1, 2, 3, 4]
    assert tuple(found[0].image[5, 5]) == (20, 220, 60) and source.kind == "camera" and source.has_times
    times = [frame.timestamp for frame in found]
    assert times[0] == 0 and times == sorted(times) and times[-1] < 60
    assert device.opened[0].released


def test_a_camera_that_is_not_there() -> None:
    with pytest.raises(FramesError, match="camera 97 cannot be opened: check that it is connected"):
        open_source("97", FramesSettings())


def test_a_file_named_like_a_number_is_a_file(write_images: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_images(["1.png", "2.png"], folder="0")
    monkeypatch.chdir(folder.parent)
    assert open_source("0", FramesSettings()).kind == "images"


@pytest.mark.slow
def test_a_slow_reader_gets_the_newest_frames_spread_evenly(device: type[Device]) -> None:
    device.counts = [2000]
    source = open_source("0", FramesSettings())
    frames = iter(source)
    next(frames)
    while device.opened[0].given < 1000:
        time.sleep(0.01)
    assert source.feed is not None and len(source.feed._queue) <= live.MAX_QUEUED  # type: ignore[attr-defined]
    assert source.dropped > 700
    found = [next(frames).index for _ in range(60)]
    assert found == sorted(set(found)) and found[-1] > 700
    source.stop()
    rest = list(frames)
    assert len(rest) <= 1


@pytest.mark.slow
def test_what_was_dropped_was_counted_once(device: type[Device]) -> None:
    device.counts = [1500]
    source = open_source("0", FramesSettings(end=30.0))
    frames, found = iter(source), []
    for frame in frames:
        found.append(frame.index)
        time.sleep(0.02)
        if source.feed._count == 1500 and not source.feed._queue:  # type: ignore[union-attr]
            source.stop()
    assert len(found) + source.dropped == 1500


def test_a_lost_camera_is_reconnected_and_comes_back(device: type[Device], caplog: pytest.LogCaptureFixture) -> None:
    device.counts = [6, 0, 0, 6]
    found = list(open_source("0", FramesSettings(max_frames=10)))
    assert [frame.index for frame in found] == list(range(10))
    assert [number_of(frame.image) for frame in found] == [*range(6), *range(4)]
    assert len(device.opened) == 4 and "camera 0 was lost (it gives no pictures)" in caplog.text
    assert "camera 0 is back" in caplog.text


def test_a_camera_that_stays_lost_is_the_end(device: type[Device], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "GIVE_UP_S", 0.05)
    device.counts = [3]
    assert len(list(open_source("0", FramesSettings()))) == 3


@pytest.mark.slow
def test_the_wanted_time_ends_it_although_no_frame_comes(device: type[Device]) -> None:
    device.counts = [3]
    begun = time.monotonic()
    assert len(list(open_source("0", FramesSettings(end=0.5)))) == 3
    assert time.monotonic() - begun < 20


def test_closing_the_reader_stops_a_camera_that_gives_nothing(device: type[Device]) -> None:
    device.counts = [3]
    begun = time.monotonic()
    with prefetch(open_source("0", FramesSettings())) as frames:
        assert [next(frames).index for _ in range(3)] == [0, 1, 2]
    assert time.monotonic() - begun < 20


def test_stopping_ends_the_frames_in_order(device: type[Device]) -> None:
    device.counts = [3]
    source = open_source("0", FramesSettings())
    threading.Timer(0.3, source.stop).start()
    with prefetch(source) as frames:
        assert [frame.index for frame in frames] == [0, 1, 2]


class Server:
    """Serves answers in turn, the last one again and again; each is a function of the request's handler."""

    def __init__(self, *answers: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.asked = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                answer = answers[min(server.asked, len(answers) - 1)]
                server.asked += 1
                answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://user:secret@127.0.0.1:{self._server.server_port}/video"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*answers: Callable[[BaseHTTPRequestHandler], None]) -> Server:
        servers.append(Server(*answers))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def motion_jpeg(numbers: range) -> Callable[[BaseHTTPRequestHandler], None]:
    """Images as web cameras send them; then the connection breaks."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        for number in numbers:
            data = cv2.imencode(".jpg", picture(number)[:, :, ::-1])[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            handler.wfile.write(head.encode() + data + b"\r\n")
            time.sleep(0.01)

    return answer


def a_file(path: Path, share: float = 1.0) -> Callable[[BaseHTTPRequestHandler], None]:
    """A file, of which only a share is sent before the connection breaks."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        data = path.read_bytes()
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp4")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[: round(share * len(data))])

    return answer


def refused(handler: BaseHTTPRequestHandler) -> None:
    handler.send_error(503)


@pytest.mark.slow
def test_a_stream_that_breaks_is_reconnected_and_goes_on(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live, "FIRST_DELAY_S", 0.01)
    server = serve(motion_jpeg(range(20)), refused, motion_jpeg(range(20, 40)))
    source = open_source(server.address, FramesSettings(max_frames=30))
    assert source.kind == "stream" and "secret" not in source.name
    found = list(source)
    numbers = [number_of(frame.image) for frame in found]
    assert len(found) == 30 and numbers == sorted(numbers) and numbers[0] < 5 and numbers[-1] >= 25
    assert [frame.index for frame in found] == list(range(30))
    times = [frame.timestamp for frame in found]
    assert times == sorted(times)
    assert "was lost" in caplog.text and "is back" in caplog.text and "secret" not in caplog.text


def test_a_file_on_a_server_is_read_whole_and_ends(serve: Callable[..., Server], write_video: Write) -> None:
    path = write_video(count=40, flags="faststart")
    source = open_source(serve(a_file(path)).address, FramesSettings())
    begun = time.monotonic()
    with prefetch(source, 4) as frames:
        found = []
        for frame in frames:
            found.append((frame.index, number_of(frame.image), round(frame.timestamp, 3)))
            time.sleep(0.005)
    assert found == [(i, i, i / 10) for i in range(40)] and source.dropped == 0 and time.monotonic() - begun < 60


@pytest.mark.slow
def test_a_file_whose_server_dies_goes_on_where_it_was(
    serve: Callable[..., Server], write_video: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FIRST_DELAY_S", 0.01)
    path = write_video(count=40, flags="faststart")
    server = serve(a_file(path, 0.6), refused, a_file(path))
    found = [(frame.index, number_of(frame.image)) for frame in open_source(server.address, FramesSettings())]
    assert found == [(i, i) for i in range(40)] and server.asked >= 3


@pytest.mark.slow
def test_an_address_that_does_not_answer_or_is_no_video(serve: Callable[..., Server], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html>" + "Hello. " * 200)
    for server in (serve(refused), serve(a_file(page))):
        with pytest.raises(FramesError) as caught:
            open_source(server.address, FramesSettings())
        text = str(caught.value)
        assert "cannot be opened as a stream" in text and "secret" not in text and "\n" not in text
    with pytest.raises(FramesError, match="is an address of a kind that is not read: give one of rtsp,"):
        open_source("ftp://host/a.mp4", FramesSettings())


def test_what_an_address_is() -> None:
    assert is_address("RTSP://camera/1") and is_address("https://host/a.m3u8")
    assert not is_address("http:/x") and not is_address("a.mp4") and not is_address("ftp://host")
    assert redact_address("rtsp://me:secret@host:554/a?b=c") == "rtsp://host:554/a?b=c"


class Endless:
    """A capture that a test drives."""

    ends = False

    def __init__(self) -> None:
        self.closed = False

    def images(self) -> Iterator[CapturedImage]:
        yield CapturedImage(lambda: np.zeros((4, 4, 3), np.uint8), 2**28)
        raise ConnectionLostError("enough")

    def close(self) -> None:
        self.closed = True


class Broken(Endless):
    """A capture with a bug."""

    def images(self) -> Iterator[CapturedImage]:
        yield CapturedImage(lambda: np.zeros((4, 4, 3), np.uint8), 48)
        raise ZeroDivisionError("of the driver")


def test_an_error_in_the_thread_is_raised_where_frames_are_used() -> None:
    candidates = live.Feed("broken", Broken).candidates()
    assert next(candidates).index == 0
    with pytest.raises(ZeroDivisionError, match="of the driver"):
        next(candidates)


def test_large_images_make_the_queue_short() -> None:
    feed = live.Feed("big", Endless)
    for _ in range(100):
        feed._enqueue(CapturedImage(lambda: "none", 2**28))
        time.sleep(1e-6)
    assert len(feed._queue) <= live.MIN_QUEUED and feed.dropped + len(feed._queue) == feed._count


def test_the_end_of_a_file_on_a_server_goes_by_its_own_times() -> None:
    feed = live.Feed("a file", lambda: None, end=1.0)  # type: ignore[arg-type,return-value]
    feed._start_time = time.monotonic() - 10
    assert feed._is_past_end()
    feed._is_file = True
    assert not feed._is_past_end()
