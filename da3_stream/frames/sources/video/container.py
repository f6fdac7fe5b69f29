"""Opening a video file as a container, with one sentence that says what is wrong if it cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ....errors import FramesError

TEXT_FORMATS = ("tty", "bin", "xbin", "idf", "adf")  # FFmpeg renders text files as video, which is never intended


@contextmanager
def open_container(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a file; yields its container and video stream. Errors of the file while it is open become a FramesError."""
    import av

    if path.stat().st_size == 0:
        raise FramesError(f"'{path}' is empty (0 bytes): copy or download it again")
    try:
        with av.open(str(path)) as container:
            yield container, _video_stream(path, container)
    except (av.FFmpegError, OSError) as error:
        raise FramesError(_why_unreadable(path, error)) from None


def _video_stream(path: Path, container: Any) -> Any:
    if container.format.name in TEXT_FORMATS:
        raise FramesError(f"'{path}' is not a video file but text: give a video or images")
    if not picture_streams(container):
        raise FramesError(f"'{path}' has no video stream ({_contents(container)}): give a file with moving pictures")
    stream = main_stream(container)
    if stream is None:
        raise FramesError(f"'{path}' has a video stream that no decoder here reads: convert it to H.264")
    stream.thread_type = "AUTO"
    return stream


def main_stream(container: Any) -> Any | None:
    """The largest stream of moving pictures that can be decoded, of equals the first."""
    readable = [stream for stream in picture_streams(container) if stream.codec_context is not None]
    return max(readable, key=lambda stream: stream.width * stream.height, default=None)


def picture_streams(container: Any) -> list[Any]:
    """The streams of moving pictures; covers and previews that are attached are none."""
    from av.stream import Disposition

    return [stream for stream in container.streams.video if Disposition.attached_pic not in stream.disposition]


def _contents(container: Any) -> str:
    kinds = [stream.type for stream in container.streams if stream.type != "video"]
    return f"only {', '.join(sorted(set(kinds)))}" if kinds else "nothing at all"


def _why_unreadable(path: Path, error: Exception) -> str:
    if _lacks_index(path):
        return (
            f"'{path}' is not a video file that can be read: it was cut off before its index (moov) was written; "
            "record or copy it again, or repair it with a tool such as untrunc"
        )
    reason = getattr(error, "strerror", None) or str(error)
    return f"'{path}' is not a video file that can be read: {reason}; give a video or images"


def _lacks_index(path: Path) -> bool:
    """Whether this is an MP4 or MOV without its moov box."""
    boxes = _top_boxes(path)
    return boxes[:1] == [b"ftyp"] and b"moov" not in boxes


def _top_boxes(path: Path) -> list[bytes]:
    """The types of an MP4's or MOV's top-level boxes (ISO 14496-12: size, type, content); of other files, nonsense."""
    kinds, position, end = [], 0, path.stat().st_size
    with path.open("rb") as file:
        while position + 16 <= end:
            file.seek(position)
            head = file.read(16)
            size = int.from_bytes(head[:4], "big")
            size = int.from_bytes(head[8:], "big") if size == 1 else size
            kinds.append(head[4:8])
            position += size if size >= 8 else end
    return kinds


def has_whole_index(path: Path, container: Any) -> bool:
    """Whether the container lists every frame before any is read: an MP4 or MOV does that if it is not in fragments."""
    return "mp4" in container.format.name.split(",") and b"moof" not in _top_boxes(path)


def count_cut_off(path: Path, stream: Any) -> int:
    """The number of frames that the file's index places beyond its end; 0 for a whole file or one without an index."""
    end = path.stat().st_size
    return sum(entry.pos >= end for entry in stream.index_entries or ())


def is_cut_off(path: Path, stream: Any) -> bool:
    """Whether the file ends before the last frame that its index lists does."""
    end = path.stat().st_size
    return any(entry.pos + entry.size > end for entry in stream.index_entries or ())
