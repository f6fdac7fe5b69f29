"""Cameras of windows in which the camera turns: about one place throughout, or before, after and between drives.

A map of a turn has no depth to hold it. So the rows of a turn are left out of the map but for the two at its ends,
which are at the same place; the others get their orientations from the turn, between those of the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ....types import Advice, AdviceCode, Frame, Status
from .assemble import WindowCameras, assemble
from .rotation_bundle import TurnSolution
from .sparse_model import SparseModel
from .turning import Run

SAME_TURN = np.radians(1.0)  # by which the map may contradict the turn between its ends
SAME_PLACE = 0.05  # of the depth that is seen, likewise
TURN_ERROR = "turn_error_deg"  # the witness of a turn
GUESS = "the camera turned on the spot until it saw nothing of what was mapped: the scale after it is a guess"

Array = NDArray[np.float64]


def turned_cameras(solution: TurnSolution) -> WindowCameras:
    """All rows at one place, turned as the solution says."""
    poses = np.tile(np.eye(4), (len(solution.run_from_camera), 1, 1))
    poses[:, :3, :3] = solution.run_from_camera
    note = f"the camera only turns: rotations leave {solution.residual_px:.2f} px"
    told = {TURN_ERROR: solution.error_deg}
    return WindowCameras(poses, np.zeros(len(poses), bool), (), Status.TURNED, (note,), told)


def turns_alone(turns: Sequence[tuple[Run, TurnSolution]], count: int, lost: str) -> WindowCameras:
    """The longest of some turns alone, in a window of which nothing else could be mapped; no pose for other rows."""
    run, solution = max(turns, key=lambda turn: turn[0].steps)
    poses, inside = np.full((count, 4, 4), np.nan), slice(run.first, run.last + 1)
    poses[inside] = turned_cameras(solution).poses
    status = [Status.FAILED] * count
    status[inside] = [Status.TURNED] * (run.steps + 1)
    note = f"the camera only turns in rows {run.first} to {run.last}; {lost}"
    told = {TURN_ERROR: spread_out(solution.error_deg, np.arange(run.first, run.last + 1), count)}
    return WindowCameras(poses, np.zeros(count, bool), (), Status.WEAK, (note,), told, tuple(status))


def mapped_rows(runs: tuple[Run, ...], count: int) -> NDArray[np.int64]:
    """Rows that are mapped where the camera turns in runs: those outside, and the ends that other rows are beside."""
    inside = np.zeros(count, bool)
    for run in runs:
        inside[run.first + (run.first > 0) : run.last + (run.last == count - 1)] = True
    return np.flatnonzero(~inside)


def assemble_joined(
    models: list[SparseModel], cuts: tuple[int, ...], joins: tuple[TurnJoin, ...], count: int
) -> WindowCameras:
    """The `count` mapped rows of a window, from their models, which the turns among them join, and cuts."""
    joined, guessed = join_models(models, joins, cuts)
    kept = tuple(cut for cut in cuts if cut not in {join.last for join in joins})
    cameras = assemble(joined, kept, count)
    return replace(cameras, notes=(*cameras.notes, *([GUESS] if guessed else [])), guessed_scale=guessed)


def turning_advice(frames: Sequence[Frame], cameras: WindowCameras) -> tuple[Advice, ...]:
    """What turns leave open of the scale, and what they say against the intrinsics."""
    first, last = frames[0].index, frames[-1].index
    guessed = [Advice(AdviceCode.JOIN_DOUBTFUL, GUESS, frames[row].index, last) for row in cameras.guessed_scale]
    wrong = [Advice(AdviceCode.INTRINSICS_WRONG, cameras.contradiction, first, last)] if cameras.contradiction else []
    return (*guessed, *wrong)


@dataclass(frozen=True, eq=False)
class TurnJoin:
    """The two ends of a turn among mapped rows, and how the camera turns between them (first_from_last)."""

    first: int
    last: int
    rotation: Array  # [3,3]


def turn_joins(turns: Sequence[tuple[Run, TurnSolution]], rows: NDArray[np.int64]) -> tuple[TurnJoin, ...]:
    """Of the runs that have mapped rows on both sides."""
    ends = [(run, solution, np.searchsorted(rows, [run.first, run.last])) for run, solution in turns]
    return tuple(
        TurnJoin(int(a), int(b), solution.run_from_camera[0].T @ solution.run_from_camera[-1])
        for run, solution, (a, b) in ends
        if run.first in rows and run.last in rows
    )


def join_models(
    models: list[SparseModel], joins: tuple[TurnJoin, ...], cut: tuple[int, ...]
) -> tuple[list[SparseModel], tuple[int, ...]]:
    """Models that a turn joins as one, and the joins' last rows, at which the scale had to be guessed.

    Where one model holds both ends and agrees with the turn, nothing is joined; `cut` are rows before which a model is
    not trusted. The scale is such that the median depth stays what it was.
    """
    guessed = []
    for join in joins:
        models = [part for model in models for part in _split(model, join, join.last in cut)]
        before, after = _model_with(models, join.first), _model_with(models, join.last)
        if before is not None and after is not None and before is not after:
            rest = [model for model in models if model is not before and model is not after]
            models = sorted([_joined(before, after, join), *rest], key=lambda model: -len(model.rows))
            guessed.append(join.last)
    return models, tuple(guessed)


def insert_turns(
    cameras: WindowCameras,
    rows: NDArray[np.int64],
    turns: Sequence[tuple[Run, TurnSolution]],
    count: int,
) -> WindowCameras:
    """The cameras of mapped `rows` with those of the turns between them: `count` in all."""
    poses, measured, is_turned = np.full((count, 4, 4), np.nan), np.zeros(count, bool), np.zeros(count, bool)
    poses[rows], measured[rows] = cameras.poses, cameras.measured
    witnesses = {name: spread_out(values, rows, count) for name, values in cameras.witnesses.items()}
    told = witnesses.setdefault(TURN_ERROR, np.full(count, np.nan))
    breaks = tuple(int(rows[row]) for row in cameras.breaks)
    for run, solution in turns:
        turned = np.setdiff1d(np.arange(run.first, run.last + 1), rows)
        poses[turned] = _between(poses, run, solution, breaks)[turned - run.first]
        told[turned] = solution.error_deg[turned - run.first]
        is_turned[turned] = True
    status = tuple(Status.TURNED if turned else cameras.status for turned in is_turned)
    notes = (f"the camera only turns in rows {_ranges(turns)}", *cameras.notes)
    guessed = tuple(int(rows[row]) for row in cameras.guessed_scale)
    return WindowCameras(poses, measured, breaks, cameras.status, notes, witnesses, status, guessed)


def spread_out(values: Array, rows: NDArray[np.int64], count: int) -> Array:
    """Values [len(rows)] of some rows among those of all, NaN for the others."""
    out = np.full(count, np.nan)
    out[rows] = values
    return out


def _ranges(turns: Sequence[tuple[Run, TurnSolution]]) -> str:
    return ", ".join(f"{run.first} to {run.last}" for run, _ in turns)


def _between(poses: Array, run: Run, solution: TurnSolution, breaks: tuple[int, ...]) -> Array:
    """Poses [n,4,4] of a run's rows: the turn, laid upon the cameras at its ends that are known.

    Where another part begins with the last row, the turn belongs to the part before.
    """
    ends = [(k, poses[row]) for k, row in ((0, run.first), (run.steps, run.last)) if np.isfinite(poses[row, 0, 0])]
    ends = ends[:1] if any(run.first < row <= run.last for row in breaks) else ends
    window_from_run = np.stack([pose[:3, :3] @ solution.run_from_camera[k].T for k, pose in ends])
    share = np.arange(run.steps + 1) / run.steps if len(ends) == 2 else np.zeros(run.steps + 1)
    difference = Rotation.from_matrix(window_from_run[-1] @ window_from_run[0].T).as_rotvec()
    out = np.tile(np.eye(4), (run.steps + 1, 1, 1))
    turned = Rotation.from_rotvec(share[:, None] * difference).as_matrix() @ window_from_run[0]
    out[:, :3, :3] = turned @ solution.run_from_camera
    out[:, :3, 3] = (1 - share)[:, None] * ends[0][1][:3, 3] + share[:, None] * ends[-1][1][:3, 3]
    return out


def _model_with(models: list[SparseModel], row: int) -> SparseModel | None:
    return next((model for model in models if row in model.rows), None)


def _split(model: SparseModel, join: TurnJoin, doubted: bool) -> list[SparseModel]:
    """The model before and after a turn if it holds both ends, but contradicts it; else as it is."""
    if not (join.first in model.rows and join.last in model.rows):
        return [model]
    first, last = np.searchsorted(model.rows, [join.first, join.last])
    first_from_last = np.linalg.inv(model.model_from_camera[first]) @ model.model_from_camera[last]
    angle = Rotation.from_matrix(first_from_last[:3, :3] @ join.rotation.T).magnitude()
    apart = np.linalg.norm(first_from_last[:3, 3]) > SAME_PLACE * seen_depth(model, int(first))
    if not (doubted or angle > SAME_TURN or apart):
        return [model]
    return [_part(model, slice(0, last)), _part(model, slice(last, None))]


def _part(model: SparseModel, part: slice) -> SparseModel:
    return replace(
        model,
        rows=model.rows[part],
        model_from_camera=model.model_from_camera[part],
        observations=model.observations[part],
    )


def _joined(before: SparseModel, after: SparseModel, join: TurnJoin) -> SparseModel:
    """One model in the frame of the one before the turn."""
    first, last = int(np.searchsorted(before.rows, join.first)), int(np.searchsorted(after.rows, join.last))
    depths = seen_depth(before, first), seen_depth(after, last)
    scale = depths[0] / depths[1] if min(depths) > 0 else 1.0
    here, there = before.model_from_camera[first], after.model_from_camera[last]
    rotation = here[:3, :3] @ join.rotation @ there[:3, :3].T
    shift = here[:3, 3] - scale * rotation @ there[:3, 3]
    poses = after.model_from_camera.copy()
    poses[:, :3, :3] = rotation @ poses[:, :3, :3]
    poses[:, :3, 3] = scale * poses[:, :3, 3] @ rotation.T + shift
    offset = np.array([0, len(before.points)])
    return replace(
        before,
        rows=np.concatenate([before.rows, after.rows]),
        model_from_camera=np.concatenate([before.model_from_camera, poses]),
        points=np.concatenate([before.points, scale * after.points @ rotation.T + shift]),
        observations=[*before.observations, *(seen + offset for seen in after.observations)],
    )


def seen_depth(model: SparseModel, i: int) -> float:
    """Median depth of the points that the i-th camera of a model sees; 0 if it sees none."""
    if not len(model.observations[i]):
        return 0.0
    pose = model.model_from_camera[i]
    return float(np.median((model.points[model.observations[i][:, 1]] - pose[:3, 3]) @ pose[:3, 2]))
