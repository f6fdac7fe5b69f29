"""Which modules a frame passes: a trace of one short run, from `cli/run.py` until the last cloud.ply is in its place.

Exact geometry takes the place of a prediction.
"""

from __future__ import annotations

import inspect
import os
import pkgutil
import sys
import tempfile
import threading
from collections import defaultdict
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.import_graph import NAME, Graph

# The insides of solver, predictors, gate, loop check and scale are not counted; the gate's files had other names once.
INTERNALS = ("posegraph/", "predictors/sfm/", "predictors/da3.py", "da3/", "loops/", "scale/", "frames/gate/")
INTERNALS += tuple(f"frames/{name}.py" for name in ("gate", "flow", "looks", "usual", "passed"))
# Types that hold a frame's image, depth or points; the last line has names that they had once.
HOLDERS = {"Candidate", "Frame", "Window", "WindowGeometry", "WindowPrediction", "SubmapGeometry", "RecentSubmap"}
HOLDERS |= {"SubmapFrames", "AddedSubmap", "WindowUpdate", "Points"}
HOLDERS |= {"Answer", "Part", "Placed", "WindowPart"}


def way_of_a_frame(package: Path) -> dict[str, dict[str, int]]:
    """Of each module on the way: its lines, the fewest calls between modules from the command line to it, and holding.

    A module holds the frame (1), or only what was derived of it, such as poses, names and counts (0).
    """
    calls, holders = traced_calls(package)
    steps = _steps("cli/run.py", calls)
    counted = sorted(name for name in steps if not name.startswith(INTERNALS))
    lines = {name: len((package / name).read_text().splitlines()) for name in counted}
    return {name: {"lines": lines[name], "steps": steps[name], "holds_frame": int(name in holders)} for name in counted}


def _steps(start: str, calls: Graph) -> dict[str, int]:
    steps, waiting = {start: 0}, [start]
    for caller in waiting:
        for name in sorted(calls.get(caller, set()) - steps.keys()):
            steps[name] = steps[caller] + 1
            waiting.append(name)
    return steps


def traced_calls(package: Path) -> tuple[dict[str, set[str]], set[str]]:
    """The modules of which functions are called by each module, and those that hold the frame."""
    sys.path.insert(0, str(package.parent))
    _import_all()
    calls, until_cloud = defaultdict[str, set[str]](set), dict[str, set[str]]()
    holders: set[str] = set()

    def enter(frame: Any, event: str, argument: object) -> None:
        if frame.f_code.co_flags & inspect.CO_OPTIMIZED and (name := module(frame)):  # no module's or class's body
            caller = frame.f_back
            while caller is not None and module(caller) is None:
                caller = caller.f_back
            calls[module(caller) if caller else name].add(name)  # a thread begins in a module that was called before
            if name not in holders and any(map(_holds_frame, frame.f_locals.values())):
                holders.add(name)

    def module(frame: Any) -> str | None:
        path = frame.f_code.co_filename
        return os.path.relpath(path, package) if path.startswith(f"{package}{os.sep}") else None

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.rename" and str(arguments[1]).endswith("cloud.ply"):
            until_cloud.update({name: set(called) for name, called in calls.items()})

    sys.addaudithook(watch)
    threading.settrace(enter)
    sys.settrace(enter)
    _short_run()
    sys.settrace(None)
    return until_cloud, holders


def _holds_frame(value: object) -> bool:
    """Whether an argument is the frame, or holds its image, depth or points."""
    if isinstance(value, list | tuple) and value:
        value = value[0]
    return type(value).__name__ in HOLDERS


def _import_all() -> None:
    """Import every module, as what runs meanwhile is not part of a run."""
    for module in pkgutil.walk_packages(import_module(NAME).__path__, f"{NAME}."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):  # of an optional package
                import_module(module.name)


def _short_run() -> None:
    """The command on three windows of noise, which only the reader and the gate look at."""
    import cv2

    import_module(f"{NAME}.predictors.sfm").SfmPredictor = lambda **_: WallPredictor()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="da3_structure_") as folder:
        for number in range(28):
            cv2.imwrite(f"{folder}/{number}.png", rng.integers(0, 256, (32, 48, 3), dtype=np.uint8))
        words = ["run", folder, "-o", f"{folder}/out", "-q", "--model", "sfm"]
        words += ["--set", "windows.size=12", "--set", "windows.overlap=4"]
        import_module(f"{NAME}.cli").app(words, standalone_mode=False)


class WallPredictor:
    """A camera that goes sideways along a wavy wall, one unit in ten frames."""

    def predict(self, frames: Any) -> Any:
        n, (height, width) = len(frames), frames[0].image.shape[:2]
        poses = np.tile(np.eye(4), (n, 1, 1))
        poses[:, 0, 3] = [frame.index / 10 for frame in frames]
        wave = 5 + 0.5 * np.sin(3 * np.linspace(-1, 1, width))
        depth = np.tile(wave, (n, height, 1)).astype(np.float32)
        return import_module(f"{NAME}.types").WindowGeometry(
            frame_indices=np.array([frame.index for frame in frames]),
            images=np.stack([frame.image for frame in frames]),
            depth=depth,
            confidence=np.ones_like(depth),
            intrinsics=np.tile([[40.0, 0, width / 2], [0, 40.0, height / 2], [0, 0, 1]], (n, 1, 1)),
            window_from_camera=poses,
            is_metric=False,
        )
