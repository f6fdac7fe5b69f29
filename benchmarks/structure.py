"""How the package is built, in numbers: the way of a frame, lengths of functions, folders, circles, shared names.

    python -m benchmarks.structure                                    # this package
    python -m benchmarks.structure ../other/da3_stream --list --json other.json

The way of a frame is followed by a trace of one short run (frame_trace.py): a module is on it if a line of one of its
functions runs, and holds the frame if one of its functions is given the frame or what was made of it.
"""

from __future__ import annotations

import argparse
import ast
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frame_trace import way_of_a_frame
from benchmarks.import_graph import NAME, Trees, circles, import_graph, read_modules, room_graph

ROOT = Path(__file__).resolve().parents[1]

ADAPTER = "predictors/adapter.py"  # the one module that may ask what a predictor has
OPTIONAL = {"is_metric", "gives_descriptors", "window_size", "window_overlap", "image_side", "in_flight", "prepare"}
OPTIONAL |= {"gives_gaussians", "state", "restore", "close", "hash", "facts", "predict_pair"}  # of predictors
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
    holders = {name: text for name, text in names.items() if way[name]["holds_frame"]}
    yield _line("  holding the frame, its geometry or points", len(holders), "", holders if detailed else {})
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
    return "\n".join([f"{title:44} {value!s:>5}   {target}".rstrip(), *below])


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


if __name__ == "__main__":
    main()
