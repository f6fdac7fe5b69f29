"""Which module of the package imports which, read from the source; what `structure.py` and the tests ask of it."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

NAME = "da3_stream"

Trees = Mapping[str, ast.Module]
Graph = Mapping[str, set[str]]


def read_modules(package: Path) -> dict[str, ast.Module]:
    """The syntax tree of every module, by its path in the package."""
    paths = sorted(package.rglob("*.py"))
    return {path.relative_to(package).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def import_graph(trees: Trees) -> dict[str, set[str]]:
    """The modules of the package that each one imports, anywhere in it: in functions and for type checkers, too."""
    return {name: set(_imported(name, tree, trees)) - {name, None} for name, tree in trees.items()}


def _imported(name: str, tree: ast.Module, modules: Collection[str]) -> Iterator[str | None]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (base := _base(name, node)) is not None:
            for alias in node.names:
                yield _module([*base, alias.name], modules) or _module(base, modules)
        elif isinstance(node, ast.Import):
            for parts in (alias.name.split(".") for alias in node.names):
                yield _module(parts[1:], modules) if parts[0] == NAME else None


def _base(name: str, node: ast.ImportFrom) -> list[str] | None:
    """What stands after `from`, as parts of a path in the package; None for another package."""
    parts = node.module.split(".") if node.module else []
    if node.level:
        return [*Path(name).parts[: -node.level], *parts]
    return parts[1:] if parts[0] == NAME else None


def _module(parts: list[str], modules: Collection[str]) -> str | None:
    """The file of a module or a folder, by the parts of its path; None where there is none."""
    files = ("/".join(parts) + ".py", "/".join([*parts, "__init__.py"]))
    return next((file for file in files if file in modules), None)


def room(module: str, depth: int = 1) -> str:
    """The top-level folder or module that a module belongs to; with depth 2 the folder or module in that, and so on."""
    return "/".join(module.split("/")[:depth]).removesuffix(".py")


def room_graph(imports: Graph, depth: int = 1) -> dict[str, set[str]]:
    """The other rooms that each room imports."""
    graph = defaultdict(set)
    for name, imported in imports.items():
        graph[room(name, depth)] |= {room(other, depth) for other in imported} - {room(name, depth)}
    return graph


def circles(graph: Graph) -> list[list[str]]:
    """The groups of nodes each of which leads to all others of its group."""
    reached = {node: _reached(node, graph) for node in graph}
    groups = {frozenset(other for other in reached[node] if node in reached.get(other, ())) for node in graph}
    return sorted(sorted(group) for group in groups if group)


def _reached(start: str, graph: Graph) -> set[str]:
    seen, waiting = set[str](), [start]
    while waiting:
        new = graph.get(waiting.pop(), set()) - seen
        seen |= new
        waiting.extend(new)
    return seen
