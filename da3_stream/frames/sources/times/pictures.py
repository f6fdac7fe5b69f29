"""When the pictures of a sequence were taken, and in which order that puts them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ....settings import FramesSettings
from .listed import times_of_list, times_of_list_beside
from .names import even_steps, frame_numbers, times_in_names
from .photographs import spread, times_of_photographs
from .picture_times import PictureTimes, by_time
from .retiming import OFF, list_of_times
from .stamps import seconds


def times_of_pictures(paths: Sequence[Path], settings: FramesSettings) -> PictureTimes:
    """The times of the list that the settings name; else of one beside the pictures, of their names, or of their EXIF
    data; else an even pace.

    Raises FramesError for a list that is damaged, or has no time for any picture.
    """
    if settings.times == OFF:
        return _even(range(len(paths)), settings.default_fps, [])
    if (path := list_of_times(settings)) is not None:
        return times_of_list(path, paths)
    passed_over: list[str] = []
    return (
        times_of_list_beside(paths, passed_over)
        or _of_names(paths)
        or _of_photographs(paths, passed_over)
        or _assumed(paths, settings.default_fps, passed_over)
    )


def _of_names(paths: Sequence[Path]) -> PictureTimes | None:
    times = times_in_names([path.stem for path in paths])
    if times is None:
        return None
    return by_time(times, range(len(paths)), [f"the times are those in the pictures' names, such as {paths[0].name}"])


def _of_photographs(paths: Sequence[Path], passed_over: list[str]) -> PictureTimes | None:
    times = times_of_photographs(paths)
    known = [time for time in times if time is not None]
    if not known:
        return None
    if len(known) < len(paths):
        passed_over.append(f"EXIF data tell the times of {len(known)} of {len(paths)} pictures only, and are not used")
        return None
    if len(set(known)) == 1 < len(known):
        passed_over.append("EXIF data give all pictures the same time, and are not used")
        return None
    found = by_time(known, range(len(paths)), ["the times are those of the EXIF data"])
    if len(set(known)) == len(known):
        return found
    said = [*found.said, "pictures of the same time are spread evenly over its second"]
    spread_times = spread(found.nanoseconds)
    return PictureTimes(found.order, seconds(spread_times), spread_times, said)


def _assumed(paths: Sequence[Path], rate: float, passed_over: list[str]) -> PictureTimes:
    """An even pace, but for numbers that are missing between the names."""
    numbers = frame_numbers([path.stem for path in paths])
    ticks = range(len(paths)) if numbers is None else even_steps(numbers)
    gaps = [k for k, (a, b) in enumerate(zip(ticks, ticks[1:], strict=False)) if b > a + 1]
    if gaps:
        missing = ticks[-1] + 1 - len(ticks)
        passed_over.append(f"{missing} numbers are missing, the first after {paths[gaps[0]].name}: gaps in time")
    return _even(ticks, rate, passed_over)


def _even(ticks: Sequence[int], rate: float, said: Sequence[str]) -> PictureTimes:
    assumed = [f"the pictures carry no times: {rate:g} a second are assumed (--times FILE gives them)"]
    times = [tick / rate for tick in ticks]
    return PictureTimes(range(len(ticks)), times, (), [*said, *assumed] if len(ticks) > 1 else said)
