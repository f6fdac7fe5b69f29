"""The camera's intrinsics as a user gives them: four numbers, or a file that holds them."""

from __future__ import annotations

import math
from pathlib import Path

from .errors import SettingsError

EXPECTED = "expected four numbers fx,fy,cx,cy in pixels or a file with one such line"


def read_intrinsics(text_or_file: str) -> tuple[float, float, float, float]:
    """fx, fy, cx, cy from "fx,fy,cx,cy" or from a file with one such line.

    Commas or blanks separate the numbers; in a file, empty lines and those that begin with '#' are ignored. The numbers
    are in pixels at the input's resolution and returned unchanged (no convention for the first pixel's centre is
    applied here).
    Raises SettingsError with one sentence.
    """
    text = text_or_file.strip()
    path = Path(text)
    try:
        is_file = path.is_file()
        line = _only_line(path) if is_file else text
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"the intrinsics file '{text}' cannot be read as text: {EXPECTED}") from None
    return _parse(line, f"the intrinsics in '{text}'" if is_file else f"the intrinsics '{text}'")


def _only_line(path: Path) -> str:
    lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if len(lines) != 1:
        raise SettingsError(f"the intrinsics file '{path}' has {len(lines)} lines with numbers: {EXPECTED}")
    return lines[0]


def _parse(line: str, what: str) -> tuple[float, float, float, float]:
    words = line.replace(",", " ").split()
    values = [_number(word) for word in words]
    if words and all(value is None for value in values):
        raise SettingsError(f"{what} are neither numbers nor a file that exists: {EXPECTED}")
    for word, value in zip(words, values, strict=True):
        if value is None:
            raise SettingsError(f"{what} have '{word}' where a finite number belongs: {EXPECTED}")
    if len(words) != 4:
        raise SettingsError(f"{what} have {len(words)} number{'s' * (len(words) != 1)}: {EXPECTED}")
    fx, fy, cx, cy = (value for value in values if value is not None)
    if fx <= 0 or fy <= 0:
        raise SettingsError(f"{what} have a focal length that is not above 0 (fx {fx:g}, fy {fy:g}): {EXPECTED}")
    return fx, fy, cx, cy


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
