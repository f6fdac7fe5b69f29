"""Speed, height and direction along the way."""

from __future__ import annotations

import numpy as np

from ...types import Float64
from ..words import moment
from .chart import Line, chart
from .html import section
from .subject import Subject

_MOST_BINS = 240
_ROWS_A_BIN = 5  # at least: steps from one frame to the next are noisy


def profiles(subject: Subject) -> str:
    """Three charts: speed and height where the camera moves, and which way it looks; empty where nothing was placed."""
    drawn = chart(
        "looks to (degrees, to the right)", [Line("heading", subject.times, headings(subject))], "time", _tick
    )
    if subject.moves:
        speed, height = Line("speed", *speeds(subject)), Line("height", *heights(subject))
        drawn = (
            chart(f"speed ({subject.unit}/s)", [speed], "time", _tick, zero=True)
            + chart(f"height over the start ({subject.unit})", [height], "time", _tick)
            + drawn
        )
    return section("profiles", "Along the way", f'<div class="charts">{drawn}</div>' if drawn else "")


def headings(subject: Subject) -> Float64:
    """Which way every camera looks over the level, in degrees to the right of the first camera of its segment and never
    cut at a full turn; NaN without a pose."""
    poses = subject.poses
    heading = np.full(len(poses), np.nan)
    for rows in subject.stretches_of_rows(np.ones(len(poses), bool)):
        right, ahead = (poses.world_from_camera[rows, :3, 2] @ subject.upright_from_world.T)[:, :2].T
        turned = np.degrees(np.unwrap(np.arctan2(right, ahead)))
        heading[rows] = turned - turned[0]
    return heading


def speeds(subject: Subject) -> tuple[Float64, Float64]:
    """Times and speeds of stretches of five frames and more: way over time within segments, NaN where there is none."""
    poses, times = subject.poses, subject.times
    rows = np.flatnonzero(poses.segment >= 0)
    if len(rows) < 2:
        return np.zeros(0), np.zeros(0)
    step = np.linalg.norm(np.diff(poses.world_from_camera[rows, :3, 3], axis=0), axis=1)
    lasts = np.diff(times[rows])
    same = (np.diff(poses.segment[rows]) == 0) & (lasts > 0)
    starts = np.arange(0, len(step), max(_ROWS_A_BIN, -(-len(step) // _MOST_BINS)))
    way, time = (np.add.reduceat(np.where(same, values, 0.0), starts) for values in (step, lasts))
    middle = (times[rows[starts]] + times[rows[np.append(starts[1:], len(step))]]) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return middle, np.where(time > 0, way / time, np.nan)


def heights(subject: Subject) -> tuple[Float64, Float64]:
    """Times and heights over the first camera of each segment, NaN between segments and without a pose."""
    poses = subject.poses
    height = np.full(len(poses), np.nan)
    for rows in subject.stretches_of_rows(np.ones(len(poses), bool)):
        height[rows] = subject.centres[rows, 2] - subject.centres[rows[0], 2]
    return subject.times, height


def _tick(seconds: float) -> str:
    """Whole seconds as people write them, parts of one in figures."""
    return moment(seconds) if seconds == round(seconds) else f"{seconds:.3g} s"
