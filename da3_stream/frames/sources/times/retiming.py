"""Other times for the frames of a recording than its own."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ....errors import FramesError
from ....settings import FramesSettings
from ....types import Advice, AdviceCode
from ..recording import Candidate, Recording, Seekable
from ..selection import usual_rate
from .lists import EXPECTED, read_list
from .stamps import seconds

LAST_FRAME = 2**62  # of any recording


OFF = "off"  # of frames.times


def list_of_times(settings: FramesSettings) -> Path | None:
    """The list of times that the settings name, if any."""
    return None if settings.times in (None, OFF) else Path(str(settings.times)).expanduser()


def retimed(recording: Recording, path: Path) -> Recording:
    """The recording with the times of a list, one for each frame, from the first one on.

    Frames beyond the list have no time and are left out, which is said. Raises FramesError for a list that is damaged,
    empty, or names pictures.
    """
    rows = read_list(path)
    if not rows:
        raise FramesError(f"{path} lists no times: {EXPECTED}")
    if rows[0].name is not None:
        raise FramesError(
            f"{path} gives times to pictures by their names, and {recording.name} has none: give a time a frame"
        )
    exact = [row.time for row in rows[: recording.count]]
    times = seconds(exact)
    said = f"the times are those of {path.name}"
    if recording.count not in (None, len(rows)):
        rest = "the others are unused" if len(rows) > len(times) else "frames behind the last one are left out"
        said = f"{path.name} has {len(rows)} times for {recording.count} frames, taken in their order: {rest}"
    frames = _Retimed(recording, times)
    return replace(
        recording,
        candidates=frames.candidates,
        count=len(times),
        rate=usual_rate(times) or recording.rate,
        has_times=True,
        times=times,
        nanoseconds=exact,
        advice=[*recording.advice, Advice(AdviceCode.INPUT_TIMES, said, 0, LAST_FRAME)],
        seekable=frames.seekable,
    )


@dataclass(frozen=True, eq=False)
class _Retimed:
    """The frames of a recording with other times."""

    recording: Recording
    times: Sequence[float]

    def candidates(self, start: float | None) -> Generator[Candidate]:
        """All of them that have a time."""
        for candidate in self.recording.candidates(self._own_start(start)):
            if candidate.index >= len(self.times):
                return
            yield replace(candidate, timestamp=self.times[candidate.index])

    def seekable(self) -> Seekable | str:
        """Them in any order, or why they can only be read one after the other."""
        own = self.recording.seekable()
        if isinstance(own, str):
            return own
        return Seekable(min(own.count, len(self.times)), partial(self._candidates_at, own))

    def _candidates_at(self, own: Seekable, indices: Sequence[int]) -> Generator[Candidate]:
        with closing(own.candidates(indices)) as candidates:
            for candidate in candidates:
                yield replace(candidate, timestamp=self.times[candidate.index])

    def _own_start(self, start: float | None) -> float | None:
        """The recording's own time of the frame before the first one that is wanted."""
        own = self.recording.times
        if start is None or not len(own):
            return None
        return float(own[min(max(bisect_left(self.times, start) - 1, 0), len(own) - 1)])
