"""What does the camera's height over the ground do for the scale? The run's own chain, heights and pose graph.

Windows come from the sfm predictor (clips) or are exact (town), and are kept: every setting of --camera-height is
then solved on the same alignments and heights. No loops. `weak` is the clip in windows of 60 from KLT tracks alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.backend.scale_windows import Predicted, clip_windows, town_windows
from benchmarks.backend.table import COLUMNS, claim
from benchmarks.common import benchmark, find_clip, measured_run, tell
from benchmarks.tables import Row
from da3_stream.evaluation import read_kitti
from da3_stream.geometry import umeyama
from da3_stream.posegraph import Edge
from da3_stream.scale import HeightObservation, Refusal
from da3_stream.slam.backend import Backend
from da3_stream.slam.chain import SubmapChain
from da3_stream.slam.keyframe_windows import KeyframeWindows
from da3_stream.slam.loop_closing import NoLoops
from da3_stream.slam.scale_priors import CameraHeightPrior, MetricScalePrior
from da3_stream.slam.splitting import SubmapGeometry, split
from da3_stream.slam.system import SlamSystem
from da3_stream.stopwatch import Stopwatch
from da3_stream.store import Scene, SubmapCameras, frame_poses, open_run, read_run_geometry
from da3_stream.synthetic import make_town
from da3_stream.types import ScaleObservation

Array = NDArray[np.float64]

CAMERA_M = 1.65
CLIPS = {
    "kitti00_c1018": {"auto": True, "ate_percent": 0.27, "scale_percent": 3.0},
    "kitti07_0-159": {"auto": True, "scale_percent": 5.0},
    "kitti06_0-50": {"auto": True},
    "hololens_000": {"auto": False},
    "kitti00_c1018 weak": {"auto": True, "gain": 0.5},
}
TOWNS = {
    "drive": {"auto": True, "path": "block", "frames": 300},
    "drive, drift": {"auto": True, "gain": 0.5, "scale_percent": 1.0, "path": "block", "frames": 600},
    "drive, drift, cars, slope": {
        **{"auto": True, "gain": 0.5, "scale_percent": 1.0, "path": "block", "frames": 600},
        **{"cars": 12, "cars_ahead": 2, "slope": 0.06},
    },
    "drone": {"auto": False, "path": "drone", "frames": 120},
    "handheld": {"auto": False, "path": "handheld", "frames": 180},
}
CLAIMS = ("auto", "ate_percent", "scale_percent", "gain")
TOWN_SIZE = (320, 240)
NO_WORSE = 1.001  # ATE with heights over ATE without
CERTAIN = 0.003  # sigma of a log-scale that is known
EXACT_M = 0.001  # an ATE that nothing can better: what heights cost there is stated


@dataclass(frozen=True, eq=False)
class Chain:
    """What a run knows before its graph; `truth` [.,3] are the true places by source index, NaN where unknown."""

    scene: Scene
    edges: Sequence[Edge]
    heights: Sequence[HeightObservation | Refusal]
    submaps: dict[int, SubmapCameras]
    truth: Array
    ms_per_frame: float

    def solved(self, wanted: str | float) -> Scene:
        """Where the submaps lie with a setting of --camera-height."""
        submaps: Any = SimpleNamespace(scene=self.scene)  # nobody asks for a place again
        system = SlamSystem(
            submaps=submaps,
            chain=SubmapChain(),
            heights=CameraHeightPrior(wanted, list(self.heights)),
            metric=MetricScalePrior(False),
            loops=NoLoops(),
            keyframes=KeyframeWindows(0, 0, submaps, submaps),
            backend=Backend(),
            watch=Stopwatch(),
        )
        system.backend.add_edges(self.edges)
        system.optimize()
        return system.scene

    def solved_by_truth(self) -> Scene:
        """Where the submaps lie if every window knew its own scale for certain: what no camera height can better."""
        true = [float(np.log(self._true_scale(k))) for k in range(len(self.scene.submaps))]
        graphs = Backend()
        graphs.add_edges(self.edges)
        graphs.set_scales([ScaleObservation(k, scale, CERTAIN, "truth", False) for k, scale in enumerate(true)])
        return graphs.optimize(self.scene).scene

    def verdict(self) -> tuple[bool, str]:
        """What `auto` decides, and why."""
        heights = CameraHeightPrior("auto", list(self.heights))
        heights.decide(self.scene)
        assert heights.decision is not None
        return heights.decision.on, heights.decision.reason

    def compared(self, scene: Scene) -> tuple[float, float]:
        """ATE (m) after Sim(3) alignment, and true metres per unit of the scene."""
        places = frame_poses(scene, self.submaps)
        truth, found = self.truth[places.source_index], places.world_from_camera[:, :3, 3]
        known = np.isfinite(truth).all(axis=1) & np.isfinite(found).all(axis=1)
        truth, found = truth[known], found[known]
        fit = umeyama(truth, found)
        return float(np.sqrt(np.mean(np.square(truth - fit.apply(found)).sum(axis=1)))), fit.scale

    @property
    def path_m(self) -> float:
        """The length of the true path."""
        known = self.truth[np.isfinite(self.truth).all(axis=1)]
        return float(np.linalg.norm(np.diff(known, axis=0), axis=1).sum())

    def worst_window(self, scene: Scene) -> float:
        """The largest error of a window's scale, relative to the scale of the whole."""
        whole = self.compared(scene)[1]
        units = [submap.world_from_window.scale * scene.scale for submap in scene.submaps]
        true = [self._true_scale(k) / whole for k in range(len(units))]
        return float(np.max(np.abs(np.log(units) - np.log(true))))

    def _true_scale(self, number: int) -> float:
        submap = self.submaps[number]
        truth, own = self.truth[submap.frame_indices], submap.window_from_camera[:, :3, 3]
        known = np.isfinite(truth).all(axis=1) & np.isfinite(own).all(axis=1)
        return umeyama(truth[known], own[known]).scale


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--clips", default="|".join(CLIPS), help="names, with |; windows in --keep are used again")
    command.add_argument("--towns", default="|".join(TOWNS), help="names, with |")
    command.add_argument("--commands", default="kitti00_c1018", help="clips that the command itself runs on, with |")


@benchmark(COLUMNS, _options)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Clips first, then the town."""
    for name in _names(options.clips):
        clip, _, weak = name.partition(" ")
        found = clip_windows(find_clip(clip), folder / name.replace(" ", "_"), weak=bool(weak))
        yield from _rows(name, _chain(name, found, _clip_truth(clip)), CLIPS[name])
    for name in _names(options.towns):
        facts = {key: value for key, value in TOWNS[name].items() if key not in CLAIMS}
        town = make_town(size=TOWN_SIZE, **facts)
        found = town_windows(town, drift="drift" in name)
        yield from _rows(f"town {name}", _chain(name, found, town.path.world_from_camera[:, :3, 3]), TOWNS[name])
    yield from (_command_row(name, folder, options) for name in _names(options.commands))


def _names(text: str) -> list[str]:
    return [name for name in text.split("|") if name]


def _clip_truth(name: str) -> Array:
    path = find_clip(name).truth
    assert path is not None
    found = read_kitti(path)
    truth = np.full((int(found.indices.max()) + 1, 3), np.nan)
    truth[found.indices] = found.world_from_camera[:, :3, 3]
    return truth


def _chain(name: str, found: Iterable[Predicted], truth: Array) -> Chain:
    """Windows through the run's own placement, and the heights that they see."""
    chain, scene, edges = SubmapChain(), Scene(), list[Edge]()
    heights, submaps = CameraHeightPrior("auto"), dict[int, SubmapCameras]()
    cpu_s, frames = 0.0, 0
    for window, geometry in found:
        parts = split(window, geometry)
        update = chain.add_window(scene, window.number, parts)
        scene, edges = update.scene, [*edges, *update.edges]
        submaps |= zip(update.submap_ids, map(_known, parts), strict=True)
        start = time.process_time()
        heights.observe(parts)
        cpu_s, frames = cpu_s + time.process_time() - start, frames + len(window.frames)
        tell(f"{name}: window {window.number}")
    return Chain(scene, edges, heights.heights, submaps, truth, 1e3 * cpu_s / frames)


def _known(part: SubmapGeometry) -> SubmapCameras:
    g = part.geometry
    size = (g.images.shape[2], g.images.shape[1])
    times = g.frame_indices / 10.0
    return SubmapCameras(
        frame_indices=g.frame_indices,
        timestamps=times,
        window_from_camera=g.window_from_camera,
        intrinsics=g.intrinsics,
        owned=part.owned,
        source_size=size,
        depth_size=size,
        status=g.status.value,
    )


def _rows(name: str, chain: Chain, facts: dict[str, Any]) -> list[Row]:
    """Every promise about one chain."""
    on, why = chain.verdict()
    off_m, constant_m = (chain.compared(chain.solved(wanted))[0] for wanted in ("off", "constant"))
    wanted = "on" if facts["auto"] else "off"
    rows = [claim("7", name, "auto", "on" if on else "off", wanted, on == facts["auto"], note=_first(why, chain))]
    rows.append(_no_worse(name, chain, off_m, constant_m))
    if "ate_percent" in facts:
        percent, limit = 100 * constant_m / chain.path_m, facts["ate_percent"]
        rows.append(claim("7", name, "ATE, constant, % of path", percent, f"<= {limit}", percent <= limit))
    if "gain" in facts:
        gain, limit = constant_m / off_m, facts["gain"]
        best = chain.compared(chain.solved_by_truth())[0] / off_m
        note = f"with the windows' true scales instead of heights {best:.3f}"
        rows.append(claim("7", name, "ATE, constant over off", gain, f"<= {limit}", gain <= limit, note=note))
    if on:
        rows += [_scale(name, chain, facts.get("scale_percent")), _cost(name, chain)]
    for row in rows:
        tell(f"{name}: {row['what']} {row['here']}, target {row['target']}")
    return rows


def _first(why: str, chain: Chain) -> str:
    heard = sum(isinstance(height, HeightObservation) for height in chain.heights)
    return f"{heard} of {len(chain.heights)} windows have a height; {why}"


def _no_worse(name: str, chain: Chain, off_m: float, constant_m: float) -> Row:
    met = None if off_m < EXACT_M else constant_m <= NO_WORSE * off_m
    target = "stated" if met is None else "not worse than off"
    note = f"of a path of {chain.path_m:.1f} m; off {off_m:.3f} m, {100 * off_m / chain.path_m:.3f} %"
    return claim("7", name, "ATE, constant, m", f"{constant_m:.3f}", target, met, note=note)


def _scale(name: str, chain: Chain, limit: float | None) -> Row:
    scene = chain.solved(CAMERA_M)
    percent = 100 * (1 / chain.compared(scene)[1] - 1)
    sigma = np.median([h.sigma for h in chain.heights if isinstance(h, HeightObservation)])
    note = f"worst window {100 * chain.worst_window(scene):.2f} % off the whole; sigma of a window {100 * sigma:.1f} %"
    target, met = ("stated", None) if limit is None else (f"<= {limit:g}", abs(percent) <= limit)
    return claim("7", name, f"scale error with {CAMERA_M} m, %", f"{percent:+.2f}", target, met, note=note)


def _cost(name: str, chain: Chain) -> Row:
    return claim("7", name, "CPU ms a frame of a window", chain.ms_per_frame, "stated", None)


def _command_row(name: str, folder: Path, options: argparse.Namespace) -> Row:
    """The command itself, from pictures to the trajectory on disk."""
    clip, out = find_clip(name), folder / f"{name}_command"
    words = ("--intrinsics", str(clip.intrinsics), "--camera-height", "constant", "--set", "loops.descriptor=off")
    with measured_run(clip.source, out, options, *words) as measured:
        if measured.error:
            raise SystemExit(measured.error)
        geometry = read_run_geometry(open_run(out))
    chain = Chain(geometry.scene, (), (), geometry.submaps, _clip_truth(name), np.nan)
    percent = 100 * chain.compared(geometry.scene)[0] / chain.path_m
    limit = CLIPS[name].get("ate_percent")
    target, met = ("stated", None) if limit is None else (f"<= {limit:g}", percent <= limit)
    what = "ATE of da3-stream run --camera-height constant, %"
    return claim("7", name, what, percent, target, met, note=f"{measured.wall_s:.0f} s")


if __name__ == "__main__":
    main()
