"""Clean sequences of made-up scenes: town, drone, room, corridors that repeat, a railing, a camera that turns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from da3_stream.geometry import intrinsics_from_hfov
from da3_stream.synthetic import CameraPath, Effects, Town, make_town
from da3_stream.synthetic.materials.atlas import Atlas
from da3_stream.synthetic.materials.facades import facade
from da3_stream.synthetic.materials.sky import cloud_cover
from da3_stream.synthetic.materials.textures import modulate, noise, texels
from da3_stream.synthetic.paths import EYE_M, add_shake, camera_poses
from da3_stream.synthetic.scenes.scene import SyntheticScene
from da3_stream.synthetic.scenes.shapes import Face, Shapes, box, floor, footing
from da3_stream.synthetic.town import plan_and_path

from .sequences import Float64, Sequence, UInt8

SIZE = (224, 168)
HFOV_DEG = 75.0
LONG = 320  # frames of the whole drive, flight or walk that a sequence is a part of
LENGTH = 64  # frames of a sequence
CORRIDOR_M = (3.0, 2.6)  # wide, high
PER_METRE = 64  # texels


def journey(path: str, seed: int, size: tuple[int, int] = SIZE) -> Sequence:
    """A part of a drive ("block"), a flight ("drone") or a walk in a room ("handheld"), from a place of the seed."""
    town = make_town(path, frames=LONG, size=size, hfov_deg=HFOV_DEG, seed=seed)
    return filmed(town, _begin(seed), LENGTH)


def filmed(town: Town, first: int, count: int) -> Sequence:
    """The sequence that a camera takes in a scene, with the median of the true depths."""
    frames = [town.frame(first + i) for i in range(count)]
    depths = np.concatenate([frame.depth[::4, ::4][frame.depth[::4, ::4] > 0] for frame in frames])
    (fx, _, cx), (_, fy, cy), _ = town.intrinsics.tolist()
    truth = np.stack([frame.world_from_camera for frame in frames])
    return Sequence(
        np.stack([frame.image for frame in frames]), truth, (fx, fy, cx - 0.5, cy - 0.5), float(np.median(depths))
    )


def _begin(seed: int) -> int:
    return int(np.random.default_rng([seed, 11]).integers(0, LONG - LENGTH))


def _drive(seed: int) -> Float64:
    """The poses [LENGTH,4,4] of the drive of `journey`, without its scene."""
    _, path = plan_and_path("block", LONG, 1, seed)
    return path.world_from_camera[_begin(seed) :][:LENGTH]


def turning(turns_deg: Float64, pitch_deg: Float64, seed: int) -> Sequence:
    """A camera in the town that turns on the spot by the angles [N] to the left and [N] upwards."""
    poses = _turned(_drive(seed)[0], turns_deg, pitch_deg)
    still = filmed(_in_town(poses, seed), 0, len(poses))
    return Sequence(still.images, still.truth, still.intrinsics, still.depth_m, turns=True)


def look_round_in_a_drive(angle_deg: float, seed: int) -> Sequence:
    """A drive that stops in the middle, where the camera turns by an angle to the left and back on the spot."""
    drive = _drive(seed)[:28]
    swing = angle_deg * np.sin(np.pi * np.arange(1, 13) / 13)
    poses = np.concatenate([drive[:14], _turned(drive[14], swing, 0 * swing), drive[14:]])
    return filmed(_in_town(poses, seed), 0, len(poses))


def _in_town(poses: Float64, seed: int) -> Town:
    path = CameraPath(poses, np.arange(len(poses)) / 10.0)
    return make_town(path, frames=len(poses), size=SIZE, hfov_deg=HFOV_DEG, seed=seed)


def _turned(pose: Float64, left_deg: Float64, up_deg: Float64) -> Float64:
    """Poses [N,4,4] in one place, turned from one pose to the left (about z) and upwards."""
    yaw, down = np.arctan2(pose[1, 2], pose[0, 2]), -np.degrees(np.arcsin(pose[2, 2]))
    place = pose[None, :3, 3]
    turned = [
        camera_poses(place, np.array([yaw + np.radians(a)]), float(down - b))[0]
        for a, b in zip(left_deg, up_deg, strict=True)
    ]
    return np.stack(turned)


def corridor(alike: float, period_m: float, step_m: float, seed: int) -> Sequence:
    """A walk along a corridor of panels: 1 = all alike, 0 = each of its own; one panel is `period_m` long."""
    rng = np.random.default_rng([seed, 21])
    count = int(np.ceil((LENGTH * step_m + 30.0) / period_m))
    poses = camera_poses(
        np.column_stack([step_m * np.arange(LENGTH), np.zeros(LENGTH), np.full(LENGTH, 1.4)]), np.zeros(LENGTH), 0.0
    )
    path = CameraPath(add_shake(poses, seed, slow=1 / 20, metres=0.03, degrees=0.4), np.arange(LENGTH) / 10.0)
    scene = _corridor_scene(alike, period_m, count, rng)
    town = Town(scene, path, SIZE, intrinsics_from_hfov(HFOV_DEG, SIZE), Effects())
    return filmed(town, 0, LENGTH)


def _corridor_scene(alike: float, period_m: float, count: int, rng: np.random.Generator) -> SyntheticScene:
    """Walls, floor and ceiling along x, open at both ends, with a wall across the far one."""
    wide, high = CORRIDOR_M
    sides = {"left": high, "right": high, "floor": wide, "ceiling": wide}
    images: list[UInt8] = []
    faces: list[Face] = []
    for side, across in sides.items():
        common = _panel(rng, across, period_m)
        for k in range(count):
            own = _panel(rng, across, period_m)
            images.append((alike * common + (1 - alike) * own).astype(np.uint8))
            faces.append(_corridor_face(side, k * period_m - 2.0, period_m, len(images) - 1))
    images.append(_panel(rng, high, wide))
    end = count * period_m - 2.0
    faces.append(
        Face(np.array([end, wide / 2, high]), np.array([0, -wide, 0]), np.array([0, 0, -high]), len(images) - 1)
    )
    light = np.array([0.2, 0.3, 0.93])
    return SyntheticScene(Shapes.of(faces), Atlas.of(images), cloud_cover(rng), light / np.linalg.norm(light))


def _corridor_face(side: str, x: float, length: float, texture: int) -> Face:
    wide, high = CORRIDOR_M
    along, across, up = np.array([length, 0, 0]), np.array([0, wide, 0.0]), np.array([0, 0, high])
    corner = np.array([x, -wide / 2, 0.0])
    if side == "left":
        return Face(corner + across + up, along, -up, texture)
    if side == "right":
        return Face(corner + along + up, -along, -up, texture)
    if side == "floor":
        return Face(corner + across, along, -across, texture)
    return Face(corner + up, along, across, texture)


def _panel(rng: np.random.Generator, across_m: float, along_m: float) -> UInt8:
    """A panel with a door or a poster and grain at every scale."""
    shape = (texels(across_m, PER_METRE), texels(along_m, PER_METRE))
    image = modulate(rng.uniform(90, 180, 3).tolist(), 0.35 * noise(rng, shape, 32, 6, 0.9), rng)
    high, wide = (int(rng.uniform(0.3, 0.6) * side) for side in shape)
    top, left = (int(rng.uniform(0, side - part)) for side, part in zip(shape, (high, wide), strict=True))
    image[top : top + high, left : left + wide] = modulate(
        rng.uniform(30, 220, 3).tolist(), 0.3 * noise(rng, (high, wide), 16, 4, 0.9), rng
    )
    return image


def alike_street(alike: float, seed: int) -> Sequence:
    """A street whose houses come again every few houses (look-alike places): 1 = exactly, 0 = never."""
    rng = np.random.default_rng([seed, 31])
    common = [_front(rng) for _ in range(2)]
    faces, images = list[Face](), [_panel(rng, 8.0, 8.0)]
    for side in (-1.0, 1.0):
        for k in range(14):
            own, shared = _front(rng), common[(k + (side > 0)) % 2]
            images.append((alike * shared + (1 - alike) * own).astype(np.uint8))
            faces.append(_house_front(side, 5.0 * k - 4.0, len(images) - 1))
    faces += [floor(footing(8.0 * k - 8.0, -4.0), 8.0, 8.0, 0) for k in range(10)]
    path = CameraPath(_street_path(seed), np.arange(LENGTH) / 10.0)
    scene = SyntheticScene(Shapes.of(faces), Atlas.of(images), cloud_cover(rng), np.array([0.48, -0.6, 0.64]))
    return filmed(Town(scene, path, SIZE, intrinsics_from_hfov(HFOV_DEG, SIZE), Effects()), 0, LENGTH)


def _street_path(seed: int) -> Float64:
    """A drive along x past many houses, looking a little to the side."""
    x = 0.55 * np.arange(LENGTH)
    poses = camera_poses(np.column_stack([x, 0.4 * np.sin(x / 6), 0 * x + EYE_M]), np.full(LENGTH, 0.5), 0.0)
    return add_shake(poses, seed, slow=1 / 30, metres=0.03, degrees=0.4)


def _front(rng: np.random.Generator) -> NDArray[np.float64]:
    image = facade(rng, 2, 2)
    rows, columns = (np.linspace(0, side - 1, 256).astype(int) for side in image.shape[:2])
    return image[rows][:, columns].astype(np.float64)


def _house_front(side: float, x: float, texture: int) -> Face:
    left = np.array([x if side > 0 else x + 5.0, side * 4.0, 6.0])
    return Face(left, np.array([5.0 * side, 0, 0]), np.array([0, 0, -6.0]), texture)


def railing(height_m: float, spacing_m: float, seed: int) -> Sequence:
    """The drive of `journey` beside a railing on both sides, of bars as high as `height_m`."""
    town = make_town("block", frames=LONG, size=SIZE, hfov_deg=HFOV_DEG, seed=seed)
    first = _begin(seed)
    route = town.path.world_from_camera[max(0, first - 5) : first + LENGTH + 40]
    bars = _bars(route, height_m, spacing_m, int(town.scene.shapes.texture[0]))
    scene = SyntheticScene(
        town.scene.shapes.add_faces([Shapes.of(bars)]), town.scene.atlas, town.scene.clouds, town.scene.sun
    )
    return filmed(Town(scene, town.path, town.size, town.intrinsics), first, LENGTH)


def _bars(route: Float64, height_m: float, spacing_m: float, texture: int) -> list[Face]:
    """Bars at equal distances along a route of poses, 1.6 m to either side of it."""
    steps = np.linalg.norm(np.diff(route[:, :2, 3], axis=0), axis=1)
    along = np.concatenate([[0.0], steps.cumsum()])
    faces: list[Face] = []
    for s in np.arange(0.0, along[-1], spacing_m):
        at = [np.interp(s, along, route[:, k, 3]) for k in (0, 1)]
        heading = np.arctan2(*(np.interp(s, along, route[:, k, 2]) for k in (1, 0)))
        for side in (-1.6, 1.6):
            foot = footing(at[0] - side * np.sin(heading), at[1] + side * np.cos(heading), 0.0, heading)
            faces += box(foot, (0.09, 0.09, height_m), [texture], texture)
    return faces
