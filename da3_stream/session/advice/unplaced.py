"""Why frames have no pose: what the gate or the predictor said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...store import PoseTable, Run, SubmapCameras
from ...types import Advice, AdviceCode, Status
from .runs import runs

HELP = "images need light, texture, and much in common with their neighbours"
GATE = {
    "blank": "blank (dark, overexposed or covered)",
    "glitch": "single images of something else",
    "still": "of a camera that stands",
}
DEPTH_ALONE = "the model looks at single pictures and gives depth alone: there are no poses, no cloud and no path"
NOT_REACHED = "in no window that was finished"


def unplaced_advice(run: Run, poses: PoseTable, submaps: Mapping[int, SubmapCameras]) -> list[Advice]:
    """A row for every run of frames without a pose, with the reasons, the most frequent one first.

    Raises StoreError if the journal is damaged.
    """
    alone = poses.is_depth_alone
    missing = (poses.segment < 0) & ~alone
    if alone.any():
        return [_of_depth(poses, alone), *_of_missing(run, poses, missing, submaps)]
    return _of_missing(run, poses, missing, submaps)


def _of_depth(poses: PoseTable, alone: NDArray[np.bool_]) -> Advice:
    """The row for frames that a model looked at one by one."""
    indices = poses.source_index[alone].tolist()
    return Advice(AdviceCode.UNPLACED, DEPTH_ALONE, indices[0], indices[-1])


def _of_missing(
    run: Run, poses: PoseTable, missing: NDArray[np.bool_], submaps: Mapping[int, SubmapCameras]
) -> list[Advice]:
    if not missing.any():
        return []
    reasons = _reasons(run, poses.source_index[missing].tolist(), submaps)
    found = []
    for first, last in runs(missing):
        indices = poses.source_index[first : last + 1].tolist()
        text = f"{_count(indices, reasons)}; {HELP}"
        found.append(Advice(AdviceCode.UNPLACED, text, indices[0], indices[-1]))
    return found


def of_failed_window(indices: Sequence[int], notes: Sequence[str]) -> Advice:
    """The row for a window that has just failed, with the frames that it owns."""
    text = f"{_count(indices, dict.fromkeys(indices, _of_window(notes)))}; {HELP}"
    return Advice(AdviceCode.UNPLACED, text, indices[0], indices[-1])


def _count(indices: Iterable[int], reasons: Mapping[int, str]) -> str:
    counts = Counter(reasons.get(index, NOT_REACHED) for index in indices)
    return ", ".join(f"{count} frame{'s' * (count != 1)} {reason}" for reason, count in counts.most_common())


def _reasons(run: Run, missing: list[int], submaps: Mapping[int, SubmapCameras]) -> dict[int, str]:
    """By index: what was said of frames without a pose."""
    reasons: dict[int, str] = {}
    indices = np.array(missing)
    for window in (event for event in run.read_events() if event["event"] == "window"):
        first, last = window["frames"]
        covered = indices[(indices >= first) & (indices <= last)].tolist()
        if covered and (window["notes"] or window["status"] == Status.FAILED):
            reasons |= dict.fromkeys((k for k in covered if k not in reasons), _of_window(window["notes"]))
    left_out = {entry.index: entry.reason for submap in submaps.values() for entry in submap.left_out}
    return reasons | {k: GATE.get(left_out[k], left_out[k]) for k in missing if k in left_out}


def _of_window(notes: Sequence[str]) -> str:
    """What a window says last is why it has no poses."""
    return f"in a window that failed ({notes[-1]})" if notes else "in a window that failed"
