"""A run directory of any size without any reconstruction: a drive along a made-up road, exact in every file.

    python -m benchmarks.viewing.big_run /tmp/run --points 5e6 --submaps 18

All that a run has is there (scene, submaps with depth and images, pages, levels of detail, run.json), so that whatever
reads runs opens it: viewers, exports, reports. Equal options give equal points.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import tell
from benchmarks.viewing.road import FPS, Road, colour_at
from da3_stream.cloud import Points, write_levels, write_page
from da3_stream.geometry import Sim3
from da3_stream.settings import Settings
from da3_stream.store import Georeference, Run, Scene, Submap, SubmapFrames, create_run, write_submap
from da3_stream.types import Float64

UNITS = (1.0, 0.5, 2.5)  # world units in one unit of a submap, in turn
SHARED = 4  # frames that a submap shares with the next one
VOXEL = 0.05  # m
LOOK = 0.3  # rad: how far the drive is turned in the frames of submaps
MAP = ("EPSG:32632", (500_000.0, 5_600_000.0, 300.0))


@dataclass(frozen=True)
class BigRun:
    """What is made: `points` in all; `frames` and `points` are shared out evenly among `submaps`."""

    points: int
    submaps: int
    frames: int
    length_m: float = 5000.0
    size: tuple[int, int] = (96, 72)
    world_at: tuple[float, float, float] = (0.0, 0.0, 0.0)  # where the first camera stands in the run's own world
    located: bool = False  # on the Earth, at `MAP`
    levels: bool = True  # without: as runs of before levels of detail were there
    pages: bool = True  # without, it can only be viewed, and is made in half the time

    @property
    def road(self) -> Road:
        """The road and its frames."""
        return Road(self.frames, self.length_m, self.size)

    def frames_of(self, submap: int) -> tuple[int, int, int]:
        """First frame, one past the last owned one, one past the last one."""
        bounds = np.linspace(0, self.frames, self.submaps + 1).round().astype(int)
        first, end = int(bounds[submap]), int(bounds[submap + 1])
        return first, end, min(end + SHARED, self.frames) if submap + 1 < self.submaps else end

    def points_of(self, submap: int) -> int:
        """How many points its page holds."""
        return self.points // self.submaps + (submap < self.points % self.submaps)

    def world_from_submap(self, submap: int) -> Sim3:
        """Its true place."""
        centre = self.road.centres(np.array([self.frames_of(submap)[0]]))[0]
        turn = np.array([[math.cos(LOOK), 0, math.sin(LOOK)], [0, 1, 0], [-math.sin(LOOK), 0, math.cos(LOOK)]])
        return Sim3(UNITS[submap % len(UNITS)], turn, centre + np.array(self.world_at))


def make_run(path: Path, what: BigRun) -> Run:
    """Write the whole run directory. Raises StoreError where there is one."""
    run, scene = create_run(path), _scene(what)
    for submap in range(what.submaps):
        write_submap(run, submap, _frames(what, submap))
        points = _points(what, submap)
        if what.pages:
            write_page(run, submap, points)
        if what.levels:
            write_levels(run, submap, points)
    run.write_scene(scene)
    run.write_status(_status(what))
    return run


def _scene(what: BigRun) -> Scene:
    place = None
    if what.located:  # east is x, north is z of the road
        turn = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
        place = Georeference(MAP[0], Sim3(1.0, turn, np.array(MAP[1]) - turn @ np.array(what.world_at)))
    scene = Scene("metres", 1.0, (), place)
    for submap in range(what.submaps):
        first, _, end = what.frames_of(submap)
        unit, before = UNITS[submap % len(UNITS)], UNITS[(submap - 1) % len(UNITS)]
        previous = (submap - 1, unit / before) if submap else (None, 1.0)
        scene = scene.with_submap(Submap(submap, 0, (first, end - 1), what.world_from_submap(submap), *previous))
    return scene


def _frames(what: BigRun, submap: int) -> SubmapFrames:
    """Cameras of all its frames; depth, confidence and images of those that it owns."""
    first, owned_end, end = what.frames_of(submap)
    indices = np.arange(first, end)
    owned, world = indices < owned_end, what.world_from_submap(submap)
    poses = np.tile(np.eye(4), (len(indices), 1, 1))
    poses[:, :3, :3] = world.rotation.T
    poses[:, :3, 3] = _into(world, what.road.centres(indices) + np.array(what.world_at))
    seen = [what.road.picture(index) for index in indices[owned]]
    depth = (np.stack([depth for depth, _ in seen]) / world.scale).astype(np.float32)
    return SubmapFrames(
        frame_indices=indices,
        timestamps=indices / FPS,
        window_from_camera=poses,
        intrinsics=np.tile(what.road.intrinsics, (len(indices), 1, 1)),
        owned=owned,
        source_size=(8 * what.size[0], 8 * what.size[1]),
        depth_size=what.size,
        status="OK",
        median_depth=float(np.median(depth[depth > 0])),
        depth=depth,
        confidence=_confidence(depth * world.scale),
        images=tuple(image for _, image in seen),
        pose_confidence=(0.6 + 0.4 * np.cos(indices / 300) ** 2).astype(np.float32),
    )


def _points(what: BigRun, submap: int) -> Points:
    """At random places of the images of its own frames, in the order of the frames."""
    first, end, _ = what.frames_of(submap)
    world, road, parts = what.world_from_submap(submap), what.road, list[Points]()
    missing, rng = what.points_of(submap), np.random.default_rng(submap)
    while missing:
        frame = np.sort(rng.integers(first, end, round(1.3 * missing) + 100))
        depth, places = road.surfaces(road.centres(frame), rng.random((len(frame), 2)) * what.size)
        hit = np.flatnonzero(depth)
        hit = hit[np.sort(rng.permutation(len(hit))[:missing])]
        xyz = _into(world, places[hit] + np.array(what.world_at)).astype(np.float32)
        rgb, surety = colour_at(places[hit]), _confidence(depth[hit])
        parts.append(Points(xyz, rgb, frame[hit].astype(np.int32), surety, VOXEL / world.scale))
        missing -= len(hit)
    return Points.concatenate(parts) if parts else Points.empty(VOXEL)


def _into(world_from_submap: Sim3, places: Float64) -> Float64:
    """Places [M,3] of the world in the submap's frame."""
    return (places - world_from_submap.translation) @ world_from_submap.rotation / world_from_submap.scale


def _confidence(depth: NDArray[np.floating]) -> NDArray[np.float32]:
    """The nearer, the surer; 0 where there is no depth."""
    return np.where(depth > 0, 300 / np.maximum(depth, 1), 0).astype(np.float32)


def _status(what: BigRun) -> dict[str, object]:
    frames = list(range(what.frames))
    return {
        "state": "finished",
        "layout": 1,
        "frames": what.frames,
        "windows": what.submaps,
        "windows_failed": 0,
        "windows_by_status": {"OK": what.submaps},
        "segments": 1,
        "skipped": 0,
        "left_out": 0,
        "units": "metres",
        "scale": 1.0,
        "trust": {"share": 1.0, "stretches": []},
        "advice": [],
        "input": {"name": "road", "kind": "video", "paths": [], "size": [8 * side for side in what.size]},
        "model": {"name": "made up", "hash": None},
        "camera": {},
        "settings": Settings().model_dump(mode="json"),
        "versions": {},
        "started": "2026-01-01T00:00:00+00:00",
        "interruptions": [],
        "seconds": 1.0,
        "seconds_by_stage": {},
        "skipped_frames": [],
        "has_times": True,
        "first_time_s": 0.0,
        "fps": FPS,
        "source_indices": frames,
        "timestamps": [frame / FPS for frame in frames],
    }


def _options() -> argparse.Namespace:
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    command.add_argument("directory", type=Path, help="the run that is made; must not be there")
    command.add_argument("--points", type=float, default=1e6)
    command.add_argument("--submaps", type=int, help="one for each 280,000 points and every 60 m")
    command.add_argument("--frames", type=int, help="40 for each submap")
    command.add_argument("--length", type=float, default=5000.0, help="of the road, m")
    command.add_argument("--size", type=int, nargs=2, default=(96, 72), help="of depth and images")
    command.add_argument("--world-at", type=float, nargs=3, default=(0.0, 0.0, 0.0), help="where the first camera is")
    command.add_argument("--located", action="store_true", help=f"on the Earth at {MAP}")
    command.add_argument("--older", action="store_true", help="without levels of detail")
    command.add_argument("--no-pages", action="store_true", help="levels of detail alone: it can only be viewed")
    return command.parse_args()


def main() -> None:
    """Make the run of the command line."""
    given = _options()
    points = round(given.points)
    submaps = given.submaps or max(2, round(points / 280_000), round(given.length / 60))
    made = BigRun(
        points,
        submaps,
        given.frames or 40 * submaps,
        given.length,
        tuple(given.size),
        tuple(given.world_at),
        given.located,
        not given.older,
        not given.no_pages,
    )
    make_run(given.directory, made)
    tell(f"{given.directory}: {made}")


if __name__ == "__main__":
    main()
