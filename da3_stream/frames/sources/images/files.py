"""Frames from folders, globs and lists of image files, in natural order, as upright RGB uint8."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from ....geometry.masks import Mask
from ....settings import FramesSettings
from ....types import Advice, AdviceCode
from ..masks.beside import SortedImages, masks_in_sibling, sort_images
from ..picture import Picture
from ..recording import Candidate, Recording, Seekable
from ..selection import usual_rate
from ..source import LAST_INDEX, FrameSource
from ..times.picture_times import PictureTimes
from ..times.pictures import times_of_pictures
from .decoding import read_stored
from .exif import focal_px
from .formats import may_be_deep
from .header import MOST_HEADERS, Header, most_common_size, read_header, sampled
from .levels import Levels, measure_levels, show
from .stored_picture import StoredPicture

MOST_TRIED = 5  # pictures, for one that can be read
SEVERAL_SIZES = "pictures have"  # how it is said that a run has one size
ZOOM = 1.05  # ratio of focal lengths beyond which they are said to differ


def natural_key(path: Path) -> tuple[list[str | int], str]:
    """A key that sorts numbers inside names by value: img2 before img10."""
    parts = re.split(r"(\d+)", str(path).casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], str(path)


def open_images(name: str, paths: Sequence[Path], settings: FramesSettings, image_side: int | None) -> FrameSource:
    """The images as frames: in order of their times where they have some, else as given."""
    return FrameSource.of(image_recording(name, paths, settings), settings, image_side)


def image_recording(name: str, paths: Sequence[Path], settings: FramesSettings) -> Recording:
    """What a row of image files gives: their pictures, without the masks and maps that lie beside them.

    The times are those that `times_of_pictures` finds. The size is the one that most pictures have, the focal length
    that of most photographs' EXIF data.
    """
    found, timed = _in_time(sort_images(paths), settings)
    pictures = PictureFiles(found.pictures)
    headers = [read_header(path) for path in sampled(found.pictures, MOST_HEADERS)]
    size = most_common_size(headers)
    focal_lengths = [] if size is None else _focal_lengths(headers, size)
    texts = [(AdviceCode.INPUT_TIMES, "; ".join(timed.said))] if timed.said else []
    texts += [*_on_sizes(headers, size), *_on_left_out(found.left_out), *pictures.advice()]
    candidates = partial(_candidates, pictures, timed.times)
    return Recording(
        name,
        "images",
        lambda start: candidates(range(len(found.pictures))),
        len(found.pictures),
        usual_rate(timed.times) or settings.default_fps,
        has_times=timed.has_times,
        times=timed.times,
        nanoseconds=timed.nanoseconds,
        files=found.pictures,
        advice=[Advice(code, text, 0, LAST_INDEX) for code, text in [*texts, *_on_focal_lengths(focal_lengths)]],
        size=size,
        focal_px=float(np.median(focal_lengths)) if focal_lengths else None,
        left_out=found.left_out,
        masks=found.masks or masks_in_sibling(found.pictures),
        levels=pictures.black_and_white,
        seekable=lambda: Seekable(len(found.pictures), candidates),
    )


def read_picture(path: Path) -> Picture | str:
    """The picture of an image file by itself, or the reason why it cannot be used."""
    return PictureFiles([path]).read(path)


@dataclass(eq=False)
class PictureFiles:
    """The image files of a sequence; deep ones among them share their levels, which are measured with the first."""

    paths: Sequence[Path]
    levels: Levels | None = field(default=None, init=False)

    def read(self, path: Path) -> Picture | str:
        """The picture of a file, or the reason why it cannot be used."""
        stored = read_stored(path)
        if isinstance(stored, str):
            return stored
        if not stored.is_deep:
            return Picture(show(stored, Levels(0.0, 255.0, "uint8")), stored.mask)
        dtype = stored.values.dtype.name
        if self.levels is None:
            self.levels = measure_levels(self.paths, self._first_deep() or dtype)
        if self.levels.dtype != dtype:
            return f"its numbers are {dtype} where those of the others are {self.levels.dtype}"
        mask = _numbers_only(stored)
        if mask is not None and not mask.any():
            return "no value of it that counts is a number"
        return Picture(show(stored, self.levels), mask)

    def _first_deep(self) -> str | None:
        """The kind of numbers of the first deep picture, whichever is read first."""
        for stored in map(read_stored, filter(may_be_deep, self.paths)):
            if isinstance(stored, StoredPicture) and stored.is_deep:
                return str(stored.values.dtype.name)
        return None

    def black_and_white(self) -> tuple[float, float] | None:
        """Which stored values become black and white; None where no picture is deep, or none was read yet."""
        return None if self.levels is None else (self.levels.low, self.levels.high)

    def advice(self) -> list[tuple[AdviceCode, str]]:
        """What is to be said of the levels, where the first picture that can be read has some."""
        for path in filter(may_be_deep, self.paths[:MOST_TRIED]):
            if isinstance(self.read(path), Picture):
                break
        if self.levels is None or self.levels.is_usual:
            return []
        return [(AdviceCode.INPUT_PIXELS, str(self.levels))]


def _in_time(found: SortedImages, settings: FramesSettings) -> tuple[SortedImages, PictureTimes]:
    """The pictures that have times, in their order."""
    timed = times_of_pictures(found.pictures, settings)
    pictures = [found.pictures[number] for number in timed.order]
    lacking = sorted(set(range(len(found.pictures))) - set(timed.order))
    left_out = [*found.left_out, *((found.pictures[number], "no time is given for it") for number in lacking)]
    return SortedImages(pictures, found.masks, left_out), timed


def _candidates(pictures: PictureFiles, times: Sequence[float], indices: Sequence[int]) -> Generator[Candidate]:
    folder = os.path.commonpath([os.path.abspath(path.parent) for path in pictures.paths])
    for index in indices:
        path = pictures.paths[index]
        name = Path(os.path.relpath(path, folder)).as_posix()
        yield Candidate(index, times[index], name, partial(pictures.read, path))


def _numbers_only(stored: StoredPicture) -> Mask | None:
    """Where a deep picture counts: not where any channel is no number."""
    if stored.values.dtype.kind != "f" or not (holes := np.isnan(stored.values)).any():
        return stored.mask
    inside = ~(holes if holes.ndim == 2 else holes.any(axis=2))
    return inside if stored.mask is None else inside & stored.mask


def _focal_lengths(headers: Sequence[Header | None], size: tuple[int, int]) -> list[float]:
    """In pixels, of the photographs of this size whose EXIF data tell it."""
    found = (focal_px(header.exif, size) for header in headers if header is not None and header.size == size)
    return [value for value in found if value is not None]


def _on_focal_lengths(found: Sequence[float]) -> list[tuple[AdviceCode, str]]:
    if not found or max(found) < ZOOM * min(found):
        return []
    text = (
        f"EXIF tells focal lengths from {min(found):.0f} to {max(found):.0f} pixels: a run has one lens, and begins "
        "with the middle one; give photographs of one focal length"
    )
    return [(AdviceCode.INPUT_CAMERA, text)]


def _on_sizes(headers: Sequence[Header | None], size: tuple[int, int] | None) -> list[tuple[AdviceCode, str]]:
    known = [header.size for header in headers if header is not None]
    if size is None or len(set(known)) == 1:
        return []
    width, height = size
    text = (
        f"{SEVERAL_SIZES} {len(set(known))} sizes: the run's is {width}x{height}, which {known.count(size)} of "
        f"{len(known)} have that were looked at; those of another shape are skipped"
    )
    return [(AdviceCode.INPUT_PIXELS, text)]


def _on_left_out(left_out: Sequence[tuple[Path, str]]) -> list[tuple[AdviceCode, str]]:
    if not left_out:
        return []
    path, reason = left_out[0]
    rest = f" and {len(left_out) - 1} more" if len(left_out) > 1 else ""
    return [(AdviceCode.INPUT_MASKS, f"not taken for pictures: {path.name} ({reason}){rest}")]
