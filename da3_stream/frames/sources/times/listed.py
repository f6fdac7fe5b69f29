"""Which time of a list belongs to which picture."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from ....errors import FramesError
from .lists import EXPECTED, Row, read_list
from .names import frame_numbers
from .picture_times import PictureTimes, by_time

NAMED = ("rgb.txt", "data.csv")  # lists of TUM and EuRoC, which name pictures
IN_ORDER = ("times.txt", "timestamps.txt")  # of KITTI, DSO, KITTI's raw data


def times_of_list(path: Path, paths: Sequence[Path]) -> PictureTimes:
    """The times that a list gives to pictures. Raises FramesError where it gives none."""
    rows = read_list(path, _stems(paths))
    if not rows:
        raise FramesError(f"{path} lists no times: {EXPECTED}")
    if rows[0].name is None:
        return _by_number(path, rows, paths) or _in_order(path, rows, paths)
    found = _by_name(path, rows, paths)
    if found is None:
        raise FramesError(
            f"{path} names none of the pictures, such as '{paths[0].name}': give the list of these pictures"
        )
    return found


def times_of_list_beside(paths: Sequence[Path], passed_over: list[str]) -> PictureTimes | None:
    """The times that a list in the folder of all pictures, or in the one above, gives to them; None where there is
    none that does.

    What is not used is said in `passed_over`. Raises FramesError for a list that is damaged.
    """
    for path in _lists_beside(paths):
        try:
            rows = read_list(path, _stems(paths), names_only=path.name in NAMED)
        except FramesError as error:
            raise FramesError(f"{error}; mend it, or pass it over with --times off") from None
        found = None
        if rows and rows[0].name is not None:
            found = _by_name(path, rows, paths)
        elif rows:
            found = _by_number(path, rows, paths)
        if found is not None:
            return found
        passed_over.append(f"{path.name} beside the pictures has no times that fit them: {len(rows)} for {len(paths)}")
    return None


def _lists_beside(paths: Sequence[Path]) -> Iterator[Path]:
    folders = {path.absolute().parent for path in paths}
    if len(folders) == 1:
        folder = folders.pop()
        files = (place / name for name in (*NAMED, *IN_ORDER) for place in (folder, folder.parent))
        yield from filter(os.path.isfile, files)  # False, where a folder may not be looked into


def _stems(paths: Sequence[Path]) -> frozenset[str]:
    return frozenset(path.stem for path in paths)


def _by_number(path: Path, rows: Sequence[Row], paths: Sequence[Path]) -> PictureTimes | None:
    """As many times as pictures, in their order; else those of their frame numbers. None where neither is so."""
    times = [row.time for row in rows]
    if len(rows) == len(paths):
        return by_time(times, range(len(paths)), [_source(path)])
    numbers = frame_numbers([picture.stem for picture in paths])
    if numbers is None or numbers[-1] >= len(rows):
        return None
    said = f"{path.name} has {len(rows)} times: each of the {len(paths)} pictures takes that of its number"
    return by_time([times[number] for number in numbers], range(len(paths)), [said])


def _in_order(path: Path, rows: Sequence[Row], paths: Sequence[Path]) -> PictureTimes:
    """One after the other, as far as both go."""
    count = min(len(rows), len(paths))
    rest = (
        f"{len(paths) - count} pictures have none and are left out" if len(paths) > count else "the others are unused"
    )
    said = f"{path.name} has {len(rows)} times for {len(paths)} pictures, taken in their order: {rest}"
    return by_time([row.time for row in rows[:count]], range(count), [said])


def _by_name(path: Path, rows: Sequence[Row], paths: Sequence[Path]) -> PictureTimes | None:
    """Those of their names: with the folder, without it, or without the suffix, whatever is the only such name."""
    known = _unambiguous(paths)
    found = [(row, number) for row in rows if (number := _number_of(known, row.name or "")) is not None]
    if not found:
        return None
    said = [_source(path)]
    if len(found) < max(len(rows), len(paths)):
        missing = len(paths) - len(found)
        left_out = f"; {missing} pictures have none and are left out" if missing else ""
        said = [f"{path.name} has {len(rows)} times for {len(paths)} pictures, {len(found)} by their names{left_out}"]
    falls = [row.line for (before, _), (row, _) in zip(found, found[1:], strict=False) if row.time < before.time]
    said += [f"line {falls[0]} of {path.name} goes back in time"] if falls else []
    return by_time([row.time for row, _ in found], [number for _, number in found], said)


def _source(path: Path) -> str:
    return f"the times are those of {path.name}"


def _unambiguous(paths: Sequence[Path]) -> dict[str, int]:
    keys = [(key, number) for number, path in enumerate(paths) for key in set(_keys(PurePosixPath(path.as_posix())))]
    counts = Counter(key for key, _ in keys)
    return {key: number for key, number in keys if counts[key] == 1}


def _keys(path: PurePosixPath) -> list[str]:
    return [f"{path.parent.name}/{path.name}", path.name, f"{path.parent.name}/{path.stem}", path.stem]


def _number_of(known: dict[str, int], name: str) -> int | None:
    keys = _keys(PurePosixPath(name.replace("\\", "/")))
    return next((known[key] for key in keys if key in known), None)
