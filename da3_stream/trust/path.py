"""Witnesses from the camera's path alone: steps that jump, directions that turn over, rotations that do not go on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]

SIDE = 4  # steps on either side that one is compared with
STANDING = 0.1  # of the median step around: steps are not compared below this, for a camera may stop
MOVING = 0.3  # of the median step around: shorter ones have no direction
LEAST_STEP = 0.01  # of the median depth: nor have these, for a pose may be off by as much and is right


def path_witnesses(poses: Array, depths: Array) -> dict[str, Array]:
    """`step_jump`, `scale_jump`, `bend_deg`, `turn_jump_deg` and `depth_jump` of consecutive rigid poses [n,4,4].

    `depths` [n] are median depths, NaN where unknown. Each is [n], NaN with fewer than three poses.
    """
    if len(poses) < 3:
        names = ("step_jump", "scale_jump", "bend_deg", "turn_jump_deg", "depth_jump")
        return {name: np.full(len(poses), np.nan) for name in names}
    moves = np.diff(poses[:, :3, 3], axis=0)
    steps, floor = _steps(moves)
    logs, log_depths = np.log(steps + floor), np.log(np.where(depths > 0, depths, np.nan))
    return {
        "step_jump": worse_gap(np.abs(logs - _around(logs))),
        "scale_jump": worse_gap(_shared_jumps(logs, log_depths)),
        "bend_deg": _bends(moves, steps, np.fmax(MOVING / STANDING * floor, LEAST_STEP * depths[1:])),
        "turn_jump_deg": worse_gap(_turn_jumps(poses[:, :3, :3])),
        "depth_jump": worse_gap(np.abs(np.diff(log_depths))),
    }


def worse_gap(gaps: Array) -> Array:
    """For every row [n] the larger of the values of the gaps [n - 1] before and after it; NaN if neither is known."""
    return np.fmax(np.append(gaps, np.nan), np.append(np.nan, gaps))


def _steps(moves: Array) -> tuple[Array, Array]:
    """Lengths [n - 1] of the steps, and what counts as standing there [n - 1]."""
    steps = np.linalg.norm(moves, axis=1)
    around = np.array([np.median(steps[max(0, g - 2 * SIDE) : g + 2 * SIDE + 1]) for g in range(len(steps))])
    return steps, STANDING * np.maximum(around, STANDING * np.median(steps)) + 1e-12


def _around(values: Array) -> Array:
    """Median [n, ...] of the values at most SIDE before and after each, without itself."""
    n = len(values)
    near = [[k for k in range(max(0, g - SIDE), min(n, g + SIDE + 1)) if k != g] for g in range(n)]
    return np.array([np.median(values[rows], axis=0) if rows else values[g] for g, rows in enumerate(near)])


def _shared_jumps(logs: Array, log_depths: Array) -> Array:
    """The part of the change of log steps across every gap [n - 1] that the depth shares: a scale that breaks."""
    out = np.zeros(len(logs))
    for gap in range(len(logs)):
        step = _change(logs[max(0, gap - SIDE) : gap], logs[gap + 1 : gap + 1 + SIDE])
        depth = _change(log_depths[max(0, gap - SIDE + 1) : gap + 1], log_depths[gap + 1 : gap + 1 + SIDE])
        out[gap] = min(abs(step), abs(depth)) if step * depth > 0 else 0.0
    return out


def _change(before: Array, after: Array) -> float:
    before, after = before[np.isfinite(before)], after[np.isfinite(after)]
    return float(np.median(after) - np.median(before)) if len(before) and len(after) else 0.0


def _bends(moves: Array, steps: Array, least: Array) -> Array:
    """Angle in degrees [n] between the steps before and after a row; 0 at the ends and where a step is shorter than the
    `least` [n - 1] that has a direction."""
    unit = moves / np.maximum(steps, 1e-12)[:, None]
    angle = np.degrees(np.arccos(np.clip((unit[:-1] * unit[1:]).sum(axis=1), -1, 1)))
    moving = np.minimum(steps[:-1], steps[1:]) > np.maximum(least[:-1], least[1:])
    return np.concatenate([[0.0], np.where(moving, angle, 0.0), [0.0]])


def _turn_jumps(rotations: Array) -> Array:
    """Degrees [n - 1] by which the rotation of a step differs from the median of those around it."""
    turns = Rotation.from_matrix(rotations[:-1].transpose(0, 2, 1) @ rotations[1:]).as_rotvec(degrees=True)
    return np.linalg.norm(turns - _around(turns), axis=1)
