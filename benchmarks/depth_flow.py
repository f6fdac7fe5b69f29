"""How good is dense depth with exact cameras, and what does it cost, by the size at which flow is measured?

Twelve frames amid each drive through the synthetic town, with true poses: what is wrong comes from depth alone. `sky`
is the share of pixels without any true depth that have some all the same.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.common import benchmark, tell
from benchmarks.tables import Column, Row
from da3_stream.predictors.sfm.depth import LINKS, dense_depth, depth_task, depth_tasks, enlarge_depth
from da3_stream.synthetic import make_town
from da3_stream.synthetic.town import TownFrame

FRAMES = 12
DRIVES = {
    "block 320x240": {"path": "block", "size": (320, 240)},
    "block 640x480": {"path": "block", "size": (640, 480)},
    "noisy 320x240": {"path": "block", "size": (320, 240), "seed": 8, "noise": 2.0, "exposure": 0.2},
    "drone 320x240": {"path": "drone", "size": (320, 240), "seed": 4},
}
COLUMNS = [
    Column("drive", "drive"),
    Column("flow_scale", "flow_scale"),
    Column("median rel %", "median_rel", "{:.3f}"),
    Column("AbsRel", "abs_rel", "{:.4f}"),
    Column("d1.25", "delta_1_25", "{:.4f}"),
    Column("kept", "kept", "{:.3f}"),
    Column("sky", "sky", "{:.3f}"),
    Column("CPU ms/frame", "cpu_ms", "{:.1f}"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--scales", default="1,0,2", help="values of model.flow_scale")
    command.add_argument("--only", default="", help="drives whose name contains this")


@benchmark(COLUMNS, _options, settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Every drive at every scale."""
    for name, words in DRIVES.items():
        if options.only in name:
            tell(f"rendering {name}")
            town = make_town(frames=300, **words)  # type: ignore[arg-type]
            frames = [town.frame(150 + k) for k in range(FRAMES + 2 * LINKS)]
            for scale in map(int, options.scales.split(",")):
                yield {"drive": name, "flow_scale": scale} | _measured(frames, scale)


def _measured(frames: Sequence[TownFrame], scale: int) -> Row:
    grays = [np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), np.uint8) for frame in frames]
    poses = np.stack([frame.world_from_camera for frame in frames])
    start = time.process_time()
    window = depth_task(grays, poses, frames[0].intrinsics, scale)
    ((_, piece),) = depth_tasks(window, (), 1)
    size = (grays[0].shape[1], grays[0].shape[0])
    depth = np.stack([enlarge_depth(*maps, size)[0] for maps in zip(*dense_depth(piece), strict=True)])
    cpu_ms = (time.process_time() - start) / len(frames) * 1000
    inner = slice(LINKS, LINKS + FRAMES)
    return _errors(depth[inner], np.stack([frame.depth for frame in frames[inner]])) | {"cpu_ms": cpu_ms}


def _errors(depth: NDArray[np.float32], truth: NDArray[np.float32]) -> Row:
    """Relative errors where both have depth, and where one has."""
    both = (depth > 0) & (truth > 0)
    relative = np.abs(depth[both] / truth[both] - 1)
    ratio = np.maximum(depth[both] / truth[both], truth[both] / depth[both])
    return {
        "median_rel": 100 * float(np.median(relative)),
        "abs_rel": float(relative.mean()),
        "delta_1_25": float(np.mean(ratio < 1.25)),
        "kept": float(both.sum() / (truth > 0).sum()),
        "sky": float((depth[truth == 0] > 0).mean()) if (truth == 0).any() else 0.0,
    }


if __name__ == "__main__":
    main()
