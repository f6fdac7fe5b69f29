"""Pairs of windows with a known similarity between them, along a curved drive, and what can be wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from da3_stream.geometry import Sim3
from da3_stream.types import WindowGeometry

Array = NDArray[np.float64]

SIZE = (72, 128)  # rows, columns
SHARED = 24  # frames
NEAR, FAR, LIMIT = 4.0, 40.0, 120.0  # m: nearest depth, where the far field begins, furthest depth
FAR_SHARE = 0.15


@dataclass(frozen=True)
class Errors:
    """What is random in a window: standard deviations, relative to depth or in the units named.

    `pixel` is independent from pixel to pixel, `patch` smooth over an eighth of the image and new in every frame,
    `frame` common to a frame, `turn` (rad) and `centre` (m) are those of cameras. `memory` is the correlation of
    neighbouring frames' `patch`, `frame`, `turn` and `centre`.
    """

    pixel: float = 0.0
    patch: float = 0.0
    frame: float = 0.0
    turn: float = 0.0
    centre: float = 0.0
    memory: float = 0.0


@dataclass(frozen=True, eq=False)
class Pair:
    """Two windows that share frames, and how the current one lies in the previous one."""

    previous: WindowGeometry
    current: WindowGeometry
    truth: Sim3  # previous_from_current


def make_pair(
    seed: int = 0,
    frames: int = 12,
    scale: float = 0.7,
    depth_noise: float = 0.0,
    pose_noise: float = 0.0,
    size: tuple[int, int] = (48, 96),
    speed: float = 1.0,
) -> Pair:
    """Two windows of `frames` + 4 frames that share `frames`: smooth depth from about 4 to 60, noise per pixel, and on
    poses an angle (rad) with ten times as many metres on the centre."""
    rng = np.random.default_rng(seed)
    truth = Sim3(scale, Rotation.from_rotvec(rng.normal(0, 1, 3)).as_matrix(), rng.normal(0, 60, 3))
    depth = np.stack([15 * np.exp(0.7 * _smooth(rng, size)) for _ in range(frames + 8)])
    pair = _overlapping(depth, speed, truth, 4)
    errors = Errors(pixel=depth_noise, turn=pose_noise, centre=10 * pose_noise)
    previous, current = disturbed(pair.previous, rng, 1.0, errors), disturbed(pair.current, rng, 1 / scale, errors)
    return Pair(previous, current, truth)


def make_street_pair(rng: np.random.Generator, frames: int = SHARED, step_m: float = 1.0) -> Pair:
    """Exact windows, in metres the previous one, of a drive of `step_m` a frame; 15 % of the pixels are beyond 40 m."""
    truth = Sim3(np.exp(rng.uniform(-0.5, 0.5)), Rotation.random(rng=rng).as_matrix(), rng.normal(0, 60, 3))
    return _overlapping(np.stack([_street_depth(rng, SIZE) for _ in range(frames)]), step_m, truth, 0)


def disturbed(window: WindowGeometry, rng: np.random.Generator, metre: float, errors: Errors) -> WindowGeometry:
    """The window with random errors; `metre` is how long a metre is in it."""
    count, size = window.depth.shape[0], window.depth.shape[1:]
    log_error = errors.pixel * rng.normal(size=window.depth.shape)
    log_error += errors.patch * _series(np.stack([_smooth(rng, size) for _ in range(count)]), errors.memory)
    log_error += errors.frame * _series(rng.normal(size=(count, 1, 1)), errors.memory)
    poses = window.window_from_camera.copy()
    turns = errors.turn * _series(rng.normal(size=(count, 3)), errors.memory)
    poses[:, :3, :3] = Rotation.from_rotvec(turns).as_matrix() @ poses[:, :3, :3]
    poses[:, :3, 3] += errors.centre * metre * _series(rng.normal(size=(count, 3)), errors.memory)
    return replace(window, depth=window.depth * np.exp(log_error), window_from_camera=poses)


def in_units(window: WindowGeometry, factor: float) -> WindowGeometry:
    """The same window with a unit of length `factor` times smaller."""
    poses = window.window_from_camera.copy()
    poses[:, :3, 3] *= factor
    return replace(window, depth=window.depth * factor, window_from_camera=poses)


def nothing_wrong(pair: Pair, rng: np.random.Generator) -> Pair:
    """The pair itself."""
    return pair


def with_compressed_far_field(pair: Pair, rng: np.random.Generator) -> Pair:
    """What lies beyond 40 m is 8 % too near in the previous window."""
    depth = pair.previous.depth
    return replace(pair, previous=replace(pair.previous, depth=np.where(depth > FAR, 0.92 * depth, depth)))


def with_outliers(pair: Pair, rng: np.random.Generator) -> Pair:
    """30 % of the current window's pixels are wrong by a factor between 0.1 and 10."""
    depth = pair.current.depth
    factors = np.where(rng.random(depth.shape) < 0.3, 10 ** rng.uniform(-1, 1, depth.shape), 1.0)
    return replace(pair, current=replace(pair.current, depth=depth * factors))


def with_holes(pair: Pair, rng: np.random.Generator) -> Pair:
    """A fifth of the current depth is NaN, a tenth 0, a tenth infinite; nonsense without confidence; one camera NaN."""
    depth, confidence = pair.current.depth.copy(), pair.current.confidence.copy()
    for value, share in ((np.nan, 0.2), (0.0, 0.1), (np.inf, 0.1)):
        depth[rng.random(depth.shape) < share] = value
    nonsense = rng.random(depth.shape) < 0.2
    depth[nonsense] *= 7.0
    confidence[nonsense] = 0.0
    confidence[rng.random(depth.shape) < 0.02] = np.nan
    poses = pair.current.window_from_camera.copy()
    poses[3] = np.nan
    current = replace(pair.current, depth=depth, confidence=confidence, window_from_camera=poses)
    return replace(pair, current=current)


def with_car(pair: Pair, rng: np.random.Generator, factor: float) -> Pair:
    """A car that crosses the image, a third as wide; the current window sees it `factor` times too far."""
    depth = pair.current.depth.copy()
    count, _, width = depth.shape
    for row, left in enumerate(np.linspace(0, width - width // 3, count).astype(int)):
        depth[row, :, left : left + width // 3] *= factor
    return replace(pair, current=replace(pair.current, depth=depth))


def log_error(found: Sim3, truth: Sim3) -> Array:
    """Log of the error: rho, rotation vector, log-scale."""
    return (truth.inverse() @ found).log()


def _overlapping(depth: Array, step_m: float, truth: Sim3, shift: int) -> Pair:
    """Frames with depth [N,H,W] as two windows, of which the current one begins and ends `shift` frames later."""
    poses, count = _drive(len(depth), step_m), len(depth) - shift
    previous = _window(depth[:count], poses[:count], 0)
    return Pair(previous, _window(depth[shift:] / truth.scale, _moved(truth.inverse(), poses[shift:]), shift), truth)


def _street_depth(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Depth [H,W]: log-uniform up to 40 m, and beyond it for the highest 15 % of a smooth random field."""
    field = _smooth(rng, size)
    rank = (np.argsort(np.argsort(field.ravel())).reshape(size) + 0.5) / field.size
    near, far = rank / (1 - FAR_SHARE), (rank - (1 - FAR_SHARE)) / FAR_SHARE
    return np.where(rank < 1 - FAR_SHARE, NEAR * (FAR / NEAR) ** near, FAR * (LIMIT / FAR) ** far)


def _smooth(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """A random field [H,W] of variance 1, smooth over an eighth of the image."""
    field = gaussian_filter(rng.normal(size=size), (size[0] / 8, size[1] / 8), mode="wrap")
    field -= field.mean()
    return field / field.std()


def _series(fresh: Array, memory: float) -> Array:
    """A first-order process of variance 1 along the first axis, from independent entries."""
    out = fresh.copy()
    for row in range(1, len(out)):
        out[row] = memory * out[row - 1] + np.sqrt(1 - memory**2) * fresh[row]
    return out


def _drive(count: int, step_m: float) -> Array:
    """world_from_camera [N,4,4] of a camera that drives forward in a bend."""
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, :3] = Rotation.from_euler("y", 0.02 * np.arange(count)[:, None]).as_matrix()
    poses[1:, :3, 3] = step_m * np.cumsum(poses[:-1, :3, 2], axis=0)
    return poses


def _moved(b_from_a: Sim3, a_from_camera: Array) -> Array:
    """Rigid poses [N,4,4] in b of cameras in a."""
    poses = a_from_camera.copy()
    poses[:, :3, :3] = b_from_a.rotation @ a_from_camera[:, :3, :3]
    poses[:, :3, 3] = b_from_a.apply(a_from_camera[:, :3, 3])
    return poses


def _window(depth: Array, poses: Array, first: int) -> WindowGeometry:
    """The window of exact depth and poses whose frames are numbered from `first` on."""
    count, height, width = depth.shape
    k = np.array([[0.6 * width, 0, width / 2], [0, 0.6 * width, height / 2], [0, 0, 1.0]])
    images = np.zeros((count, height, width, 3), np.uint8)
    indices = np.arange(first, first + count)
    return WindowGeometry(indices, images, depth, np.ones_like(depth), np.tile(k, (count, 1, 1)), poses, False)
