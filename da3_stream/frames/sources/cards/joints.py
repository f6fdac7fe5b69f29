"""Joints: how a recording follows the one before, as their pictures show.

Some cameras write the last second of a file once more at the beginning of the next. Such frames are recognised by their
pictures, which re-encoding changes little, while neighbouring frames of a camera that moves differ more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ....types import UInt8
from ...gate.image_quality import measure_quality
from ...gate.optical_flow import compare_views, measure_motion
from ...image_size import fit_size, size_of
from ..picture import Picture
from ..recording import Candidate, Recording

TAIL_S = 5.0  # of a recording's end, in which the beginning of the next one is looked for
THUMBNAIL = (64, 48)
SAME, SAME_BESIDE = 0.5, 0.4  # of the difference between neighbouring frames, and of that if it lay one frame beside
VIEW_PX = 640
ALIKE, LEAST_STEP = 3.0, 1.0  # differences between neighbours, and the least of them in gray levels

Thumbnails = NDArray[np.float32]  # [n,48,64], gray levels


@dataclass(frozen=True, eq=False)
class Joint:
    """How a recording follows another: `repeated` of its first frames are the other's last ones, and `goes_on` says
    that it shows the same view. The time `begins` in the recording is `step_s` after the time `ends` in the other, if
    nothing is missing between them."""

    repeated: int
    goes_on: bool
    step_s: float
    ends: float
    begins: float


@dataclass(eq=False)
class _Row:
    """Neighbouring frames: their numbers and times in the recording, and small gray copies."""

    numbers: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    thumbnails: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, candidate: Candidate, picture: Picture) -> None:
        self.numbers.append(candidate.index)
        self.times.append(candidate.timestamp)
        self.thumbnails.append(_thumbnail(picture.image))

    def forget_before(self, time: float) -> None:
        while len(self.times) > 2 and self.times[0] < time:
            del self.numbers[0], self.times[0], self.thumbnails[0]

    @property
    def step_s(self) -> float | None:
        """The usual time between two frames."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else None


def find_joint(before: Recording, after: Recording, tail_s: float = TAIL_S) -> Joint:
    """How a recording follows the one before, of whose last `tail_s` seconds it may repeat some. Both must have a frame
    that can be decoded."""
    tail, last = _read_tail(before, tail_s)
    repeated = _find_repeated(np.stack(tail.thumbnails), after)
    if repeated:
        apart = np.array(tail.times[-len(repeated) :]) - [candidate.timestamp for candidate in repeated]
        ends = tail.times[-1]  # many files round times to milliseconds, which their mean does not
        return Joint(repeated[-1].index + 1, True, 0.0, ends, ends - float(np.mean(apart)))
    first, picture = next(good_frames(after))
    goes_on = _goes_on(np.stack(tail.thumbnails), last, picture)
    ends = max(tail.times[-1], length_s(before) if len(before.times) else 0.0)  # frames that are lost take time, too
    begins = float(after.times[0]) if len(after.times) else first.timestamp
    return Joint(0, goes_on, tail.step_s or 1.0 / (before.rate or 30.0), ends, begins)


def _goes_on(tail: Thumbnails, last: Picture, first: Picture) -> bool:
    """Whether a picture shows the same scene as the last one of a row: most corners are found again, or keypoints
    match, or where there are few, it differs little more than neighbours in the row do."""
    a, b = _view(last), _view(first)
    if a.shape == b.shape and measure_motion(measure_quality(a), measure_quality(b)).is_certain:
        return True
    relation = compare_views(a, b)
    if relation != "unknown":
        return relation == "related"
    steps = _difference(tail[1:], tail[:-1])
    step = max(float(np.median(steps)) if len(steps) else 0.0, LEAST_STEP)
    return float(_difference(tail[-1:], _thumbnail(first.image)[None])[0]) < ALIKE * step


def length_s(recording: Recording) -> float:
    """The time of a recording's last frame in it, in seconds, as far as it tells without being decoded; 0 if it tells
    nothing."""
    times = recording.times
    return float(times[-1]) if len(times) else (recording.count or 0) / (recording.rate or 30.0)


def good_frames(recording: Recording, start: float | None = None) -> Iterator[tuple[Candidate, Picture]]:
    """The frames of a recording that can be decoded."""
    with closing(recording.candidates(start)) as candidates:
        for candidate in candidates:
            picture = candidate.decode()
            if isinstance(picture, Picture):
                yield candidate, picture


def _read_tail(recording: Recording, tail_s: float) -> tuple[_Row, Picture]:
    """The last frames that can be decoded, and the picture of the last."""
    row, last = _Row(), None
    for candidate, last in good_frames(recording, max(length_s(recording) - tail_s - 1.0, 0.0)):  # noqa: B007
        row.add(candidate, last)
        row.forget_before(candidate.timestamp - tail_s)
    assert last is not None, "a recording without a frame that can be decoded"
    return row, last


def _find_repeated(tail: Thumbnails, after: Recording) -> list[Candidate]:
    """The frames of a recording's beginning that repeat the tail [n,48,64] of the one before."""
    limit = SAME * float(np.median(_difference(tail[1:], tail[:-1]))) if len(tail) > 1 else 0.0
    head: list[Candidate] = []
    thumbnails: list[NDArray[np.float32]] = []
    lengths: list[int] = []
    for candidate, picture in good_frames(after):
        head.append(candidate)
        thumbnails.append(_thumbnail(picture.image))
        if len(head) == 1:
            lengths = [len(tail) - int(k) for k in np.flatnonzero(_difference(tail, thumbnails[0]) < limit)]
        if len(head) > max(lengths, default=0):
            break
    length = _best_overlap(tail, np.stack(thumbnails), lengths, limit)
    return head[:length] if length else []


def _best_overlap(tail: Thumbnails, head: Thumbnails, lengths: Sequence[int], limit: float) -> int | None:
    """How many frames at the end of one row and at the beginning of the other are the same, out of some lengths: those
    differ less than neighbours do, and far less than if the rows lay one frame beside."""

    def cost(length: int) -> float:
        fits = 1 <= length <= min(len(tail), len(head))
        return float(_difference(tail[-length:], head[:length]).mean()) if fits else np.inf

    costs = {length: cost(length) for length in lengths}
    clear = [
        length
        for length in lengths
        if costs[length] < limit and costs[length] < SAME_BESIDE * min(cost(length - 1), cost(length + 1))
    ]
    return min(clear, key=lambda length: costs[length], default=None)


def _difference(a: Thumbnails, b: Thumbnails) -> NDArray[np.float32]:
    """Mean difference [n] of thumbnails in gray levels."""
    return np.asarray(np.abs(a - b).mean(axis=(1, 2)), np.float32)


def _thumbnail(image: UInt8) -> NDArray[np.float32]:
    import cv2

    small = cv2.resize(image, THUMBNAIL, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)


def _view(picture: Picture) -> UInt8:
    import cv2

    return np.asarray(
        cv2.resize(picture.image, fit_size(size_of(picture.image), VIEW_PX), interpolation=cv2.INTER_AREA), np.uint8
    )
