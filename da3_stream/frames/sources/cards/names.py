"""What the name of a video file tells: which chapter of which recording it is, when it began, of which camera."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .camera_names import read_cameras
from .dates import NameDate, read_dates

# A GoPro splits a recording into chapters that carry its number behind theirs; loops count in letters.
CHAPTERS = (
    re.compile(r"^(?P<camera>GOPR)(?P<take>\d{4})$", re.IGNORECASE),
    re.compile(r"^(?P<camera>GP)(?P<chapter>\d\d)(?P<take>\d{4})$", re.IGNORECASE),
    re.compile(r"^(?P<camera>G[HXSL])(?P<chapter>\d\d|[A-Z]{2})(?P<take>\d{4})$", re.IGNORECASE),
    re.compile(r"^(?P<camera>VIRB)(?P<take>\d{4})(?:-(?P<chapter>\d+))?$", re.IGNORECASE),
)
FAMILIES = {"GOPR": "GP"}  # names of the first chapter that differ from those of the others


@dataclass(frozen=True)
class ClipName:
    """What a file's name tells. `take` is the recording that it is a chapter of, by folder, maker and number; `camera`
    one of several that recorded at once; `date` when it began."""

    path: Path
    take: tuple[str, ...] = ()
    chapter: str = ""
    date: NameDate | None = None
    camera: str | None = None


def read_names(paths: Sequence[Path]) -> list[ClipName]:
    """What the names of files tell that lie together on a card."""
    dates = read_dates([path.stem for path in paths])
    cameras = read_cameras(paths, dates)
    return [
        ClipName(path, *_chapter(path), date, camera) for path, date, camera in zip(paths, dates, cameras, strict=True)
    ]


def _chapter(path: Path) -> tuple[tuple[str, ...], str]:
    for pattern in CHAPTERS:
        if match := pattern.match(path.stem):
            camera = match["camera"].upper()
            chapter = match.groupdict().get("chapter") or "0"
            return (str(path.parent), FAMILIES.get(camera, camera), match["take"]), chapter.upper()
    return (), ""
