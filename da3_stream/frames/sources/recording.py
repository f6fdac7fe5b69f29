"""A recording: what one file, or one row of images, gives, before anything of it is selected or decoded."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...calibration import KnownCamera
from ...types import Advice, Float64
from .picture import Picture

Kind = Literal["video", "images", "bag", "arrays", "camera", "stream"]


@dataclass(frozen=True)
class Candidate:
    """A frame that is not yet selected or decoded.

    `decode` returns the picture, or the reason why it cannot be decoded. It is called at most once, and only for
    selected frames, so that the others cost no conversion. `shot` counts the cuts before it that are known already.
    """

    index: int
    timestamp: float
    name: str
    decode: Callable[[], Picture | str]
    shot: int = 0


@dataclass(frozen=True, eq=False)
class Seekable:
    """A recording whose frames are read in any order: how many there are, as they are counted when it is read from its
    beginning, and what gives those with some of their indices, which ascend."""

    count: int
    candidates: Callable[[Sequence[int]], Generator[Candidate]]


def comes_once() -> str:
    """Why the frames of a recording that is not made of files cannot be searched."""
    return "its frames come in their order, and once: only those of files can be searched"


@dataclass(frozen=True, eq=False)
class Recording:
    """Frames that were recorded in one go.

    `candidates` lists them in order; those far before the time that it is given (seconds, None: the beginning) need not
    be decodable. `count` is how many there are, where that is known without decoding, `rate` how many a second. `times`
    are their seconds where those are known without decoding (empty: index / rate), perhaps a frame early or late,
    `nanoseconds` the same exactly, where the input has them; `has_times` says whether they are the input's own. `files`
    are the paths of images, by index. `begin` is the time of the first frame by a clock that other recordings may
    share, in seconds since 1970, where the file tells. `advice` is what is to be said of it, `left_out` are the files
    beside it that are not used, each with the reason, `calibration` is the camera, where the files tell it. Of images:
    `size` is the (width, height) that most have, `focal_px` their focal length by EXIF, `masks` are the mask files that
    lie beside them, and `levels` tells which stored values become black and white, once they are measured. `seekable`
    finds out whether its frames can be read in any order, or why not.
    """

    name: str
    kind: Kind
    candidates: Callable[[float | None], Generator[Candidate]]
    count: int | None = None
    rate: float | None = None
    has_times: bool = False
    times: Sequence[float] | Float64 = ()
    nanoseconds: Sequence[int] = ()
    files: Sequence[Path] = ()
    begin: float | None = None
    advice: Sequence[Advice] = ()
    left_out: Sequence[tuple[Path, str]] = ()
    size: tuple[int, int] | None = None
    focal_px: float | None = None
    masks: Sequence[Path] = ()
    levels: Callable[[], tuple[float, float] | None] = lambda: None
    calibration: KnownCamera | None = None
    seekable: Callable[[], Seekable | str] = comes_once

    @property
    def paths(self) -> Sequence[Path]:
        """The files that it is made of."""
        return self.files or (Path(self.name),)
