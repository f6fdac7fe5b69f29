"""Gray videos of more than eight bits, as thermal cameras write them: their levels are those of the whole video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ....types import UInt8
from ..images.levels import MOST_PICTURES, Levels, levels_of, show
from ..images.stored_picture import StoredPicture


def is_deep_gray(frame: Any) -> bool:
    """Whether a frame is gray of more than eight bits."""
    format = frame.format
    return bool(format.name.startswith("gray") and format.components[0].bits > 8)


def measure_levels(frames: Iterable[Any]) -> Levels | None:
    """The levels of a gray video by some of its frames; None where it uses the range that its numbers have."""
    pictures = [_stored(frame) for frame in frames if is_deep_gray(frame)]
    if not pictures:
        return None
    levels = levels_of(pictures, pictures[0].values.dtype.name)
    return levels if levels.low > 0 or levels.high not in (1.0, 1023.0, 4095.0, 16383.0, 65535.0) else None


def show_levels(frame: Any, levels: Levels) -> UInt8:
    """A gray frame as RGB [H,W,3] between the levels."""
    return show(_stored(frame), levels)


def sample_frames(container: Any, stream: Any) -> Iterator[Any]:
    """Frames of a file, evenly spaced in time, as far as it can be searched."""
    import av

    length = stream.duration or int((container.duration or 0) / av.time_base / (stream.time_base or 1))
    for number in range(MOST_PICTURES):
        try:
            container.seek((stream.start_time or 0) + length * number // MOST_PICTURES, stream=stream)
            yield next(container.decode(stream))
        except (av.FFmpegError, StopIteration):
            return


def _stored(frame: Any) -> StoredPicture:
    return StoredPicture(frame.to_ndarray())
