"""How the package is built, in numbers: the way of a frame, lengths of functions, folders, circles, shared names.

    python -m benchmarks.structure                                    # this package
    python -m benchmarks.structure ../other/da3_stream --list --json other.json

The way of a frame is followed by a trace of one short run with exact geometry in the place of a prediction, from
`cli.run` until the last cloud.ply is in its place. A module is on it if a line of one of its functions runs.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import os
import pkgutil
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.import_graph import NAME, Graph, Trees, circles, import_graph, read_modules, room_graph

ROOT = Path(__file__).resolve().parents[1]

# The insides of solver, predictors, gate, loop check and scale are not counted; the gate's files had other names once.
INTERNALS = ("posegraph/", "predictors/sfm/", "predictors/da3.py", "da3/", "loops/", "scale/", "frames/gate/")
INTERNALS += tuple(f"frames/{name}.py" for name in ("gate", "flow", "looks", "usual", "passed"))
ADAPTER = "predictors/adapter.py"  # the one module that may ask what a predictor has
OPTIONAL = {"is_metric", "gives_descriptors", "window_size", "window_overlap", "image_side", "in_flight", "prepare"}
OPTIONAL |= {"state", "restore", "close", "hash", "facts", "predict_pair"}  # attributes of predictors
NEAR = 2  # steps from one module to another that the command line and the pipeline take themselves
LARGE_FOLDER = 12  # files


def main() -> None:
    """Measure, print, and write what was asked for."""
    options = _options()
    numbers = measure(options.package.resolve())
    print("\n".join(_lines(numbers, options.list)))
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path, nargs="?", default=ROOT / NAME, help="the package's folder")
    parser.add_argument("--list", action="store_true", help="also name modules and functions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    return parser.parse_args()


def measure(package: Path) -> dict[str, Any]:
    """All numbers of a package, ready for JSON."""
    trees = read_modules(package)
    imports = import_graph(trees)
    return {
        "package": str(package),
        "way_of_a_frame": way_of_a_frame(package),
        "functions": function_lengths(trees),
        "folders": folder_sizes(trees),
        "circles": circles(imports) + circles(room_graph(imports)),
        "shared_class_names": shared_class_names(trees),
        "predictors_asked": predictors_asked(trees),
    }


def _lines(numbers: Mapping[str, Any], detailed: bool) -> Iterator[str]:
    """The table, and under its lines the names behind a number."""
    way, functions, folders = (numbers[key] for key in ("way_of_a_frame", "functions", "folders"))
    lengths, lists, sizes = functions["lengths"], functions["option_lists"], list(folders.values())
    names = {name: f"{entry['lines']} lines, {entry['steps']} steps away" for name, entry in way.items()}
    long_modules = {name: text for name, text in names.items() if way[name]["lines"] > 250}
    near = sum(entry["steps"] <= NEAR for entry in way.values())
    median, p90 = np.quantile(lengths, [0.5, 0.9])
    yield _line("modules on the way of a frame", len(way), "<= 20", names if detailed else {})
    yield _line(f"  at most {NEAR} steps from the command line", near, "")
    yield _line("  over 250 lines", len(long_modules), "0", long_modules)
    yield _line("functions: median lines", f"{median:.0f}", "<= 6")
    yield _line("  ninetieth percentile", f"{p90:.0f}", "<= 14")
    yield _line("  longest", max(lengths), "<= 50", functions["longest"] if detailed else {})
    yield _line("  longest option list", max(lists.values(), default=0), "<= 60", lists if detailed else {})
    yield _line("files in a folder: median", f"{np.median(sizes):.0f}", "<= 8")
    yield _line("  most", max(sizes), "<= 16", {name: n for name, n in folders.items() if n > LARGE_FOLDER})
    yield _line("circles of imports", len(numbers["circles"]), "0", {" <-> ".join(c): "" for c in numbers["circles"]})
    shared, asked = numbers["shared_class_names"], numbers["predictors_asked"]
    yield _line("public class names that two classes share", len(shared), "<= 4", shared)
    yield _line("predictors asked by getattr and the like", sum(map(len, asked.values())), "0", asked)


def _line(title: str, value: object, target: str, names: Mapping[str, object] | None = None) -> str:
    below = [f"      {name} {value}".rstrip() for name, value in (names or {}).items()]
    return "\n".join([f"{title:42} {value!s:>5}   {target}".rstrip(), *below])


def function_lengths(trees: Trees) -> dict[str, Any]:
    """Lines of each function without its docstring; apart those whose parameters are a command's options."""
    lengths, lists = dict[str, int](), dict[str, int]()
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                is_command = any(".command" in ast.unparse(decorator) for decorator in node.decorator_list)
                of_its_kind = lists if is_command else lengths
                of_its_kind[f"{name}:{node.lineno} {node.name}"] = _line_count(node)
    longest = {key: lengths[key] for key in sorted(lengths, key=lambda key: -lengths[key])[:10]}
    return {"lengths": sorted(lengths.values()), "longest": longest, "option_lists": lists}


def _line_count(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = node.body[0] if ast.get_docstring(node) else None
    return _extent(node) - (_extent(docstring) if docstring else 0)


def _extent(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def folder_sizes(trees: Trees) -> dict[str, int]:
    """How many modules each folder holds; __init__ is not counted."""
    folders = sorted(str(Path(name).parent) for name in trees if not name.endswith("__init__.py"))
    return {folder: len(list(group)) for folder, group in groupby(folders)}


def shared_class_names(trees: Trees) -> dict[str, list[str]]:
    """The modules of each public name that more than one class has."""
    modules = defaultdict(list)
    for name, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules[node.name].append(name)
    return {name: homes for name, homes in sorted(modules.items()) if len(homes) > 1}


def predictors_asked(trees: Trees) -> dict[str, list[str]]:
    """The calls of getattr, hasattr and isinstance on a predictor outside the adapter, by module."""
    calls = defaultdict(list)
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if name != ADAPTER and isinstance(node, ast.Call) and _asks_predictor(node):
                calls[name].append(ast.unparse(node))
    return dict(calls)


def _asks_predictor(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Name) or call.func.id not in ("getattr", "hasattr", "isinstance"):
        return False
    attribute = call.args[1].value if isinstance(call.args[1], ast.Constant) else None
    return "predictor" in ast.unparse(call).lower() or attribute in OPTIONAL


def way_of_a_frame(package: Path) -> dict[str, dict[str, int]]:
    """Of each module on the way: its lines, and the fewest calls between modules from the command line to it."""
    calls = traced_calls(package)
    steps = _steps("cli.py", calls)
    counted = sorted(name for name in steps if not name.startswith(INTERNALS))
    return {name: {"lines": len((package / name).read_text().splitlines()), "steps": steps[name]} for name in counted}


def _steps(start: str, calls: Graph) -> dict[str, int]:
    steps, waiting = {start: 0}, [start]
    for caller in waiting:
        for name in sorted(calls.get(caller, set()) - steps.keys()):
            steps[name] = steps[caller] + 1
            waiting.append(name)
    return steps


def traced_calls(package: Path) -> dict[str, set[str]]:
    """The modules of which functions are called by each module, between `cli.run` and the last cloud.ply."""
    sys.path.insert(0, str(package.parent))
    _import_all()
    calls, until_cloud = defaultdict[str, set[str]](set), dict[str, set[str]]()

    def enter(frame: Any, event: str, argument: object) -> None:
        if frame.f_code.co_flags & inspect.CO_OPTIMIZED and (name := module(frame)):  # no module's or class's body
            caller = frame.f_back
            while caller is not None and module(caller) is None:
                caller = caller.f_back
            calls[module(caller) if caller else name].add(name)  # a thread begins in a module that was called before

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
    return until_cloud


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


if __name__ == "__main__":
    main()
