"""What does a lens cost whose calibration is known? The town and the room seen through lenses, beside pinholes.

Every picture is rendered by the rays of the lens (from the faces of a cube around the camera, one and a half times as
fine), in two drives and a room. Its run gets the calibration; a pinhole of the same focal length in the middle, on the
same way, gets its K. The truth of depth is rendered for the pinhole's view that the run straightens to. A row is missed
where the trajectory's or the depth's error is more than 1.3 times the pinhole's, or the run does not say OK.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.common import benchmark, measured_run, tell
from benchmarks.tables import Column, Row
from da3_stream.evaluation import evaluate
from da3_stream.geometry import pixel_centres, unit_rays
from da3_stream.geometry.camera_models import CameraModel
from da3_stream.geometry.straight_view import straight_view
from da3_stream.report.words import says_ok
from da3_stream.synthetic import Town, make_town
from da3_stream.synthetic.rendering.cast import PinholeCamera
from da3_stream.synthetic.rendering.render import render
from da3_stream.synthetic.write import first_from_camera
from da3_stream.types import Float64, UInt8

WIDTH, HEIGHT = SIZE = (320, 240)
FINER = 2  # rays along the side of a pixel
FACE_PER_FOCAL = 3.0  # width of a cube's face in focal lengths: 1.5 times as fine as the lens in its middle
MOST = 1.3  # times the pinhole's error
SMALL_ATE, SMALL_DEPTH = 0.02, 0.2  # %, below which an error is good whatever the pinhole's is


def _equidistant(hfov_deg: float) -> CameraModel:
    focal = WIDTH / 2 / np.radians(hfov_deg / 2)
    return CameraModel.fisheye(focal, focal, WIDTH / 2, HEIGHT / 2)


LENSES = {
    "brown": CameraModel.perspective(208.5, 208.5, 160.0, 120.0, (-0.28, 0.07, 0.0002, 0.00002)),
    "k1": CameraModel.perspective(240.0, 240.0, 160.0, 120.0, (-0.28,)),
    "fisheye110": _equidistant(110),
    "fisheye150": _equidistant(150),
}
SCENES = ("block", "eight", "handheld")
FACES = {  # face_from_camera: how the camera's axes lie in those of a camera that looks along the face
    "ahead": np.eye(3),
    "right": np.array([[0, 0, -1.0], [0, 1, 0], [1, 0, 0]]),
    "left": np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]]),
    "down": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "up": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
}
COLUMNS = [
    Column("scene", "scene"),
    Column("lens", "lens"),
    Column("ATE %", "ate_percent", "{:.4f}"),
    Column("RPE %", "rpe_trans_percent", "{:.3f}"),
    Column("depth %", "depth_percent", "{:.3f}"),
    Column("pinhole: ATE %", "pinhole_ate_percent", "{:.4f}"),
    Column("RPE %", "pinhole_rpe_trans_percent", "{:.3f}"),
    Column("depth %", "pinhole_depth_percent", "{:.3f}"),
    Column("OK", "says_ok"),
    Column("missed", "missed"),
]


@dataclass(frozen=True, eq=False)
class LensView:
    """Where the rays of a lens meet the faces of a cube: for each face that is seen, the rays that meet it and their
    places on it, for `cv2.remap`."""

    lens: CameraModel
    directions: Float64  # [h,w,3] of the rays of the finer grid; NaN where the lens sees nothing

    @staticmethod
    def of(lens: CameraModel) -> LensView:
        """The view of all pixels, FINER rays along a side."""
        at = pixel_centres(HEIGHT * FINER, WIDTH * FINER).reshape(-1, 2) / FINER
        rays = unit_rays(lens.undistort(at)) if lens.projection == "perspective" else _equidistant_rays(lens, at)
        return LensView(lens, rays.reshape(HEIGHT * FINER, WIDTH * FINER, 3))

    def picture(self, town: Town, frame: int) -> UInt8:
        """What the lens sees of a town at a frame [H,W,3]; black where it sees nothing."""
        side = 2 * round(FACE_PER_FOCAL * self.lens.fx / 2)
        k = np.array([[side / 2, 0, side / 2], [0, side / 2, side / 2], [0, 0, 1.0]])
        fine = np.zeros((*self.directions.shape[:2], 3), np.float32)
        for face_from_camera in FACES.values():
            on_face = self.directions @ face_from_camera.T
            z = on_face[..., 2]
            seen = (z > 0) & (np.abs(on_face[..., 0]) <= z) & (np.abs(on_face[..., 1]) <= z)
            if seen.any():
                image = _render(town, frame, k, (side, side), face_from_camera)
                place = on_face[..., :2] / np.where(seen, z, 1.0)[..., None] * side / 2 + side / 2 - 0.5
                x, y = np.moveaxis(place.astype(np.float32), -1, 0)
                sampled = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                np.copyto(fine, sampled, where=seen[..., None])
        return np.rint(cv2.resize(fine, SIZE, interpolation=cv2.INTER_AREA)).astype(np.uint8)


def _equidistant_rays(lens: CameraModel, at: Float64) -> Float64:
    """Unit vectors [n,3] of the pixels [n,2] of a fisheye without coefficients, also behind 90 degrees."""
    x = (at - [lens.cx, lens.cy]) / [lens.fx, lens.fy]
    angle = np.linalg.norm(x, axis=1, keepdims=True)
    return np.concatenate([x * np.sinc(angle / np.pi), np.cos(angle)], axis=1)


def _render(town: Town, frame: int, k: Float64, size: tuple[int, int], face_from_camera: Float64) -> np.ndarray:
    world_from_face = town.path.world_from_camera[frame].copy()
    world_from_face[:3, :3] = world_from_face[:3, :3] @ face_from_camera.T
    camera = PinholeCamera(k, world_from_face, size)
    time = float(town.path.timestamps[frame])
    return render(town.scene.at(time), town.scene.atlas, town.scene.clouds, camera, town.scene.sun)[0]


def _depth(town: Town, frame: int, k: Float64) -> np.ndarray:
    camera = PinholeCamera(k, town.path.world_from_camera[frame], SIZE)
    scene = town.scene.at(float(town.path.timestamps[frame]))
    return render(scene, town.scene.atlas, town.scene.clouds, camera, town.scene.sun)[1]


def _write(town: Town, lens: CameraModel, folder: Path) -> None:
    """The frames through a lens, and the truth."""
    tell(f"rendering {len(town)} frames: {folder.name}")
    (folder / "images").mkdir(parents=True)
    (folder / "depth").mkdir()
    poses = first_from_camera(town.path.world_from_camera)
    np.savetxt(folder / "poses.txt", poses[:, :3].reshape(-1, 12), "%.12g")
    k = lens.matrix() if lens.is_pinhole else straight_view(lens, SIZE)
    numbers = " ".join(f"{value!r}" for value in (k[0, 0], k[1, 1], k[0, 2] - 0.5, k[1, 2] - 0.5))
    (folder / "intrinsics.txt").write_text(numbers.replace("np.float64(", "").replace(")", ""))
    view = LensView.of(lens)
    for i in range(len(town)):
        image = view.picture(town, i)
        cv2.imwrite(str(folder / "images" / f"{i:06d}.png"), image[..., ::-1])
        np.save(folder / "depth" / f"{i:06d}.npy", _depth(town, i, k))


def _measure(folder: Path, lens: CameraModel, options: argparse.Namespace) -> Row:
    cx, cy = lens.cx - 0.5, lens.cy - 0.5
    numbers = ",".join(map(repr, map(float, (lens.fx, lens.fy, cx, cy, *lens.distortion[:4]))))
    given = f"opencv_fisheye:{numbers}" if lens.projection == "fisheye" else numbers
    words = ("--intrinsics", given, "--workers", str(options.workers), "--set", "loops.descriptor=off")
    with measured_run(folder / "images", folder / "run", options, *words) as measured:
        if measured.error:
            return {"error": measured.error}
        found = evaluate(measured.directory, folder / "poses.txt", format="kitti", depth_groundtruth=folder / "depth")
        depth = 100 * found["depth"]["abs_rel"]
        errors = {key: found[key] for key in ("ate_percent", "rpe_trans_percent")}
        return {**errors, "depth_percent": depth, "says_ok": says_ok(measured.status["trust"])}


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--lenses", default=",".join(LENSES))
    command.add_argument("--scenes", default=",".join(SCENES))
    command.add_argument("--frames", type=int, default=40)
    command.add_argument("--workers", type=int, default=2)


@benchmark(COLUMNS, _options, good=lambda row: not row["missed"])
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """A row for each scene and lens."""
    for scene in options.scenes.split(","):
        town = make_town(scene, frames=options.frames, size=SIZE)
        for name in options.lenses.split(","):
            yield _row(town, scene, name, folder, options)


def _row(town: Town, scene: str, name: str, folder: Path, options: argparse.Namespace) -> Row:
    lens, row = LENSES[name], {"scene": scene, "lens": name}
    pinhole = CameraModel.perspective(lens.fx, lens.fy, lens.cx, lens.cy)
    found = []
    for model, part in ((lens, name), (pinhole, f"{name}_pinhole")):
        place = folder / f"{scene}_{part}"
        if not place.exists():
            _write(replace(town), model, place)
        found.append(_measure(place, model, options))
    seen, plain = found
    if "error" in seen or "error" in plain:
        return {**row, "missed": [seen.get("error") or plain.get("error")]}
    missed = [what for what, small in LIMITS.items() if seen[what] > max(MOST * plain[what], small)]
    missed += [] if seen["says_ok"] else ["doubted"]
    return {**row, **seen, **{f"pinhole_{key}": value for key, value in plain.items()}, "missed": missed}


LIMITS = {"ate_percent": SMALL_ATE, "depth_percent": SMALL_DEPTH}


if __name__ == "__main__":
    main()
