"""Where a run's map is not to be trusted, and what is worth saying beside that: `trust` and `advice` of run.json.

A stretch is a run of rows whose poses are more likely wrong than right, or the frames of an advice that distrusts the
map (see `types.Advice`): such errors bend or scale a map in which every single step looks right.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...store import BELIEVED, INTERPOLATED, PoseTable
from ...types import Advice, AdviceCode
from ..elapsed import elapsed
from .advice_log import merge_advice
from .runs import runs

SHORTEST = 5  # rows of a stretch of low confidence

LOW = "these poses are more likely wrong than right; slower motion, more light or more texture would help"
STANDING = "the camera stands: its pose is held, and there is no depth"
TURNING = "the camera only turns: its turns are known, and there is no depth; a step aside would give some"


@dataclass(frozen=True)
class Remark:
    """One row of run.json's `stretches` or `advice`; seconds since the first frame of the input, both included."""

    from_s: float
    to_s: float
    code: AdviceCode
    text: str


@dataclass(frozen=True)
class RunTrust:
    """What run.json says; `share` is that of rows with confidence 0.5 and more, None before the run has ended, and
    where it has depth alone."""

    share: float | None
    stretches: tuple[Remark, ...]
    advice: tuple[Remark, ...]

    def as_json(self) -> dict[str, Any]:
        """The keys of run.json."""
        return {"trust": {"share": self.share, "stretches": self.stretches}, "advice": self.advice}


def trust_until_now(
    rows: Iterable[Advice], indices: Sequence[int], timestamps: Sequence[float], since: float = 0.0
) -> RunTrust:
    """What was said of the input of a run that goes on, and by its windows of its frames, which have these times;
    what is told counts from `since`, the first frame of the input."""
    rows = list(rows)
    stretches = _remarks((row for row in rows if row.distrusts_map), indices, timestamps, since)
    said = _remarks((row for row in rows if not row.distrusts_map), indices, timestamps, since)
    return RunTrust(None, stretches, said)


def run_trust(
    poses: PoseTable,
    rows: Iterable[Advice],
    unplaced: Sequence[Advice] = (),
    of_input: Sequence[Advice] = (),
    since: float = 0.0,
) -> RunTrust:
    """What is to be said of a run that has ended: what its windows said, and what its poses show.

    `unplaced` has a row for every run of frames without a pose, in order, and says why; `of_input` is about the input
    as a whole, and `since` the time of its first frame.
    """
    indices, timestamps = poses.source_index.tolist(), poses.timestamp.tolist()
    said = merge_advice([*rows, *_of_status(poses)], indices)
    share = _share(poses)
    rows = [*of_input, *said, *_of_low_confidence(poses, unplaced), *unplaced]
    told = trust_until_now(rows, indices, timestamps, since)
    return RunTrust(share, told.stretches, told.advice)


def _share(poses: PoseTable) -> float | None:
    """Of the frames whose pose is believed; None where the model gives none, so that there is nothing to believe."""
    if not len(poses):
        return 0.0
    return None if poses.is_depth_alone.all() else float(np.mean(poses.confidence >= BELIEVED))


def _of_low_confidence(poses: PoseTable, unplaced: Sequence[Advice]) -> Iterator[Advice]:
    for first, last in runs((poses.confidence < BELIEVED) & ~poses.is_depth_alone):
        if last - first + 1 >= SHORTEST:
            yield _advice(AdviceCode.LOW_CONFIDENCE, _low_text(poses, unplaced, first, last), poses, first, last)


def _low_text(poses: PoseTable, unplaced: Sequence[Advice], first: int, last: int) -> str:
    """What is wrong with these rows: poses, or why they have none."""
    start, end = poses.source_index[[first, last]].tolist()
    k = bisect_left(unplaced, start, key=attrgetter("first_frame"))
    why = [row.text for row in unplaced[k : k + 1] if row.first_frame <= end]
    return "; ".join([LOW, *why] if (poses.segment[first : last + 1] >= 0).any() else why or [LOW])


def _of_status(poses: PoseTable) -> Iterator[Advice]:
    states = np.array(poses.status, object)
    states[(states == "HELD") & (poses.confidence < BELIEVED)] = "WEAK"  # whether the camera stands is what is doubted
    states = _bridged(states)
    for code, status, text in ((AdviceCode.STANDING, "HELD", STANDING), (AdviceCode.TURNING, "TURNED", TURNING)):
        for first, last in runs(states == status):
            yield _advice(code, text, poses, first, last)


def _bridged(states: NDArray[np.object_]) -> NDArray[np.object_]:
    """The states, with that of their neighbours for interpolated frames between two that have the same."""
    own = np.flatnonzero(states != INTERPOLATED)
    if not len(own):
        return states
    after = np.searchsorted(own, np.arange(len(states)))
    before, after = own[np.maximum(after - 1, 0)], own[np.minimum(after, len(own) - 1)]
    between = (states == INTERPOLATED) & (states[before] == states[after])
    return np.where(between, states[before], states)


def _advice(code: AdviceCode, text: str, poses: PoseTable, first: int, last: int) -> Advice:
    return Advice(code, text, int(poses.source_index[first]), int(poses.source_index[last]))


def _remarks(
    rows: Iterable[Advice], indices: Sequence[int], timestamps: Sequence[float], since: float
) -> tuple[Remark, ...]:
    """The rows with times, in their order."""
    timed = [_remark(row, indices, timestamps, since) for row in rows if len(indices)]
    return tuple(sorted(timed, key=lambda remark: (remark.from_s, remark.to_s, remark.code)))


def _remark(row: Advice, indices: Sequence[int], timestamps: Sequence[float], since: float) -> Remark:
    """The times of the first and the last selected frame that a row is about."""
    first = min(bisect_left(indices, row.first_frame), len(indices) - 1)
    last = max(bisect_right(indices, row.last_frame) - 1, first)
    return Remark(elapsed(timestamps[first], since), elapsed(timestamps[last], since), row.code, row.text)
