"""How good the models of a window are: which of several to take, and where it must be cut.

A weak link shows where both the step length and the depth that is seen change by a large factor between the same two
frames: the images stay alike, only the scale breaks. Neither the count of registered frames nor reprojection errors
show that. Where the images repeat themselves depth stays as it is; there the tracks contradict the steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .sparse_model import SparseModel

ALARM = np.log(2.0)  # a jump of the scale that calls for a second opinion
CUT = np.log(3.0)  # a jump at which a window is cut if no other model is free of it
SIDE = 4  # frames on either side of a gap with which it is compared
MIN_BRIDGE = 12  # points that must be seen on both sides of a gap
FIRM_BRIDGE = 50  # the same between key frames: where there are fewer, more frames may give more,
DENSE_BRIDGE = 25  # but hardly where all frames are key frames that are
NEAR = 3  # frames from the gap, or nearer
CONTRADICTED = 0.05  # share of the frames at which tracks may contradict the steps: single tracks go astray, too
MIN_HELD = 0.5  # share of the frames of each of two places that one model must hold to relate them


@dataclass(frozen=True, eq=False)
class ModelQuality:
    """Of the models of a window: frames that are missing, for every gap between frames how well it is bridged, and the
    frames at which tracks contradict the ratio of the steps."""

    missing: int
    jumps: NDArray[np.float64]  # [rows - 1], of the scale, natural log
    bridges: NDArray[np.int64]  # [rows - 1], points seen on both sides
    contradicted: int = 0

    @property
    def is_doubtful(self) -> bool:
        """Whether a second opinion is called for."""
        thin = bool((self.bridges < MIN_BRIDGE).any())
        contradicted = self.contradicted > CONTRADICTED * (len(self.jumps) + 1)
        return self.missing > 0 or self.largest_jump > ALARM or thin or contradicted

    @property
    def largest_jump(self) -> float:
        """The largest jump."""
        return float(self.jumps.max(initial=0.0))

    @property
    def cost(self) -> float:
        """For comparing models of one window: lower is better."""
        thin = int((self.bridges < MIN_BRIDGE).sum())
        return self.missing + 10.0 * max(0.0, self.largest_jump - ALARM) + thin + self.contradicted

    def thin_gaps(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """The frames on both sides of the gaps that are not bridged firmly, of rows that are these frames [rows]."""
        gaps = np.flatnonzero(self.bridges < FIRM_BRIDGE)
        thin = [
            gap
            for gap in gaps.tolist()
            if self.bridges[gap] < DENSE_BRIDGE or not _all_near(frames, int(frames[gap]), int(frames[gap + 1]))
        ]
        return frames[np.array([[gap, gap + 1] for gap in thin], np.int64).reshape(-1)]

    def cuts(self) -> tuple[int, ...]:
        """Rows at which a new part begins because the link before them is too weak."""
        weak = (self.jumps > CUT) | (self.bridges < MIN_BRIDGE)
        return tuple(row + 1 for row in _peaks(self.jumps, weak, self.bridges))


def assess_window(
    models: list[SparseModel], count: int, contradicted: int = 0, frames: NDArray[np.int64] | None = None
) -> ModelQuality:
    """Of the largest model of a window of `count` rows; rows in smaller models or none count as missing.

    `contradicted` of its rows are at odds with the tracks (`two_view_witnesses.contradicted_rows`); `frames` [count]
    says which frame of the window each row is, where not each one is a row.
    """
    if not models:
        return ModelQuality(count, np.zeros(0), np.zeros(0, np.int64))
    model, missing = models[0], count - len(models[0].rows)
    jumps = scale_jumps(model, np.arange(count) if frames is None else frames)
    return ModelQuality(missing, jumps, bridging_points(model, count), contradicted)


def assess_pair(models: list[SparseModel], count: int, split_row: int) -> ModelQuality:
    """Of the model of two places, the second from `split_row` on: only the gap between them is assessed.

    Each place by itself is going to be compared with its stored geometry, and the second visit may be faster and
    farther from things, which would look like a jump.
    """
    if not models:
        return assess_window(models, count)
    rows = models[0].rows
    across = bridging_points(models[0], count)[split_row - 1]
    if (rows < split_row).sum() < MIN_HELD * split_row or (rows >= split_row).sum() < MIN_HELD * (count - split_row):
        across = 0
    bridges = np.full(count - 1, np.iinfo(np.int64).max)
    bridges[split_row - 1] = across
    return ModelQuality(count - len(rows), np.zeros(count - 1), bridges)


def scale_jumps(model: SparseModel, frames: NDArray[np.int64]) -> NDArray[np.float64]:
    """For every gap the log factor by which steps (per frame) and seen depths change together, [count - 1], of rows
    that are these frames [count]."""
    count = len(frames)
    steps, depths = np.full(count - 1, np.nan), np.full(count, np.nan)
    centres = model.model_from_camera[:, :3, 3]
    for i, row in enumerate(model.rows):
        depths[row] = _median_depth(model, i)
        if i + 1 < len(model.rows) and model.rows[i + 1] == row + 1:
            steps[row] = np.linalg.norm(centres[i + 1] - centres[i]) / (frames[row + 1] - frames[row])
    log_steps, log_depths = np.log(np.maximum(steps, 1e-12)), np.log(np.maximum(depths, 1e-12))
    return np.array([_jump(log_steps, log_depths, frames, gap) for gap in range(count - 1)])


def bridging_points(model: SparseModel, count: int) -> NDArray[np.int64]:
    """Points seen at or before and after every gap, [count - 1]; gaps outside the model's rows count as bridged."""
    first, last = np.full(len(model.points), count), np.full(len(model.points), -1)
    for row, seen in zip(model.rows, model.observations, strict=True):
        first[seen[:, 1]] = np.minimum(first[seen[:, 1]], row)
        last[seen[:, 1]] = np.maximum(last[seen[:, 1]], row)
    gaps = np.arange(count - 1)
    bridges = ((first[:, None] <= gaps) & (last[:, None] > gaps)).sum(axis=0)
    inside = (gaps >= model.rows[0]) & (gaps < model.rows[-1])
    return np.where(inside, bridges, np.iinfo(np.int64).max)


def _all_near(frames: NDArray[np.int64], before: int, after: int) -> bool:
    """Whether all frames near a gap are among these (ascending)."""
    first, last = max(before - NEAR, int(frames[0])), min(after + NEAR, int(frames[-1]))
    return int(np.isin(np.arange(first, last + 1), frames).sum()) == last + 1 - first


def _median_depth(model: SparseModel, i: int) -> float:
    """Median depth of the points that a camera sees; NaN if it sees none."""
    if not len(model.observations[i]):
        return float("nan")
    pose = model.model_from_camera[i]
    return float(np.median((model.points[model.observations[i][:, 1]] - pose[:3, 3]) @ pose[:3, 2]))


def _jump(
    log_steps: NDArray[np.float64], log_depths: NDArray[np.float64], frames: NDArray[np.int64], gap: int
) -> float:
    """The part of the change across a gap that steps and depths share."""
    first, last = frames[gap] - SIDE, frames[gap + 1] + SIDE
    low, high = (int(at) for at in np.searchsorted(frames, (first, last + 1)))
    step = _change(log_steps[low:gap], log_steps[gap + 1 : high - 1])
    low, high = (int(at) for at in np.searchsorted(frames, (first + 1, last)))
    depth = _change(log_depths[low : gap + 1], log_depths[gap + 1 : high])
    return min(abs(step), abs(depth)) if step * depth > 0 else 0.0


def _change(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    before, after = before[np.isfinite(before)], after[np.isfinite(after)]
    return float(np.median(after) - np.median(before)) if len(before) and len(after) else 0.0


def _peaks(jumps: NDArray[np.float64], weak: NDArray[np.bool_], bridges: NDArray[np.int64]) -> list[int]:
    """One gap of every run of weak gaps: that with the largest jump, or with the fewest points."""
    out: list[int] = []
    gaps = np.flatnonzero(weak)
    for run in np.split(gaps, np.flatnonzero(np.diff(gaps) > 1) + 1):
        if len(run):
            out.append(int(run[np.lexsort((bridges[run], -np.round(jumps[run], 6)))[0]]))
    return out
