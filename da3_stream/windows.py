"""Cutting a stream of frames of unknown length into windows of fixed size and overlap."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count, groupby
from typing import Generic, TypeVar

from .errors import SettingsError

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Window(Generic[Item]):
    """Consecutive frames that a predictor sees together, and the range of them that this window owns.

    A frame in the overlap of two windows is predicted twice; the results are taken from the window that owns it.

    `start` and `owned` count the frames that windows are cut from (those that the gate kept, `Frame.ordinal`), from 0.
    """

    number: int
    frames: tuple[Item, ...]
    start: int
    owned: range

    @property
    def owned_rows(self) -> range:
        """The owned frames as a range of rows of `frames`."""
        return range(self.owned.start - self.start, self.owned.stop - self.start)

    @property
    def owned_frames(self) -> tuple[Item, ...]:
        """The frames that this window owns."""
        return self.frames[self.owned_rows.start : self.owned_rows.stop]


def windows(
    frames: Iterable[Item], size: int, overlap: int, begins_shot: Callable[[Item], bool] = lambda item: False
) -> Iterator[Window[Item]]:
    """Cut a stream into windows of `size` frames that share `overlap` frames with their neighbours.

    A frame that `begins_shot` shares no window with those before it: there the stream ends, and another begins.

    A window is yielded as soon as one further frame, or the end, has been seen; at most `size` + 1 frames are held.
    The last window has at least overlap + (size - overlap)/2 frames, reaching further back than the others where the
    stream ends early, unless the whole stream is shorter. Every frame is owned by exactly one window: the border
    between neighbours lies in the middle of their regular overlap, halves rounded up.
    Raises SettingsError if overlap is not at least 1 and below size.
    """
    if not 1 <= overlap < size:
        raise SettingsError(f"the overlap must be at least 1 and below the window size {size}, not {overlap}")
    return _cut(frames, size, overlap, begins_shot)


def longest_overlap(size: int, overlap: int) -> int:
    """The most frames that two neighbouring windows can share: the last one reaches farther back."""
    return overlap + _half(size - overlap) - 1


def _cut(
    frames: Iterable[Item], size: int, overlap: int, begins_shot: Callable[[Item], bool]
) -> Iterator[Window[Item]]:
    number, start = 0, 0
    for shot in _shots(frames, begins_shot):
        for window in _cut_shot(shot, size, overlap, number, start):
            yield window
        number, start = window.number + 1, window.owned.stop


def _shots(frames: Iterable[Item], begins_shot: Callable[[Item], bool]) -> Iterator[Iterator[Item]]:
    """Split the stream into non-empty parts, one for each shot; each must be consumed before the next is requested."""
    numbers = count()
    number = next(numbers)

    def shot_of(item: Item) -> int:
        nonlocal number
        number = next(numbers) if begins_shot(item) else number
        return number

    return (shot for _, shot in groupby(frames, shot_of))


def _cut_shot(shot: Iterable[Item], size: int, overlap: int, first: int, start: int) -> Iterator[Window[Item]]:
    """Cut one shot into windows; they are numbered from `first`, its frames from `start`."""
    stride = size - overlap
    recent: deque[Item] = deque(maxlen=size)
    number, seen, owned_from = 0, 0, 0
    for frame in shot:
        if seen == number * stride + size:
            owned_to = (number + 1) * stride + _half(overlap)
            yield _window(recent, size, first + number, start + seen, range(start + owned_from, start + owned_to))
            number, owned_from = number + 1, owned_to
        recent.append(frame)
        seen += 1
    fresh = seen - number * stride - overlap
    length = min(seen, overlap + max(fresh, _half(stride)))
    yield _window(recent, length, first + number, start + seen, range(start + owned_from, start + seen))


def _window(recent: Iterable[Item], length: int, number: int, end: int, owned: range) -> Window[Item]:
    """A window of the last `length` frames before the one numbered `end`."""
    return Window(number, tuple(recent)[-length:], end - length, owned)


def _half(count: int) -> int:
    return (count + 1) // 2
