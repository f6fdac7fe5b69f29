"""How much of the cloud is there twice where a second lap lies half a metre beside the first, and what does fusion
leave of it, and of the true surface?

Of the points within 15 m of the path one counts as twice where another surface of about the same direction lies 0.2 to
1 m in front of it or behind it; `off` are those 0.2 to 1 m from the nearest true surface of either lap's place; `kept`
is the share of the true surface (seen from within 15 m) that has a point within 10 cm, `posts` that of lamp posts
(15 cm thick), both in either lap's place.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from benchmarks.cloud.ghost_scenes import ASTRAY_M, RANGE_M, Case, Drive, driven, reconstructed, true_surface
from benchmarks.common import benchmark, tell
from benchmarks.tables import Column, Row
from da3_stream.cloud import write_merged_cloud
from da3_stream.settings import CloudSettings
from da3_stream.store import Run, read_run_geometry
from da3_stream.synthetic import make_town

CASES = (
    Case("one lap, exact", laps=1),
    Case("before the loop, exact", astray=True),
    Case("before the loop, noisy", astray=True, depth_noise=0.015, place_noise_m=0.03),
    Case("after the loop, exact"),
    Case("after the loop, noisy", depth_noise=0.015, place_noise_m=0.03),
)
FUSIONS = ("off", "ghosts")
SAMPLE = 20_000
COLUMNS = (
    Column("case", "case"),
    Column("fusion", "fusion"),
    Column("points", "points", "{:,}"),
    Column("twice %", "twice", "{:.2f}"),
    Column("off %", "off", "{:.2f}"),
    Column("kept %", "kept", "{:.2f}"),
    Column("posts %", "posts", "{:.1f}"),
    Column("merge s", "seconds", "{:.1f}"),
)
VERTEX = np.dtype([("xyz", "<f4", 3), ("normal", "<f4", 3), ("rgb", "u1", 3)])


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--frames", type=int, default=640, help="of both laps")
    command.add_argument("--size", default="320x240", help="of the images")


@benchmark(COLUMNS, _options, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    width, height = map(int, options.size.split("x"))
    tell("rendering two laps")
    drive = driven(make_town("block", frames=options.frames, laps=2, size=(width, height)))
    truth, posts = true_surface(drive), true_surface(drive, posts=True)
    tell(f"truth: {len(truth)} cubes of surface, {len(posts)} of lamp posts")
    for case in CASES:
        yield from measured(drive, case, folder / case.name.replace(" ", "_"), truth, posts)


def measured(drive: Drive, case: Case, path: Path, truth: np.ndarray, posts: np.ndarray) -> list[Row]:
    """A row for each kind of fusion."""
    settings = CloudSettings(normals=True, per_pixel=None)
    run = reconstructed(drive, case, path, settings)
    rows = []
    for fusion in FUSIONS:
        started = time.perf_counter()
        count = write_merged_cloud(run, read_run_geometry(run), settings.model_copy(update={"fusion": fusion}))
        seconds = time.perf_counter() - started
        row = {"case": case.name, "fusion": fusion, "points": count, "seconds": seconds}
        rows.append({**row, **judged(run, cKDTree(drive.poses[:, :3, 3]), truth, posts)})
        tell(str(rows[-1]))
    return rows


def judged(run: Run, cameras: cKDTree, truth: np.ndarray, posts: np.ndarray) -> Row:
    """Shares in percent of a merged cloud."""
    xyz, normal = read_cloud(run.path / "cloud.ply")
    tree = cKDTree(xyz)
    near = np.flatnonzero(np.isfinite(cameras.query(xyz, distance_upper_bound=RANGE_M)[0]))
    some = np.random.default_rng(0).choice(near, min(SAMPLE, len(near)), replace=False)
    places = cKDTree(np.concatenate([truth, truth + ASTRAY_M]))
    away = places.query(xyz[some], distance_upper_bound=1.0)[0]
    return {
        "twice": 100 * float(np.mean(twice(tree, normal, xyz[some], normal[some]))),
        "off": 100 * float(np.mean((away > 0.2) & (away <= 1.0))),
        "kept": 100 * covered(tree, truth),
        "posts": 100 * covered(tree, posts),
    }


def twice(tree: cKDTree, normals: np.ndarray, xyz: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """[M] whether another surface lies in front or behind."""
    found = np.zeros(len(xyz), bool)
    for step in (sign * along for along in np.arange(0.25, 1.0, 0.1) for sign in (-1, 1)):
        away, which = tree.query(xyz + step * normal, distance_upper_bound=0.07)
        hit = np.isfinite(away)
        found[hit] |= np.sum(normal[hit] * normals[which[hit]], axis=1) > 0.8
    return found


def covered(tree: cKDTree, truth: np.ndarray, within: float = 0.1) -> float:
    """Share of the true points, in the first lap's place or the second's, with a point of the cloud nearby."""
    here, there = (np.isfinite(tree.query(truth + way, distance_upper_bound=within)[0]) for way in (0, ASTRAY_M))
    return float(np.mean(here | there))


def read_cloud(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Positions and normals [M,3] of a cloud with normals."""
    content = path.read_bytes()
    vertices = np.frombuffer(content, VERTEX, offset=content.index(b"end_header\n") + 11)
    return vertices["xyz"].astype(float), vertices["normal"].astype(float)


if __name__ == "__main__":
    main()
