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
WORD = re.compile(rf"^(?P<clip>|.*[-_. ])(?P<word>{'|'.join(sorted(WORDS, key=len, reverse=True))})$", re.IGNORECASE)
LETTER = re.compile(r"^(?P<clip>.*\d)[-_]?(?:[NEPM])?(?P<letter>[FRABIT])[HS]?$", re.IGNORECASE)
TWIN_S = 2.0  # between files of cameras that recorded at once
DRONE = re.compile(r"^DJI_(?:\d{14}_)?\d{4}_(?P<lens>[DVWZTS])(?:_.*)?$", re.IGNORECASE)
LOG_CAMERAS = {"fcamera": "front", "ecamera": "wide", "dcamera": "interior"}  # of openpilot
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
    by_maker = _by_maker(paths)
    by_word, by_letter = _by_word(paths, dates), _by_letter(paths, dates)
    by_folder = _by_folder(paths)
    return [next(filter(None, told), None) for told in zip(by_maker, by_word, by_letter, by_folder, strict=True)]


def _by_maker(paths: Sequence[Path]) -> list[str | None]:
    lenses = {match["lens"] for path in paths if (match := LENS_OF_TWO.match(path.stem))}
    found: list[str | None] = []
    for path in paths:
        drone, lens = DRONE.match(path.stem), LENS_OF_TWO.match(path.stem)
        if drone is not None:
            found.append(DRONE_LENSES[drone["lens"].upper()])
        elif lens is not None and len(lenses) > 1:
            found.append(f"lens {lens['lens']}")
        else:
            found.append(LOG_CAMERAS.get(path.stem.lower()))
    return found


def _by_word(paths: Sequence[Path], dates: Sequence[NameDate | None]) -> list[str | None]:
    """A word at the end is a camera behind a date, or where another file differs only by it."""
    words = [WORD.match(path.stem) for path in paths]
    twins = Counter((path.parent, word["clip"].lower()) for path, word in zip(paths, words, strict=True) if word)
    return [
        WORDS[word["word"].lower()] if word and (date or twins[path.parent, word["clip"].lower()] > 1) else None
        for path, word, date in zip(paths, words, dates, strict=True)
    ]


def _by_letter(paths: Sequence[Path], dates: Sequence[NameDate | None]) -> list[str | None]:
    """A letter at the end is a camera: F, R, B and I where other files differ only by it and one of them has F, F, R
    and I also behind any date; and capitals where a file with another letter began at the same time (A and B, too,
    which elsewhere are parts)."""
    found: list[str | None] = []
    letters = [LETTER.match(path.stem) for path in paths]
    twins: dict[tuple[Path, str], set[str]] = {}
    for path, it in zip(paths, letters, strict=True):
        if it is not None:
            twins.setdefault((path.parent, it["clip"].upper()), set()).add(it["letter"].upper())
    moments = {(it["letter"], date.seconds) for it, date in zip(letters, dates, strict=True) if it and date}
    for path, it, date in zip(paths, letters, dates, strict=True):
        is_camera = False
        if it is not None:
            beside = twins[path.parent, it["clip"].upper()]
            is_camera = len(beside) > 1 and beside <= set("FRBI") and "F" in beside
            is_camera |= date is not None and (it["letter"].upper() in "FRI" or _has_twin(it["letter"], date, moments))
        found.append(LETTERS[it["letter"].upper()] if it is not None and is_camera else None)
    return found


def _has_twin(letter: str, date: NameDate, moments: Iterable[tuple[str, float]]) -> bool:
    near = {other for other, seconds in moments if abs(date.seconds - seconds) <= TWIN_S}
    return letter.isupper() and len(near) > 1


def _by_folder(paths: Sequence[Path]) -> list[str | None]:
    """A folder that is called like a camera is one beside a folder that is called like another."""
    words = {folder: WORD.match(folder.name) for folder in {path.parent for path in paths}}
    cameras = {folder: WORDS[match["word"].lower()] for folder, match in words.items() if match}
    beside: dict[Path, set[str]] = {}
    for folder, camera in cameras.items():
        beside.setdefault(folder.parent, set()).add(camera)
    return [cameras.get(path.parent) if len(beside.get(path.parent.parent, ())) > 1 else None for path in paths]
