"""A finished run as it would lie without its loops: the same windows, joins and camera heights, solved anew."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from da3_stream.posegraph import Edge
from da3_stream.slam.backend import Backend
from da3_stream.slam.edges import unpack_edge
from da3_stream.slam.scale_priors import CameraHeightPrior
from da3_stream.store import Run, Scene, open_run, read_tree


def without_loops(run_dir: Path, out: Path) -> Path:
    """A run directory beside another one, with its windows (links) and a scene that knows nothing of its loops."""
    run = open_run(run_dir)
    slam, increments = read_tree(run.latest_path)["slam"], list(run.increments.read())
    edges = [unpack_edge(edge) for line in increments for edge in line["edges"] if not edge["loop"]]
    heights = CameraHeightPrior("auto")
    heights.restore(slam["heights"], [height for line in increments for height in line["heights"]])
    scene = _chained(run.read_scene(), edges)
    backend = Backend()
    backend.restore({}, edges, heights.observations(), scene)
    return _beside(run, out, backend.optimize(scene).scene)


def _chained(scene: Scene, edges: Sequence[Edge]) -> Scene:
    """Every submap where the join with the one before it says."""
    joins = {(edge.a, edge.b): edge.a_from_b for edge in reversed(edges)}
    submaps = list(scene.submaps)
    for k, submap in enumerate(submaps):
        if submap.previous is not None and (submap.previous, k) in joins:
            place = submaps[submap.previous].world_from_window @ joins[submap.previous, k]
            submaps[k] = replace(submap, world_from_window=place)
    return replace(scene, submaps=tuple(submaps))


def _beside(run: Run, out: Path, scene: Scene) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(run.path / "run.json", out / "run.json")
    if not (out / "windows").exists():
        (out / "windows").symlink_to(run.path / "windows")
    Run(out).write_scene(scene)
    return out
