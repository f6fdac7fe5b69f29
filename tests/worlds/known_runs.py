"""Runs through the known street, of all kinds that an export meets: their truth beside what is written of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.cloud import window_points, write_page
from da3_stream.geometry import Sim3, resize_intrinsics
from da3_stream.geometry.lens import Lens
from da3_stream.settings import CloudSettings
from da3_stream.store import Georeference, Run, Scene, Submap, SubmapFrames, create_run, write_submap
from da3_stream.types import WindowGeometry
from tests.worlds.known_street import SEEN, SIZE, camera, pose, rays_of_pixels, seen

Array = NDArray[np.float64]

FRAMES, FPS = 20, 10
WINDOWS = ((0, 12, 0, 10), (8, 20, 10, 20))  # first, one past the last; first owned, one past the last owned
UNITS = (1.0, 2.5)  # world units in one unit of a submap
CLOUD = CloudSettings(voxel=1e-3, per_pixel=None, min_confidence=0.0, max_depth_step=1e9, fusion="off", normals=True)
TIMES_FROM = 1_305_031_449.590_441  # as clocks of robots count: seconds since 1970
K1 = -0.08


@dataclass(frozen=True)
class Kind:
    """What a run is like. `names` are those of its pictures; without them they are frames of a video."""

    names: tuple[str, ...] = ()
    georeference: Georeference | None = None
    metres: bool = False
    unknown: frozenset[int] = frozenset()  # frames without a pose
    segments: bool = False  # two, which nothing ties together
    k1: float = 0.0


@dataclass(frozen=True)
class KnownRun:
    """A run directory, what it is like, and its truth."""

    path: Path
    kind: Kind
    input: Path

    @property
    def posed(self) -> list[int]:
        """The frames whose poses are known."""
        return [index for index in range(FRAMES) if index not in self.kind.unknown]

    @property
    def exported(self) -> list[int]:
        """Those of them that are in formats of one world: of the longest segment."""
        return [index for index in self.posed if not self.kind.segments or index < WINDOWS[0][3]]

    def time(self, index: int) -> float:
        """Of a frame, in seconds."""
        return TIMES_FROM + index / FPS

    def pixel(self, world: Array, index: int) -> Array:
        """Where the picture of a frame has a point [3] of the world, through the run's lens."""
        local = np.linalg.inv(pose(index)) @ [*world, 1.0]
        x, y = local[:2] / local[2]
        bend = 1 + self.kind.k1 * (x * x + y * y)
        return np.asarray((camera() @ [x * bend, y * bend, 1.0])[:2])


def names() -> tuple[str, ...]:
    """Names as people have them: with folders, spaces and other alphabets; some differ by case only."""
    odd = ["links/Straße 1.png", "links/straße 1.png", "rechts/IMG_0001.PNG", "rechts/img_0001.png", "rechts/道.png"]
    plain = [f"rechts/bild {index:04d}.png" for index in range(5, FRAMES - 1)]
    return (*odd, *plain, "zu letzt/a.b.png")


UTM = Georeference(
    "EPSG:32632",
    Sim3(
        4.687,
        Rotation.from_euler("xyz", [-93.1, 0.0, 20.0], degrees=True).as_matrix(),
        [691_000.25, 5_334_000.75, 519.5],
    ),
)
FEET = Georeference(
    "EPSG:2263",
    Sim3(
        3937 / 1200,
        Rotation.from_euler("xyz", [-90.0, 0.0, -130.0], degrees=True).as_matrix(),
        [987_654.3, 211_321.1, 33.0],
    ),
)
ENDS = frozenset({0, 1, 13, 18, 19})

KINDS: Mapping[str, Kind] = {
    "on a map, from named files": Kind(names(), UTM),
    "on a map in feet, in two segments": Kind(georeference=FEET, metres=True, segments=True),
    "with gaps at both ends": Kind(unknown=ENDS),
    "through a lens that bends": Kind(tuple(f"{index:03d}.png" for index in range(FRAMES)), k1=K1),
    "on a map, with gaps": Kind(names(), UTM, unknown=ENDS),
}


def make_run(folder: Path, kind: Kind) -> KnownRun:
    """The run directory `run` of this kind in a folder, with its input beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    source = _write_pictures(folder / "Fotos", kind) if kind.names else _write_video(folder / "film.mkv", kind)
    run, scene = create_run(folder / "run"), Scene("metres" if kind.metres else "relative")
    for number, (first, end, own_first, own_end) in enumerate(WINDOWS):
        geometry = _window(first, end, UNITS[number], kind)
        frames = geometry.frame_indices
        owned = (frames >= own_first) & (frames < own_end)
        images = tuple(geometry.images[owned])
        times = TIMES_FROM + frames / FPS
        write_submap(run, number, SubmapFrames.from_geometry(geometry, times, owned, SIZE, images=images))
        write_page(run, number, window_points(geometry, owned, CLOUD))
        scene = scene.with_submap(_submap(number, first, end, kind))
    run.write_scene(replace(scene, georeference=kind.georeference))
    made = KnownRun(run.path, kind, source)
    run.write_status(_status(run, made))
    return made


def _submap(number: int, first: int, end: int, kind: Kind) -> Submap:
    world_from_window = Sim3.from_matrix(pose(first) @ np.diag([UNITS[number]] * 3 + [1.0]))
    if number == 0 or kind.segments:
        return Submap(number, number, (first, end - 1), world_from_window)
    return Submap(number, 0, (first, end - 1), world_from_window, number - 1, UNITS[number] / UNITS[number - 1])


def _status(run: Run, made: KnownRun) -> dict[str, Any]:
    kind, source = made.kind, made.input
    camera_entry = {"k1": kind.k1, "corner_shift_px": 5.0} if kind.k1 else None
    return {
        **run.read_status(),
        "state": "finished",
        "frames": FRAMES,
        "windows": len(WINDOWS),
        "source_indices": list(range(FRAMES)),
        "timestamps": [made.time(index) for index in range(FRAMES)],
        "has_times": True,
        "fps": FPS,
        "settings": {"cloud": CLOUD.model_dump()},
        **({"camera": camera_entry} if camera_entry else {}),
        "input": {
            "name": str(source),
            "kind": "images" if kind.names else "video",
            "size": SIZE,
            "paths": [str(source / name) for name in kind.names] or [str(source)],
        },
    }


def _window(first: int, end: int, unit: float, kind: Kind) -> WindowGeometry:
    frames = np.arange(first, end)
    world_from_camera = np.stack([pose(index) for index in frames.tolist()])
    poses = np.linalg.inv(world_from_camera[0]) @ world_from_camera
    poses[:, :3, 3] /= unit
    parts = [seen(rays_of_pixels(SEEN), each) for each in world_from_camera]
    depth = np.stack([part[0] for part in parts]) / unit
    lost = np.isin(frames, list(kind.unknown))
    poses[lost], depth[lost] = np.nan, 0
    return WindowGeometry(
        frame_indices=frames,
        images=np.stack([part[1] for part in parts]),
        depth=depth.astype(np.float32),
        confidence=np.where(depth > 0, 20 / (1 + depth * unit), 0).astype(np.float32),
        intrinsics=np.tile(resize_intrinsics(camera(), SIZE, SEEN), (len(frames), 1, 1)),
        window_from_camera=poses,
        is_metric=kind.metres,
    )


def pictures(kind: Kind) -> Iterable[NDArray[np.uint8]]:
    """What the camera sees [H,W,3], through the run's lens."""
    rays = rays_of_pixels(SIZE)
    if kind.k1:
        lens = Lens(*camera()[[0, 1], [0, 1]], *camera()[:2, 2], kind.k1)
        pixels = rays * [lens.fx, lens.fy] + [lens.cx, lens.cy]
        rays = lens.normalised(lens.undistort(pixels.reshape(-1, 2).astype(np.float32))).reshape(rays.shape)
    for index in range(FRAMES):
        yield seen(rays, pose(index))[1]


def _write_pictures(folder: Path, kind: Kind) -> Path:
    for name, picture in zip(kind.names, pictures(kind), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
    return folder


def _write_video(path: Path, kind: Kind) -> Path:
    """Without loss."""
    with av.open(str(path), "w") as video:
        stream = video.add_stream("ffv1", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "bgr0"
        for picture in pictures(kind):
            video.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        video.mux(stream.encode())
    return path
