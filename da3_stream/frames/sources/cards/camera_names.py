"""Which camera a file is of, of several that recorded at once: words and letters in names, and names of folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .dates import NameDate

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
DRONE = re.compile(r"^DJI_(?:\d{14}_)?\d{4}_(?P<lens>[DVWZTS])(?:_.*)?$", re.IGNORECASE)
LOG_CAMERAS = {"fcamera": "front", "ecamera": "wide", "dcamera": "interior"}  # of openpilot
LENS_OF_TWO = re.compile(r"^(?:PRO_)?VID_\d{8}_\d{6}_(?P<lens>\d\d)_\d{3}$", re.IGNORECASE)
TWIN_S = 2.0  # between the beginnings of files of cameras that recorded at once

Dates = Sequence[NameDate | None]
Clip = tuple[Path, str]  # a folder, and a name without what tells the camera


def read_cameras(paths: Sequence[Path], dates: Dates) -> list[str | None]:
    """The camera that each file is of; None where its name and folder tell none."""
    told = (_by_maker(paths), _by_word(paths, dates), _by_letter(paths, dates), _by_folder(paths))
    return [next(filter(None, of_one), None) for of_one in zip(*told, strict=True)]


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


def _by_word(paths: Sequence[Path], dates: Dates) -> list[str | None]:
    """A word at the end is a camera behind the time of day, or where other files differ only by it."""
    words = [WORD.match(path.stem) for path in paths]
    clips = [(path.parent, word["clip"].lower()) if word else None for path, word in zip(paths, words, strict=True)]
    return [
        WORDS[word["word"].lower()] if word and ((date and date.is_moment) or clips.count(clip) > 1) else None
        for word, clip, date in zip(words, clips, dates, strict=True)
    ]


def _by_letter(paths: Sequence[Path], dates: Dates) -> list[str | None]:
    """A letter at the end is a camera where other files differ only by it (`_are_cameras`), or behind a date."""
    letters = [LETTER.match(path.stem) for path in paths]
    of_clips: dict[Clip, set[str]] = {}
    for path, match in zip(paths, letters, strict=True):
        if match is not None:
            of_clips.setdefault((path.parent, match["clip"].upper()), set()).add(match["letter"].upper())
    moments = {(match["letter"], date.seconds) for match, date in zip(letters, dates, strict=True) if match and date}
    return [
        LETTERS[match["letter"].upper()]
        if match is not None
        and (
            _are_cameras(of_clips[path.parent, match["clip"].upper()])
            or (date is not None and _is_camera(match["letter"], date, moments))
        )
        else None
        for path, match, date in zip(paths, letters, dates, strict=True)
    ]


def _are_cameras(letters: set[str]) -> bool:
    """Whether files that differ only by these letters are of several cameras; A and B are parts."""
    return len(letters) > 1 and "F" in letters and letters <= set("FRBI")


def _is_camera(letter: str, date: NameDate, moments: Iterable[tuple[str, float]]) -> bool:
    """Whether a letter behind a date is a camera: F, R and I are, other capitals if a file with another letter began at
    the same time."""
    near = {other for other, seconds in moments if abs(date.seconds - seconds) <= TWIN_S}
    return letter.upper() in "FRI" or (letter.isupper() and len(near) > 1)


def _by_folder(paths: Sequence[Path]) -> list[str | None]:
    """A folder that is called like a camera is one beside a folder that is called like another."""
    words = {folder: WORD.match(folder.name) for folder in {path.parent for path in paths}}
    cameras = {folder: WORDS[match["word"].lower()] for folder, match in words.items() if match}
    beside: dict[Path, set[str]] = {}
    for folder, camera in cameras.items():
        beside.setdefault(folder.parent, set()).add(camera)
    return [cameras.get(path.parent) if len(beside.get(path.parent.parent, ())) > 1 else None for path in paths]
