"""The synthetic town as a sequence of frames with exact truth: what `make_town` returns."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SyntheticError
from ..geometry import intrinsics_from_hfov
from . import paths
from .paths import CameraPath
from .rendering.camera import capture
from .rendering.effects import Effects
from .scenes.room_scene import room_scene
from .scenes.scene import SyntheticScene
from .scenes.streets import LANE_M, ONE_BLOCK, TownPlan, figure_eight, plan_for_drive, plan_for_flight
from .scenes.terrain import Terrain
from .scenes.town_scene import Convoy, town_scene

DRIVES = ("block", "eight")
PATHS = (*DRIVES, "drone", "drone_down", "handheld")
GAP_M = 11.0  # from the camera to the middle of the car ahead, and from there to the next one
MAX_CARS_AHEAD = 5
MAX_SLOPE = 0.2


@dataclass(frozen=True, eq=False)
class TownFrame:
    """One rendered frame and its truth."""

    image: NDArray[np.uint8]  # [H,W,3] RGB
    depth: NDArray[np.float32]  # [H,W] metres along z, 0 = sky
    world_from_camera: NDArray[np.float64]  # [4,4], world x east, y north, z up; OpenCV camera axes
    timestamp: float
    intrinsics: NDArray[np.float64]  # [3,3], pixel centres at +0.5


@dataclass(frozen=True, eq=False)
class Town:
    """A scene, a path through it and a camera; iterating renders its frames in order, on two threads."""

    scene: SyntheticScene
    path: CameraPath
    size: tuple[int, int]
    intrinsics: NDArray[np.float64]
    effects: Effects = Effects()

    def __len__(self) -> int:
        return len(self.path.timestamps)

    def __iter__(self) -> Iterator[TownFrame]:
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(self.frame, i) for i in range(min(3, len(self)))]
            for i in range(len(self)):
                frame = futures.pop(0).result()
                if i + 3 < len(self):
                    futures.append(pool.submit(self.frame, i + 3))
                yield frame

    def frame(self, index: int) -> TownFrame:
        """Render one frame, the same whether alone or in sequence."""
        if not 0 <= index < len(self):
            raise SyntheticError(f"the town has frames 0 to {len(self) - 1}, not {index}")
        image, depth = capture(self.scene, self.path, self.intrinsics, self.size, self.effects, index)
        pose, time = self.path.world_from_camera[index], float(self.path.timestamps[index])
        return TownFrame(image, depth, pose, time, self.intrinsics)


def make_town(
    path: str | CameraPath = "block",
    *,
    frames: int,
    size: tuple[int, int] = (320, 240),
    hfov_deg: float = 75.0,
    seed: int = 0,
    cars: int = 0,
    cars_ahead: int = 0,
    slope: float = 0.0,
    exposure: float = 0.0,
    blur: float = 0.0,
    shutter: float = 0.0,
    noise: float = 0.0,
    laps: int = 1,
) -> Town:
    """Plan a town (or a room, for "handheld") and a camera's path through it; nothing is rendered yet.

    `path` is "block" (a drive around as many blocks as suit the number of frames), "eight", "drone" (over the roofs,
    oblique), "drone_down", "handheld", or a `CameraPath` of one's own in the coordinates of the block town, whose first
    block lies around the origin. `size` is (width, height) in pixels. `cars` drive towards the camera; on the drives
    ("block", "eight") `cars_ahead` drive before it, and streets that run east rise by `slope` (metres per metre) along
    the blocks. `exposure`, `blur`, `shutter` and `noise` are those of `Effects`. The path is completed `laps` times.
    Raises SyntheticError for values that make no town.
    """
    _check_path(path, frames, laps, cars)
    _check_drive(path, cars_ahead, slope)
    _check_camera(size, hfov_deg, seed)
    effects = Effects(exposure, blur, shutter, noise, seed)
    effects.check()
    plan, camera_path = plan_and_path(path, frames, laps, seed)
    terrain = Terrain(slope)
    scene = _scene(path, plan, seed, cars, terrain, _convoy(path, plan, camera_path, cars_ahead))
    camera_path = terrain.drive_over(camera_path) if slope else camera_path
    return Town(scene, camera_path, size, intrinsics_from_hfov(hfov_deg, size), effects)


def plan_and_path(path: str | CameraPath, frames: int, laps: int, seed: int) -> tuple[TownPlan, CameraPath]:
    """The plan of a town that has room for a path, and the path; nothing is built yet."""
    if isinstance(path, CameraPath):
        return ONE_BLOCK, path
    if path == "block":
        plan = plan_for_drive(frames / laps, paths.CRUISE_M)
        return plan, paths.drive(_route(path, plan), frames, laps, 10.0, seed)
    if path == "eight":
        plan = TownPlan((2, 1), traffic_blocks=(1, 1))
        return plan, paths.drive(_route(path, plan), frames, laps, 10.0, seed)
    if path == "handheld":
        return ONE_BLOCK, paths.handheld(frames, laps, 30.0, seed)
    plan = plan_for_flight(frames / laps)
    return plan, paths.lawn_mower(plan.centre(), frames, laps, 10.0, seed, 90.0 if path == "drone_down" else 55.0)


def _route(path: str, plan: TownPlan) -> NDArray[np.float64]:
    """The closed route [P,2] of a drive, in metres."""
    return paths.round_corners(plan.loop(LANE_M), 12.5) if path == "block" else paths.round_corners(figure_eight(), 8.5)


def _convoy(path: str | CameraPath, plan: TownPlan, camera_path: CameraPath, cars: int) -> Convoy | None:
    """The cars that keep their distance from the camera on a drive; None without any."""
    if not cars or not isinstance(path, str):
        return None
    steps = np.linalg.norm(np.diff(camera_path.world_from_camera[:, :2, 3], axis=0), axis=1)
    gaps = tuple(GAP_M * (k + 1) for k in range(cars))
    return Convoy(_route(path, plan), camera_path.timestamps, np.concatenate([[0.0], steps.cumsum()]), gaps)


def _scene(
    path: str | CameraPath, plan: TownPlan, seed: int, cars: int, terrain: Terrain, convoy: Convoy | None
) -> SyntheticScene:
    return room_scene(seed) if path == "handheld" else town_scene(plan, seed, cars, terrain, convoy)


def _check_path(path: str | CameraPath, frames: int, laps: int, cars: int) -> None:
    if isinstance(path, str) and path not in PATHS:
        raise SyntheticError(f"there is no path {path!r}; choose one of {', '.join(PATHS)}")
    if isinstance(path, CameraPath) and len(path.timestamps) != frames:
        raise SyntheticError(f"the path has {len(path.timestamps)} poses, so frames must say so too, not {frames}")
    if frames < 1 or laps < 1:
        raise SyntheticError(f"frames and laps must be at least 1, not {frames} and {laps}")
    if cars < 0:
        raise SyntheticError(f"the number of cars cannot be negative, like {cars}")
    if cars and path == "handheld":
        raise SyntheticError("no cars drive in a room; leave cars at 0 for the handheld path")


def _check_drive(path: str | CameraPath, cars_ahead: int, slope: float) -> None:
    if not 0 <= cars_ahead <= MAX_CARS_AHEAD:
        raise SyntheticError(f"0 to {MAX_CARS_AHEAD} cars can drive ahead, not {cars_ahead}")
    if not abs(slope) <= MAX_SLOPE:
        raise SyntheticError(f"the slope must lie between -{MAX_SLOPE:g} and {MAX_SLOPE:g}, not {slope:g}")
    if (cars_ahead or slope) and path not in DRIVES:
        raise SyntheticError("cars drive ahead, and streets rise, on the paths block and eight only")


def _check_camera(size: tuple[int, int], hfov_deg: float, seed: int) -> None:
    if min(size) < 16 or max(size) > 8192:
        raise SyntheticError(f"the size must lie between 16 and 8192 pixels on both sides, not {size[0]}x{size[1]}")
    if not 5 <= hfov_deg <= 150:
        raise SyntheticError(f"the horizontal field of view must lie between 5 and 150 degrees, not {hfov_deg:g}")
    if seed < 0:
        raise SyntheticError(f"the seed must be zero or more, not {seed}")
