"""What does the camera's height over the ground tell of the scale? One row per clip and per drive through the town.

Chains are re-scaled by a linear least squares in log-scale: the joins' ratios against the heights, each with its sigma.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from common import Clip, Column, Row, find_clip, measured_run, parser, report, surroundings, tell, workplace
from numpy.typing import NDArray

from da3_stream.evaluation import read_kitti
from da3_stream.geometry import Sim3, umeyama
from da3_stream.scale import HeightObservation, Refusal, camera_height, height_observations, judge_heights
from da3_stream.store import NodeGeometry, Scene, SceneNode, frame_places, open_run, read_run_geometry
from da3_stream.synthetic import Town, make_town
from da3_stream.types import ScaleObservation, WindowGeometry
from da3_stream.windows import Window, windows

Array = NDArray[np.float64]

CAMERA_M = 1.65
CLIPS = {"kitti00_c1018": True, "kitti07_0-159": True, "kitti06_0-50": True, "hololens_000": False}  # is auto on?
TOWNS = {
    "block": {"frames": 300},
    "block_drift": {"frames": 300},
    "block_drift_cars": {"frames": 300, "cars": 12},
    "drone": {"frames": 120},
    "handheld": {"frames": 300},
}
TOWN_SIZE, TOWN_WINDOW, TOWN_OVERLAP = (320, 240), 60, 12
DRIFT_PER_M = 2e-4  # of log-scale: 2 % in 100 m
MAX_SCALE_ERROR = {
    "kitti00_c1018": 3.0,
    "kitti07_0-159": 5.0,
    "block": 1.0,
    "block_drift": 1.0,
    "block_drift_cars": 1.0,
}
MAX_ATE_PERCENT = {"kitti00_c1018": 0.27}
EXACT_M = 1e-6  # an ATE that is none: there is nothing to be bettered
MAX_GAIN = {"block_drift": 0.5, "block_drift_cars": 0.5}  # ATE with heights over ATE without
JOIN_SIGMA = 0.005  # of log-scale: a good join's own
WALK_PER_FRAME = 0.002  # random walk of log-scale inside windows (reference/ground_scale_facts.md), which no join sees

COLUMNS = [
    Column("clip", "clip"),
    Column("frames", "frames"),
    Column("windows", "windows"),
    Column("heard", "heard"),
    Column("found", "found", "{:.2f}"),
    Column("spread", "spread", "{:.3f}"),
    Column("sigma", "sigma", "{:.3f}"),
    Column("scatter", "scatter", "{:.3f}"),
    Column("height m", "height_m", "{:.3f}"),
    Column("auto", "auto"),
    Column("scale error %", "scale_error_percent", "{:+.2f}"),
    Column("path m", "path_m", "{:.1f}"),
    Column("ATE off m", "ate_off_m", "{:.3f}"),
    Column("ATE constant m", "ate_constant_m", "{:.3f}"),
    Column("constant %", "ate_constant_percent", "{:.3f}"),
    Column("CPU ms/frame", "ms_per_frame", "{:.1f}"),
    Column("why", "why"),
    Column("missed", "missed"),
]


@dataclass(frozen=True, eq=False)
class Chain:
    """A run as the benchmark needs it; `truth` [.,3,4] is by source index, NaN where unknown."""

    name: str
    scene: Scene
    nodes: dict[int, NodeGeometry]
    windows: Iterator[WindowGeometry]
    truth: Array
    is_street: bool


def main() -> None:
    """Clips first, then the town."""
    options = _options()
    around = surroundings()
    with workplace(options.keep) as folder:
        rows = [_row(_clip_chain(find_clip(name), folder, options)) for name in _names(options.clips)]
        rows += [_row(_town_chain(name)) for name in _names(options.towns)]
    report(options, around, COLUMNS, rows)
    print(
        "\nheard: windows with a height; found, spread, sigma: share of frames, spread of single frames' log heights,"
        "\nsigma of a window's, at the median; scatter: of windows' log heights in true metres about their median."
        f"\nscale error: of the whole trajectory with the height given as {CAMERA_M} m (town: its true mean), no other"
        "\nscale. ATE after Sim(3) alignment, without and with the heights tied to one unknown; no loops."
    )


def _options() -> argparse.Namespace:
    found = parser(__doc__)
    found.add_argument("--clips", default=",".join(CLIPS), help="names, with commas; runs found in --keep are used")
    found.add_argument("--towns", default=",".join(TOWNS), help="names, with commas")
    return found.parse_args()


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _row(chain: Chain) -> Row:
    tell(chain.name)
    results, cpu_s, frames = [], 0.0, 0
    for window in chain.windows:
        start = time.process_time()
        results.append(camera_height(window))
        cpu_s, frames = cpu_s + time.process_time() - start, frames + len(window.images)
    verdict = judge_heights(results, [float(np.log(n.world_from_window.scale)) for n in chain.scene.nodes])
    row = {
        "clip": chain.name,
        "windows": len(results),
        "auto": "on" if verdict.on else "off",
        "why": verdict.reason,
        "ms_per_frame": 1e3 * cpu_s / frames,
        **_heights(chain, results),
        **_trajectories(chain, results),
    }
    return row | {"missed": ", ".join(_missed(row, chain)) or None}


def _heights(chain: Chain, results: Sequence[HeightObservation | Refusal]) -> Row:
    heard = {k: r for k, r in enumerate(results) if isinstance(r, HeightObservation)}
    if not heard:
        return {"heard": 0, "found": 0.0}
    metres = np.array([r.log_height + _true_log_scale(chain, k) for k, r in heard.items()])
    return {
        "heard": len(heard),
        "found": sum(r.found for r in heard.values()) / len(results),
        "spread": float(np.median([r.spread for r in heard.values()])),
        "sigma": float(np.median([r.sigma for r in heard.values()])),
        "scatter": 1.4826 * float(np.median(np.abs(metres - np.median(metres)))),
        "height_m": float(np.exp(np.median(metres))),
    }


def _true_log_scale(chain: Chain, number: int) -> float:
    """Of metres per unit of a window, from its cameras."""
    node = chain.nodes[number]
    truth, own = chain.truth[node.frame_indices, :, 3], node.window_from_camera[:, :3, 3]
    known = np.isfinite(truth).all(axis=1) & np.isfinite(own).all(axis=1)
    return float(np.log(umeyama(truth[known], own[known]).scale))


def _trajectories(chain: Chain, results: Sequence[HeightObservation | Refusal]) -> Row:
    """ATE of the chain as it is and with heights of one unknown, and the scale with the height in metres."""
    off_m, _, path_m, frames = _compared(chain, chain.scene)
    row: Row = {"frames": frames, "path_m": path_m, "ate_off_m": off_m}
    if not any(isinstance(r, HeightObservation) for r in results):
        return row
    constant_m = _compared(chain, _rescaled(chain, height_observations(results)))[0]
    metres = CAMERA_M if chain.name in CLIPS else float(np.median(chain.truth[:, 2, 3]))
    scale = _compared(chain, _rescaled(chain, height_observations(results, metres)))[1]
    return row | {
        "ate_constant_m": constant_m,
        "ate_constant_percent": 100 * constant_m / path_m,
        "scale_error_percent": 100 * (1 / scale - 1),
    }


def _compared(chain: Chain, scene: Scene) -> tuple[float, float, float, int]:
    """ATE (m), true metres per unit, the true path's length (m), and frames compared."""
    places = frame_places(scene, chain.nodes)
    truth, found = chain.truth[places.source_index, :, 3], places.world_from_camera[:, :3, 3]
    known = np.isfinite(truth).all(axis=1) & np.isfinite(found).all(axis=1)
    truth, found = truth[known], found[known]
    fit = umeyama(truth, found)
    ate_m = float(np.sqrt(np.mean(np.square(truth - fit.apply(found)).sum(axis=1))))
    return ate_m, fit.scale, float(np.linalg.norm(np.diff(truth, axis=0), axis=1).sum()), len(truth)


def _rescaled(chain: Chain, heights: Sequence[ScaleObservation]) -> Scene:
    """The scene with the log-scales that joins and heights together make most likely."""
    count = len(chain.scene.nodes)
    rows, values = [], []
    for k, node in enumerate(chain.scene.nodes):
        if node.previous is not None:
            fresh = len(np.setdiff1d(chain.nodes[k].frame_indices, chain.nodes[node.previous].frame_indices))
            sigma = np.hypot(JOIN_SIGMA, WALK_PER_FRAME * np.sqrt(fresh))
            rows.append((_unit(count, k) - _unit(count, node.previous)) / sigma)
            values.append(np.log(node.previous_per_unit) / sigma)
    for o in heights:  # the last unknown is the common length; absolute observations do without it
        rows.append((_unit(count, o.window) - (0.0 if o.absolute else 1.0) * _unit(count, count)) / o.sigma)
        values.append(o.log_scale / o.sigma)
    log_scales = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0][:count]
    return _rechained(chain, log_scales)


def _unit(count: int, k: int) -> Array:
    return np.eye(count + 1)[k]


def _rechained(chain: Chain, log_scales: Array) -> Scene:
    """Every node scaled anew about the middle of the cameras that it shares with the one before it."""
    scene = replace(chain.scene, nodes=())
    for k, node in enumerate(chain.scene.nodes):
        if node.previous is None:
            place = Sim3(float(np.exp(log_scales[k])), node.world_from_window.rotation, np.zeros(3))
            scene = scene.with_node(replace(node, world_from_window=place))
            continue
        before = chain.scene.nodes[node.previous].world_from_window
        previous_from_current = before.inverse() @ node.world_from_window
        per_unit = float(np.exp(log_scales[k] - log_scales[node.previous]))
        middle = _shared_middle(chain.nodes[node.previous], chain.nodes[k])
        kept = previous_from_current.apply(middle)
        turned = previous_from_current.rotation
        changed = Sim3(per_unit, turned, kept - per_unit * turned @ middle)
        place = scene.nodes[node.previous].world_from_window @ changed
        scene = scene.with_node(replace(node, world_from_window=place, previous_per_unit=per_unit))
    return scene


def _shared_middle(previous: NodeGeometry, current: NodeGeometry) -> Array:
    shared = np.isin(current.frame_indices, previous.frame_indices)
    return np.nanmean(current.window_from_camera[shared, :3, 3], axis=0)


def _clip_chain(clip: Clip, folder: Path, options: argparse.Namespace) -> Chain:
    """A run of the clip, made unless the folder holds one, with the windows' images read again."""
    out = folder / clip.name
    if not (out / "scene.json").exists():
        kept = argparse.Namespace(**(vars(options) | {"keep": folder}))
        with measured_run(clip.source, out, kept, "--intrinsics", str(clip.intrinsics)) as measured:
            if measured.error:
                raise SystemExit(measured.error)
    geometry = read_run_geometry(open_run(out))
    images = sorted(clip.source.glob("*.jpg"))
    assert clip.truth is not None
    truth = np.full((len(images), 4, 4), np.nan)
    found = read_kitti(clip.truth)
    truth[found.indices] = found.world_from_camera
    read = (_with_images(node, images) for node in geometry.nodes.values())
    return Chain(clip.name, geometry.scene, geometry.nodes, read, truth[:, :3], CLIPS[clip.name])


def _with_images(node: NodeGeometry, images: Sequence[Path]) -> WindowGeometry:
    """What the predictor gave, less depth."""
    size = node.depth_size
    read = [cv2.imread(str(images[index]))[..., ::-1] for index in node.frame_indices]
    pixels = np.stack([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in read])
    return _blind(node.frame_indices, pixels, node.intrinsics, node.window_from_camera)


def _blind(frames: NDArray[np.int64], images: NDArray[np.uint8], intrinsics: Array, poses: Array) -> WindowGeometry:
    none = np.zeros(images.shape[:3], np.float32)
    return WindowGeometry(frames, images, none, none, intrinsics, poses, False)


def _town_chain(name: str) -> Chain:
    """A drive or flight with exact poses in one unit, or in a unit that drifts along the way."""
    town = make_town(name.split("_")[0], size=TOWN_SIZE, **TOWNS[name])
    poses = _drifting(town.path.world_from_camera) if "drift" in name else town.path.world_from_camera
    scene, nodes, kept = Scene(), {}, []
    for window in windows(range(len(town)), TOWN_WINDOW, TOWN_OVERLAP):
        node = _town_node(town, window, poses)
        place = Sim3.from_matrix(poses[window.frames[0]])
        previous = window.number - 1 if window.number else None
        nodes[window.number] = node
        span = (window.frames[0], window.frames[-1])
        scene = scene.with_node(SceneNode(window.number, 0, span, place, previous))
        kept.append(node)
    read = (_rendered(town, node) for node in kept)
    return Chain(name, scene, nodes, read, town.path.world_from_camera[:, :3], name.startswith("block"))


def _drifting(world_from_camera: Array) -> Array:
    """The path with steps that grow with the distance gone."""
    steps = np.diff(world_from_camera[:, :3, 3], axis=0)
    gone = np.cumsum(np.linalg.norm(steps, axis=1))
    out = world_from_camera.copy()
    out[1:, :3, 3] = out[0, :3, 3] + np.cumsum(steps * np.exp(DRIFT_PER_M * gone)[:, None], axis=0)
    return out


def _town_node(town: Town, window: Window[int], poses: Array) -> NodeGeometry:
    rows = np.array(window.frames)
    return NodeGeometry(
        frame_indices=rows,
        timestamps=town.path.timestamps[rows],
        window_from_camera=np.linalg.inv(poses[rows[0]]) @ poses[rows],
        intrinsics=np.tile(town.intrinsics, (len(rows), 1, 1)),
        owned=np.isin(np.arange(len(rows)), window.owned_rows),
        source_size=town.size,
        depth_size=town.size,
        status="OK",
    )


def _rendered(town: Town, node: NodeGeometry) -> WindowGeometry:
    images = np.stack([town.frame(row).image for row in node.frame_indices.tolist()])
    return _blind(node.frame_indices, images, node.intrinsics, node.window_from_camera)


def _missed(row: dict[str, Any], chain: Chain) -> list[str]:
    """What falls short of what is asked for."""
    missed = ["auto"] * ((row["auto"] == "on") != chain.is_street)
    if chain.name in MAX_SCALE_ERROR:
        error = row.get("scale_error_percent", np.inf)
        missed += ["scale"] * (abs(error) > MAX_SCALE_ERROR[chain.name])
    ate, off = row.get("ate_constant_m"), row["ate_off_m"]
    if row["auto"] == "on":
        percent = 100 * ate / row["path_m"]
        missed += ["ATE"] * (percent > MAX_ATE_PERCENT.get(chain.name, np.inf) or ate > 1.001 * off > EXACT_M)
        missed += ["gain"] * (ate > MAX_GAIN.get(chain.name, np.inf) * off)
    return missed


if __name__ == "__main__":
    main()
