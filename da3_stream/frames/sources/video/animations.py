"""Image files that hold a sequence: GIF, animated PNG, WebP and AVIF, TIFF of several pages. They are videos."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from ....errors import FramesError
from ....settings import FramesSettings
from ....types import Advice, AdviceCode
from ..images.decoding import DAMAGED, from_pillow
from ..images.header import sampled
from ..images.levels import MOST_PICTURES, Levels, levels_of, show
from ..images.stored_picture import StoredPicture
from ..images.tiff import decode_page, picture_pages
from ..picture import Picture
from ..recording import Candidate, Recording, Seekable
from ..selection import usual_rate
from ..source import LAST_INDEX, FrameSource
from .files import video_recording

TIFF_SUFFIXES = (".tif", ".tiff")
ANIMATED = {".png": "PNG", ".apng": "PNG", ".webp": "WEBP", ".avif": "AVIF"}  # Pillow's names
UNREADABLE = (OSError, SyntaxError, ValueError, RuntimeError, EOFError)  # what Pillow raises at damaged data
UNTOLD_S = 0.1  # that a picture is shown whose time is 0, as browsers have it
EIGHT_BITS = Levels(0.0, 255.0, "uint8")

ReadStored = Callable[[int], StoredPicture | str]


@dataclass(frozen=True, eq=False)
class StoredSequence:
    """The pictures of a file: how many, when each is shown (seconds; empty where the file does not say), and what
    reads them, in order, while the file is open."""

    count: int
    times: Sequence[float]
    open: Callable[[], AbstractContextManager[ReadStored]]


def open_animation(path: Path, settings: FramesSettings, image_side: int | None) -> FrameSource | None:
    """The pictures of an image file that holds several, at their times; None if it does not."""
    recording = _recording(path, settings.default_fps, image_side)
    if recording is None or (recording.count or 0) < 2:
        return None
    source = FrameSource.of(recording, settings, image_side)
    source.say(AdviceCode.INPUT_FILES, f"{path.name} holds {recording.count} pictures: it is read as a video")
    return source


def _recording(path: Path, default_fps: float, image_side: int | None) -> Recording | None:
    """What the file gives: of GIF by FFmpeg, which Pillow 13 cannot read when it is cut off, of others by Pillow and
    tifffile, as FFmpeg 8.1 reads neither animated WebP and AVIF nor the times of PNG, and only the first page."""
    suffix = path.suffix.lower()
    if suffix == ".gif":
        with suppress(FramesError):
            return video_recording(path, default_fps, image_side)
    found = _read_pages(path) if suffix in TIFF_SUFFIXES else _read_animation(path, ANIMATED.get(suffix))
    return None if found is None else _stored_recording(path, found, default_fps)


def _stored_recording(path: Path, found: StoredSequence, default_fps: float) -> Recording:
    levels = _measure_levels(found)
    rate = usual_rate(found.times) or default_fps
    said: list[tuple[AdviceCode, str]] = []
    if not found.times:
        said.append((AdviceCode.INPUT_TIMES, f"{path.name} stores no times: {rate:g} frames a second are assumed"))
    if levels is not None and not levels.is_usual:
        said.append((AdviceCode.INPUT_PIXELS, str(levels)))
    candidates = partial(_candidates, path, found, rate, levels)
    return Recording(
        str(path),
        "video",
        lambda start: candidates(range(found.count)),
        found.count,
        rate,
        has_times=bool(found.times),
        times=found.times,
        advice=[Advice(code, text, 0, LAST_INDEX) for code, text in said],
        levels=lambda: None if levels is None else (levels.low, levels.high),
        seekable=lambda: Seekable(found.count, candidates),
    )


def _candidates(
    path: Path, found: StoredSequence, rate: float, levels: Levels | None, indices: Sequence[int]
) -> Generator[Candidate]:
    with found.open() as read:
        for index in indices:
            timestamp = found.times[index] if found.times else index / rate
            yield Candidate(index, timestamp, f"{path.stem}_{index:06d}", partial(_read_picture, read, index, levels))


def _read_picture(read: ReadStored, index: int, levels: Levels | None) -> Picture | str:
    stored = read(index)
    if isinstance(stored, str):
        return stored
    if not stored.is_deep:
        return Picture(show(stored, EIGHT_BITS), stored.mask)
    if levels is None or stored.values.dtype.name != levels.dtype:
        return f"its numbers are {stored.values.dtype.name}, which those of the others are not"
    return Picture(show(stored, levels), stored.mask)


def _measure_levels(found: StoredSequence) -> Levels | None:
    """The levels that all pictures share; None where they are not deep."""
    with found.open() as read:
        first = read(0)
        if isinstance(first, str) or not first.is_deep:
            return None
        return levels_of((read(index) for index in sampled(range(found.count), MOST_PICTURES)), first.values.dtype.name)


def _read_animation(path: Path, format: str | None) -> StoredSequence | None:
    from PIL import Image

    try:
        with Image.open(path) as image:
            first = int("default_image" in image.info)  # of an animated PNG: shown by who cannot animate
            count = getattr(image, "n_frames", 1)
            if image.format != format or count - first < 2:
                return None
            lengths = [_shown_s(image, index) for index in range(first, count - 1)]
    except (*UNREADABLE, Image.DecompressionBombError):
        return None
    times = [0.0, *accumulate(lengths)]
    return StoredSequence(count - first, times, partial(_open_animation, path, first))


def _shown_s(image: Any, index: int) -> float:
    """How long a picture is shown; Pillow tells that of WebP once it is decoded. A damaged one may take that of the
    picture before."""
    with suppress(*UNREADABLE):
        image.seek(index)
        image.load()
    return float(image.info.get("duration") or 0) / 1000 or UNTOLD_S


@contextmanager
def _open_animation(path: Path, first: int) -> Iterator[ReadStored]:
    from PIL import Image

    def read(index: int) -> StoredPicture | str:
        try:
            image.seek(first + index)
            return from_pillow(image)
        except UNREADABLE:
            return DAMAGED

    with Image.open(path) as image:
        yield read


def _read_pages(path: Path) -> StoredSequence | None:
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            numbers = picture_pages(file)
    except (tifffile.TiffFileError, ValueError, OSError, IndexError, KeyError, TypeError):
        return None
    return StoredSequence(len(numbers), (), partial(_open_pages, path, numbers)) if len(numbers) > 1 else None


@contextmanager
def _open_pages(path: Path, numbers: Sequence[int]) -> Iterator[ReadStored]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        yield lambda index: decode_page(path, file.pages[numbers[index]])
