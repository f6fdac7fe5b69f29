"""What the name of a video file tells: which chapter of which recording it is, when it began, of which camera."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .dates import NameDate, read_dates

# A GoPro splits a recording into chapters that carry its number behind theirs; loops count in letters.
CHAPTERS = (
    re.compile(r"^(?P<camera>GOPR)(?P<take>\d{4})$", re.IGNORECASE),
    re.compile(r"^(?P<camera>GP)(?P<chapter>\d\d)(?P<take>\d{4})$", re.IGNORECASE),
    re.compile(r"^(?P<camera>G[HXSL])(?P<chapter>\d\d|[A-Z]{2})(?P<take>\d{4})$", re.IGNORECASE),
    re.compile(r"^(?P<camera>VIRB)(?P<take>\d{4})(?:-(?P<chapter>\d+))?$", re.IGNORECASE),
)
FAMILIES = {"GOPR": "GP"}  # names of the first chapter that differ from those of the others

LETTERS = {"F": "front", "A": "front", "R": "rear", "B": "rear", "I": "interior", "T": "tele"}
DRONE_LENSES = {"D": "main", "V": "main", "W": "wide", "Z": "zoom", "T": "thermal", "S": "screen"}
WORDS = {
    **{word: "front" for word in ("front", "fwd", "forward")},
    **{word: "rear" for word in ("rear", "back", "behind")},
    **{word: "interior" for word in ("interior", "inside", "cabin", "driver")},
    **{word: word for word in ("left", "right", "left_repeater", "right_repeater", "left_pillar", "right_pillar")},
}
WORD = re.compile(rf"(?:^|[-_. ])({'|'.join(sorted(WORDS, key=len, reverse=True))})$", re.IGNORECASE)
LETTER = re.compile(r"^(?P<clip>.*\d)[-_]?(?P<mode>[NEPM])?(?P<letter>[FRABIT])[HS]?$", re.IGNORECASE)
DRONE = re.compile(r"^DJI_(?:\d{14}_)?\d{4}_(?P<lens>[DVWZTS])(?:_.*)?$", re.IGNORECASE)
LENS_OF_TWO = re.compile(r"^(?:PRO_)?VID_\d{8}_\d{6}_(?P<lens>\d\d)_\d{3}$", re.IGNORECASE)


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
    cameras = _cameras(paths, dates)
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


def _cameras(paths: Sequence[Path], dates: Sequence[NameDate | None]) -> list[str | None]:
    """The camera that each file is of; None where its name and folder tell none."""
    letters = [LETTER.match(path.stem) for path in paths]
    twins = Counter((path.parent, match["clip"].upper()) for path, match in zip(paths, letters, strict=True) if match)
    found: list[str | None] = []
    several = len({match["letter"].upper() for match in letters if match}) > 1
    lenses = {match["lens"] for path in paths if (match := LENS_OF_TWO.match(path.stem))}
    for path, date, match in zip(paths, dates, letters, strict=True):
        camera = _by_word(path) or _by_drone(path) or _by_lens(path, lenses)
        if camera is None and match is not None:
            is_twin = twins[path.parent, match["clip"].upper()] > 1
            camera = _by_letter(match["letter"].upper(), date is not None, several or is_twin, is_twin)
        found.append(camera)
    return found


def _by_word(path: Path) -> str | None:
    for text in (path.stem, path.parent.name):
        if match := WORD.search(text):
            return WORDS[match[1].lower()]
    return None


def _by_drone(path: Path) -> str | None:
    match = DRONE.match(path.stem)
    return None if match is None else DRONE_LENSES[match["lens"].upper()]


def _by_lens(path: Path, lenses: Iterable[str]) -> str | None:
    match = LENS_OF_TWO.match(path.stem)
    return f"lens {match['lens']}" if match is not None and len(set(lenses)) > 1 else None


def _by_letter(letter: str, is_dated: bool, is_several: bool, is_twin: bool) -> str | None:
    """A letter behind a date is a camera: F, R and I by themselves, others where there are several."""
    if is_twin or (is_dated and (is_several or letter in "FRI")):
        return LETTERS[letter]
    return None
