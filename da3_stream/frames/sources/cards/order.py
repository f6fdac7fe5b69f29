"""The order in which clips were recorded: by dates in their names, by the times that they carry, or by their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..chain import LeftOutFile
from ..images.files import natural_key
from ..recording import Recording
from .joints import length_s
from .names import ClipName


@dataclass(frozen=True, eq=False)
class Clip:
    """A recording on a card, and what its name tells."""

    recording: Recording
    name: ClipName


@dataclass(frozen=True, eq=False)
class RecordedOrder:
    """Clips in order, when each began (seconds by a clock that all share; None where none tells, or where it is that
    of the chapter before), and in words what the order goes by; `last` are clips that tell nothing of it."""

    clips: list[Clip]
    begins: list[float | None]
    words: str
    last: Sequence[Clip] = ()
    is_by_names: bool = False  # dates in names, which tell when a recording began


def recorded_order(clips: Sequence[Clip]) -> RecordedOrder:
    """Clips that are given in the order of their names, or as somebody gave them, in the order of recording.

    Chapters of one recording stay together. Clocks order them where all clips have one of a kind, else their names.
    """
    takes = _takes(clips)
    for tells, words in ((_date_with_time, "dates in their names"), (_created, "times in the files")):
        begins = [_begin(take, tells) for take in takes]
        if len(takes) > 1 and None not in begins and len(set(begins)) > 1:
            order = _by_clock(takes, [begin or 0.0 for begin in begins], words)
            return replace(order, is_by_names=tells is _date_with_time)
    begins = [_begin(take, _date_with_time) for take in takes]
    if len(takes) > 2 * begins.count(None):
        return _mostly_by_clock(takes, begins)
    days = [_begin(take, _day) for take in takes]
    if None not in days and len(set(days)) > 1:
        ordered = [take for _, take in sorted(zip(days, takes, strict=True), key=lambda pair: pair[0] or 0.0)]
        return _untimed(ordered, "dates in their names")
    return _untimed(takes, "their names")


def without_simultaneous(order: RecordedOrder) -> tuple[RecordedOrder, list[LeftOutFile]]:
    """Without clips that were recorded while another of another folder was, by dates in names: those of an event that
    are on the card once more, or of another camera."""
    if not order.is_by_names:
        return order, []
    kept: list[int] = []
    left_out: list[LeftOutFile] = []
    for number, (clip, begin) in enumerate(zip(order.clips, order.begins, strict=True)):
        before = order.clips[kept[-1]] if kept else None
        since = order.begins[kept[-1]] if kept else None
        middle = None if begin is None else begin + length_s(clip.recording) / 2
        if before is None or since is None or middle is None or before.name.path.parent == clip.name.path.parent:
            kept.append(number)
        elif middle < since + length_s(before.recording):
            reason = f"recorded while {before.name.path.name} was: to use it, give it or its folder alone"
            left_out.append(LeftOutFile(str(clip.name.path), reason))
        else:
            kept.append(number)
    clips, begins = [order.clips[number] for number in kept], [order.begins[number] for number in kept]
    return replace(order, clips=clips, begins=begins), left_out


def in_order_of_names(names: Sequence[ClipName], as_given: bool) -> list[ClipName]:
    """Clips in natural order, except where somebody gave them in an order of his own and their names do not count."""
    paths = [str(name.path) for name in names]
    counts = len({re.sub(r"\d+", "#", name.path.stem.casefold()) for name in names}) == 1
    counts = counts and "#" in re.sub(r"\d+", "#", names[0].path.stem)
    if as_given and paths != sorted(paths) and not (counts or all(name.take for name in names)):
        return list(names)
    folders = list(dict.fromkeys(name.path.parent for name in names))
    return sorted(names, key=lambda name: (folders.index(name.path.parent), natural_key(name.path.with_suffix(""))))


def _takes(clips: Sequence[Clip]) -> list[list[Clip]]:
    """Clips by the recording that they are chapters of, chapters in order, recordings as their clips come."""
    takes: dict[object, list[Clip]] = {}
    for clip in clips:
        takes.setdefault(clip.name.take or clip.name.path, []).append(clip)
    chapters = [sorted(take, key=lambda clip: (len(clip.name.chapter), clip.name.chapter)) for take in takes.values()]
    if all(clip.name.take for clip in clips):
        folders = list(dict.fromkeys(take[0].name.take[0] for take in chapters))
        chapters.sort(key=lambda take: (folders.index(take[0].name.take[0]), int(take[0].name.take[-1])))
    return chapters


def _begin(take: Sequence[Clip], tells: Callable[[Clip], float | None]) -> float | None:
    begins = [begin for clip in take if (begin := tells(clip)) is not None]
    return min(begins) if len(begins) == len(take) else None


def _date_with_time(clip: Clip) -> float | None:
    return clip.name.date.seconds if clip.name.date is not None and clip.name.date.is_moment else None


def _day(clip: Clip) -> float | None:
    return None if clip.name.date is None else clip.name.date.seconds


def _created(clip: Clip) -> float | None:
    return clip.recording.begin


def _by_clock(takes: Sequence[list[Clip]], begins: Sequence[float], words: str) -> RecordedOrder:
    ordered = sorted(zip(begins, takes, strict=True), key=lambda pair: pair[0])
    clips, times = [], []
    before: float | None = None
    for begin, take in ordered:
        clips += take
        times += [None if begin == before else begin, *[None] * (len(take) - 1)]
        before = begin
    return RecordedOrder(clips, times, words)


def _mostly_by_clock(takes: Sequence[list[Clip]], begins: Sequence[float | None]) -> RecordedOrder:
    """Clips by the dates that most names tell, the others behind them."""
    words = "dates in most of their names"
    known = [begin for begin in begins if begin is not None]
    dated = _by_clock([take for take, begin in zip(takes, begins, strict=True) if begin is not None], known, words)
    last = [clip for take, begin in zip(takes, begins, strict=True) if begin is None for clip in take]
    return RecordedOrder([*dated.clips, *last], [*dated.begins, *[None] * len(last)], words, last)


def _untimed(takes: Sequence[list[Clip]], words: str) -> RecordedOrder:
    clips = [clip for take in takes for clip in take]
    return RecordedOrder(clips, [None] * len(clips), words)
