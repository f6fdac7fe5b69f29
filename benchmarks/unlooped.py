"""A finished run as it would lie without its loops: the same windows, joins and camera heights, solved anew."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from da3_stream.geometry import Sim3
from da3_stream.slam.backend import Backend
from da3_stream.slam.scale_priors import Heights
from da3_stream.store import Run, Scene, open_run, read_tree


def without_loops(run_dir: Path, out: Path) -> Path:
    """A run directory beside another one, with its windows (links) and a scene that knows nothing of its loops."""
    run = open_run(run_dir)
    world, news = read_tree(run.tip_path)["world"], list(run.progress.read())
    edges = [edge for line in news for edge in line["edges"] if not edge["loop"]]
    heights = Heights("auto")
    heights.restore(world["heights"], [one for line in news for one in line["heights"]])
    scene = _chained(run.read_scene(), edges)
    backend = Backend()
    backend.restore({}, edges, heights.observations(), scene)
    return _beside(run, out, backend.correct(scene).scene)


def _chained(scene: Scene, edges: Sequence[dict[str, Any]]) -> Scene:
    """Every node where the join with the one before it says."""
    joins = {tuple(edge["nodes"]): Sim3.from_numbers(edge["a_from_b"]) for edge in reversed(edges)}
    nodes = list(scene.nodes)
    for k, node in enumerate(nodes):
        if node.previous is not None and (node.previous, k) in joins:
            place = nodes[node.previous].world_from_window @ joins[node.previous, k]
            nodes[k] = replace(node, world_from_window=place)
    return replace(scene, nodes=tuple(nodes))


def _beside(run: Run, out: Path, scene: Scene) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(run.path / "run.json", out / "run.json")
    if not (out / "windows").exists():
        (out / "windows").symlink_to(run.path / "windows")
    Run(out).write_scene(scene)
    return out
