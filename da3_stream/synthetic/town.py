"""The synthetic town as a sequence of frames with exact truth: what `make_town` returns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import SyntheticError
from ..geometry import intrinsics_from_hfov
from . import paths
from .paths import CameraPath
from .scenes.streets import LANE_M, ONE_BLOCK, Plan, figure_eight, plan_for_drive, plan_for_flight
from .scenes.terrain import Terrain

if TYPE_CHECKING:
    from .scenes.scene import Scene
    from .scenes.town_scene import Convoy

DRIVES = ("block", "eight")
PATHS = (*DRIVES, "drone", "drone_down", "handheld")
GAP_M = 11.0  # from the camera to the middle of the car ahead, and from there to the next one
MOST_AHEAD = 5
STEEPEST = 0.2


@dataclass(frozen=True, eq=False)
class TownFrame:
    """One rendered frame and its truth."""

    image: NDArray[np.uint8]  # [H,W,3] RGB
    depth: NDArray[np.float32]  # [H,W] metres along z, 0 = sky
    world_from_camera: NDArray[np.float64]  # [4,4], world x east, y north, z up; OpenCV camera axes
    timestamp: float
    intrinsics: NDArray[np.float64]  # [3,3], pixel centres at +0.5


@dataclass(frozen=True)
class Effects:
    """What a camera adds to a clean picture; all zero adds nothing.

    `exposure` is the swing of a slow change of brightness in stops, `blur` the sigma of defocus in pixels, `shutter`
    the share of the frame interval that the shutter is open (motion blur), `noise` the sigma of the sensor's noise in
    grey levels, with banding of half of it that rolls down the image.
    """

    exposure: float = 0.0
    blur: float = 0.0
    shutter: float = 0.0
    noise: float = 0.0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Town:
    """A scene, a path through it and a camera; iterating renders its frames in order, on two threads."""

    scene: Scene
    path: CameraPath
    size: tuple[int, int]
    intrinsics: NDArray[np.float64]
    effects: Effects = Effects()

    def __len__(self) -> int:
        return len(self.path.timestamps)

    def __iter__(self) -> Iterator[TownFrame]:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(self.frame, i) for i in range(min(3, len(self)))]
            for i in range(len(self)):
                frame = waiting.pop(0).result()
                if i + 3 < len(self):
                    waiting.append(pool.submit(self.frame, i + 3))
                yield frame

    def frame(self, index: int) -> TownFrame:
        """Render one frame, the same whether alone or in sequence."""
        from .rendering.camera import photograph

        if not 0 <= index < len(self):
            raise SyntheticError(f"the town has frames 0 to {len(self) - 1}, not {index}")
        image, depth = photograph(self.scene, self.path, self.intrinsics, self.size, self.effects, index)
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
    """Plan a town (or a room, for "handheld") and a camera's way through it; nothing is rendered yet.

    `path` is "block" (a drive around as many blocks as suit the number of frames), "eight", "drone" (over the roofs,
    oblique), "drone_down", "handheld", or a `CameraPath` of one's own in the coordinates of the block town, whose first
    block lies around the origin. `size` is (width, height); `cars` drive towards the camera,
    `cars_ahead` before it, and streets that run east rise by `slope` (m in a metre) along the blocks, for the drives
    only; see `Effects` for the rest. Raises SyntheticError for what cannot be.
    """
    _check_way(path, frames, laps, cars)
    _check_drive(path, cars_ahead, slope)
    _check_camera(size, hfov_deg, seed)
    effects = Effects(exposure, blur, shutter, noise, seed)
    _check_effects(effects)
    plan, way = plan_and_path(path, frames, laps, seed)
    terrain = Terrain(slope)
    scene = _scene(path, plan, seed, cars, terrain, _convoy(path, plan, way, cars_ahead))
    way = terrain.carrying(way) if slope else way
    return Town(scene, way, size, intrinsics_from_hfov(hfov_deg, size), effects)


def plan_and_path(path: str | CameraPath, frames: int, laps: int, seed: int) -> tuple[Plan, CameraPath]:
    """The plan of the town that suits a path, and the path; nothing is built yet."""
    if isinstance(path, CameraPath):
        return ONE_BLOCK, path
    if path == "block":
        plan = plan_for_drive(frames / laps, paths.CRUISE_M)
        return plan, paths.drive(_route(path, plan), frames, laps, 10.0, seed)
    if path == "eight":
        plan = Plan((2, 1), circled=(1, 1))
        return plan, paths.drive(_route(path, plan), frames, laps, 10.0, seed)
    if path == "handheld":
        return ONE_BLOCK, paths.handheld(frames, laps, 30.0, seed)
    plan = plan_for_flight(frames / laps)
    return plan, paths.lawn_mower(plan.middle(), frames, laps, 10.0, seed, 90.0 if path == "drone_down" else 55.0)


def _route(path: str, plan: Plan) -> NDArray[np.float64]:
    """The closed way [P,2] of a drive."""
    return paths.rounded(plan.loop(LANE_M), 12.5) if path == "block" else paths.rounded(figure_eight(), 8.5)


def _convoy(path: str | CameraPath, plan: Plan, way: CameraPath, cars: int) -> Convoy | None:
    from .scenes.town_scene import Convoy

    if not cars or not isinstance(path, str):
        return None
    steps = np.linalg.norm(np.diff(way.world_from_camera[:, :2, 3], axis=0), axis=1)
    gaps = tuple(GAP_M * (k + 1) for k in range(cars))
    return Convoy(_route(path, plan), way.timestamps, np.concatenate([[0.0], steps.cumsum()]), gaps)


def _scene(path: str | CameraPath, plan: Plan, seed: int, cars: int, terrain: Terrain, convoy: Convoy | None) -> Scene:
    from .scenes.room_scene import room_scene
    from .scenes.town_scene import town_scene

    return room_scene(seed) if path == "handheld" else town_scene(plan, seed, cars, terrain, convoy)


def _check_way(path: str | CameraPath, frames: int, laps: int, cars: int) -> None:
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
    if not 0 <= cars_ahead <= MOST_AHEAD:
        raise SyntheticError(f"0 to {MOST_AHEAD} cars can drive ahead, not {cars_ahead}")
    if not abs(slope) <= STEEPEST:
        raise SyntheticError(f"the slope must lie between -{STEEPEST:g} and {STEEPEST:g}, not {slope:g}")
    if (cars_ahead or slope) and path not in DRIVES:
        raise SyntheticError("cars drive ahead, and streets rise, on the paths block and eight only")


def _check_camera(size: tuple[int, int], hfov_deg: float, seed: int) -> None:
    if min(size) < 16 or max(size) > 8192:
        raise SyntheticError(f"the size must lie between 16 and 8192 pixels on both sides, not {size[0]}x{size[1]}")
    if not 5 <= hfov_deg <= 150:
        raise SyntheticError(f"the horizontal field of view must lie between 5 and 150 degrees, not {hfov_deg:g}")
    if seed < 0:
        raise SyntheticError(f"the seed must be zero or more, not {seed}")


def _check_effects(effects: Effects) -> None:
    for name in ("exposure", "blur", "shutter", "noise"):
        if not 0 <= getattr(effects, name) < np.inf:
            raise SyntheticError(f"{name} must be zero or more, not {getattr(effects, name):g}")
    if effects.shutter > 1:
        raise SyntheticError(f"the shutter cannot be open for more than the whole frame, 1, not {effects.shutter:g}")
