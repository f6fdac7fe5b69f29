"""Camera paths: world_from_camera [N,4,4] (OpenCV camera axes, world z up, metres) and timestamps, seeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation, Slerp

from ..errors import SyntheticError

Float64 = NDArray[np.float64]

EYE_M = 1.65
TURN_PER_FRAME = np.radians(2.2)  # at most, which slows the drive down in turns
CRUISE_M = 0.55  # a frame, on a straight, where the number of frames does not fix the speed
FASTEST_M, SLOWEST_M = 0.9, 0.1
_DENSE_M = 0.05  # between the points of a route


@dataclass(frozen=True, eq=False)
class CameraPath:
    """The poses of a camera, world_from_camera [N,4,4], rigid, and their timestamps [N] in seconds."""

    world_from_camera: Float64
    timestamps: Float64

    def pose_at(self, frame: float) -> Float64:
        """world_from_camera [4,4] at a fractional frame number, interpolated between the two frames around it."""
        first = int(np.clip(np.floor(frame), 0, max(len(self.timestamps) - 2, 0)))
        pair = self.world_from_camera[first : first + 2]
        share = np.clip(frame - first, 0.0, 1.0)
        if len(pair) == 1 or share == 0.0:
            return pair[0]
        pose = np.eye(4)
        pose[:3, 3] = (1 - share) * pair[0, :3, 3] + share * pair[1, :3, 3]
        pose[:3, :3] = Slerp([0, 1], Rotation.from_matrix(pair[:, :3, :3]))(share).as_matrix()
        return pose


def drive(route: Float64, frames: int, laps: int, fps: float, seed: int) -> CameraPath:
    """A camera on a car along a closed route [P,2], slower in turns, `laps` times in `frames` frames.

    A single lap that would need more than `FASTEST_M` a frame is driven in part, at `CRUISE_M` a frame.
    """
    smooth = _smooth(route, 1.0)
    along, clock = _timetable(smooth, frames / laps)
    _check_laps(laps, frames, 0.98 * clock[-1], along[-1] / SLOWEST_M)
    lap_frames = max(frames / laps, clock[-1])
    distance = np.interp(np.arange(frames) % lap_frames * (clock[-1] / lap_frames), clock, along)
    closed = np.concatenate([smooth, smooth[:1]])
    position, ahead = (_interpolate(closed, along, (distance + d) % along[-1]) for d in (0.0, 0.1))
    yaw = np.arctan2(*(ahead - position).T[::-1])
    poses = camera_poses(np.column_stack([position, np.full(frames, EYE_M)]), yaw, -3.0)
    return CameraPath(add_shake(poses, seed, slow=1 / 40, metres=0.02, degrees=0.3), np.arange(frames) / fps)


def lawn_mower(centre: ArrayLike, frames: int, laps: int, fps: float, seed: int, look_down_deg: float) -> CameraPath:
    """A flight over roofs in parallel legs and back, facing north, tilted down by an angle (90 is straight down).

    The legs fill a square around the point below which the camera looks: `centre` [2].
    """
    altitude, gap, step = 30.0, 12.0, 0.8
    legs = int(np.clip(round(np.sqrt(frames / laps * step / gap)), 2, 28))
    side = (legs - 1) * gap
    turns = [(k * gap, y) for k in range(legs) for y in ((0.0, side) if k % 2 == 0 else (side, 0.0))]
    route = _smooth(_resample(np.array([*turns, *turns[-2:0:-1]]), _DENSE_M), 2.0)  # there and back
    lap_m = len(route) / 2 * _DENSE_M
    _check_laps(laps, frames, lap_m / FASTEST_M, lap_m / SLOWEST_M)
    pace = min(FASTEST_M, lap_m * laps / frames)
    distance = np.linspace(0.0, frames * pace, frames, endpoint=False) % (2 * lap_m)
    flown = _interpolate(route, np.linspace(0.0, 2 * lap_m, len(route), endpoint=False), distance)
    back = 0.8 * altitude / np.tan(np.radians(look_down_deg))
    position = flown - side / 2 + np.asarray(centre) - (0.0, back)
    poses = camera_poses(
        np.column_stack([position, np.full(frames, altitude)]), np.full(frames, np.pi / 2), look_down_deg
    )
    return CameraPath(add_shake(poses, seed, slow=1 / 25, metres=0.05, degrees=0.5), np.arange(frames) / fps)


def handheld(frames: int, laps: int, fps: float, seed: int) -> CameraPath:
    """A walk around the middle of a room, looking at it from all sides, with the shake of a hand."""
    _check_laps(laps, frames, 300, 30000)
    pace = min(np.radians(1.2), 2 * np.pi * laps / frames)
    angle = pace * np.arange(frames)
    position = np.column_stack([2.3 * np.cos(angle), 1.7 * np.sin(angle), 1.5 + 0.15 * np.sin(3 * angle)])
    yaw = angle + np.pi + 0.25 * np.sin(2 * angle)
    poses = camera_poses(position, yaw, 12.0)
    calm = add_shake(poses, seed, slow=1 / 60, metres=0.04, degrees=1.5)
    return CameraPath(add_shake(calm, seed + 1, slow=1 / 9, metres=0.004, degrees=0.25), np.arange(frames) / fps)


def _check_laps(laps: int, frames: int, min_frames: float, max_frames: float) -> None:
    """Refuse laps that cannot be done in so many frames; a single one may stay unfinished."""
    if laps > 1 and frames / laps < min_frames:
        raise SyntheticError(f"{laps} laps need at least {int(np.ceil(min_frames * laps))} frames, not {frames}")
    if frames / laps > max_frames:
        raise SyntheticError(
            f"{frames} frames need at least {int(np.ceil(frames / max_frames))} laps, not {laps}, or they creep"
        )


def camera_poses(position: Float64, yaw: Float64, look_down_deg: float) -> Float64:
    """Poses [N,4,4] of cameras at positions [N,3] that face yaw [N] (radians from east to north), tilted down."""
    zero, down = np.zeros_like(yaw), np.radians(look_down_deg)
    right = np.column_stack([np.sin(yaw), -np.cos(yaw), zero])
    level = np.column_stack([np.cos(yaw), np.sin(yaw), zero])
    forward = np.cos(down) * level - np.sin(down) * np.array([0.0, 0.0, 1.0])
    poses = np.tile(np.eye(4), (len(yaw), 1, 1))
    poses[:, :3, :3] = np.stack([right, np.cross(forward, right), forward], axis=2)
    poses[:, :3, 3] = position
    return poses


def add_shake(poses: Float64, seed: int, slow: float, metres: float, degrees: float) -> Float64:
    """Poses with smooth random motion added, of about `metres` and `degrees` on every axis.

    Its periods are 1/slow frames and shorter, fitted to the path's length so that a closed path stays closed.
    """
    frames = len(poses)
    rng = np.random.default_rng([seed, 2])
    cycles = np.unique(np.maximum(1, np.round(frames * slow * np.array([0.4, 0.7, 1.0, 1.6])))).astype(int)
    phase = 2 * np.pi * rng.random((len(cycles), 6))
    angle = 2 * np.pi * np.arange(frames)[:, None, None] * cycles[:, None] / frames + phase
    wave = np.sin(angle).sum(axis=1) / np.sqrt(len(cycles))
    out = poses.copy()
    out[:, :3, 3] += metres * wave[:, :3]
    out[:, :3, :3] = poses[:, :3, :3] @ Rotation.from_rotvec(np.radians(degrees) * wave[:, 3:]).as_matrix()
    return out


def round_corners(corners: Sequence[tuple[float, float]], radius: float) -> Float64:
    """A closed polyline [P,2] around a polygon whose corners are rounded by arcs, a point every few centimetres.

    It starts where the last arc ends.
    """
    points = np.asarray(corners, np.float64)
    arcs = []
    for before, corner, after in zip(np.roll(points, 1, axis=0), points, np.roll(points, -1, axis=0), strict=True):
        back, on = ((end - corner) / np.linalg.norm(end - corner) for end in (before, after))
        half = np.arccos(np.clip(back @ on, -1, 1)) / 2
        centre = corner + (back + on) / np.linalg.norm(back + on) * radius / np.sin(half)
        start = corner + back * radius / np.tan(half)
        sweep = np.linspace(0, np.pi - 2 * half, 64)[:, None]
        arcs.append(centre + (start - centre) * np.cos(sweep) - radius * back * np.sin(sweep))
    return _resample(np.concatenate([arcs[-1][-1:], *arcs[:-1], arcs[-1][:-1]]), _DENSE_M)


def _resample(route: Float64, step: float) -> Float64:
    """A closed polyline [P,2] with points at equal distances of about `step`."""
    closed = np.concatenate([route, route[:1]])
    along = _distances(closed)
    return _interpolate(closed, along, np.linspace(0, along[-1], max(4, round(along[-1] / step)), endpoint=False))


def _distances(line: Float64) -> Float64:
    """Length of a polyline [P,2] up to each of its points [P]."""
    return np.concatenate([[0.0], np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()])


def _interpolate(line: Float64, along: Float64, at: Float64) -> Float64:
    """Points [N,2] of a polyline [P,2] at distances `at` [N]; `along` [P] are those of its own points."""
    return np.stack([np.interp(at, along, line[:, k]) for k in (0, 1)], axis=1)


def _smooth(route: Float64, metres: float) -> Float64:
    """Filter a closed, evenly sampled polyline by a Gaussian, so that turns begin and end softly."""
    return gaussian_filter1d(route, metres / _DENSE_M, axis=0, mode="wrap")


def _timetable(route: Float64, frames: float) -> tuple[Float64, Float64]:
    """Distances along a closed even route and the frame (fractional) at which each is reached, over one lap."""
    step = np.roll(route, -1, axis=0) - route
    length = np.linalg.norm(step, axis=1)
    heading = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
    bend = np.abs(np.angle(np.exp(1j * (np.roll(heading, -1) - heading)))) / length
    bend = gaussian_filter1d(bend, 1.0 / _DENSE_M, mode="wrap")

    def clock(speed: float) -> Float64:
        pace = gaussian_filter1d(np.maximum(1 / speed, bend / TURN_PER_FRAME), 1.5 / _DENSE_M, mode="wrap")
        return np.concatenate([[0.0], (pace * length).cumsum()])

    speed = CRUISE_M
    if clock(FASTEST_M)[-1] <= frames:
        low, high = 1e-4, FASTEST_M
        for _ in range(40):
            speed = (low + high) / 2
            low, high = (speed, high) if clock(speed)[-1] > frames else (low, speed)
    return np.concatenate([[0.0], length.cumsum()]), clock(speed)
