"""All that a run directory holds, times apart: what must not depend on where its windows were predicted."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from da3_stream.store import read_tree

TIMES = ("started", "seconds", "seconds_by_stage", "seconds_in_predictor", "peak_rss_bytes")  # of run.json
TIMES += ("interruptions",)  # which is when they were
NO_RESULT = (".lock", "log.txt")  # the log has a time in each line, and lines of several threads in any order
FACT = re.compile(r'data-fact="([^"]+)" value="([^"]*)"')


def everything(run: Path) -> dict[str, Any]:
    """A digest of every file of a run by its name, but for times: entries of run.json and of lines of the journal, the
    stopwatches and the time of the start in resume/tip.npz, facts of report.html.

    Left out, too, is the static mask's evidence in tip.npz: the last bits of these sums of floats differ between two
    runs in one process.
    """
    names = [path for path in sorted(run.rglob("*")) if path.is_file() and path.name not in NO_RESULT]
    return {str(path.relative_to(run)): _content(path) for path in names}


def _content(path: Path) -> Any:
    if path.name == "run.json":
        return {name: value for name, value in json.loads(path.read_text()).items() if name not in TIMES}
    if path.name == "journal.jsonl":
        return [_without_time(line) for line in path.read_text().splitlines()]
    if path.name == "report.html":
        facts = FACT.findall(path.read_text())
        return [(name, value) for name, value in facts if name.split(".")[0] not in TIMES]
    if path.name == "tip.npz":
        return _tip(path)
    return _digest(path.read_bytes())


def _without_time(line: str) -> dict[str, Any]:
    return {name: value for name, value in json.loads(line).items() if name != "time"}


def _tip(path: Path) -> list[tuple[str, str]]:
    """A digest of each leaf of the tree."""
    tree = read_tree(path)
    for name in ("started", "watch", "predicted"):
        tree["status"].pop(name, None)
    return [(name, leaf) for name, leaf in _leaves(tree) if not name.endswith("/evidence/strength")]


def _leaves(tree: Any, name: str = "") -> list[tuple[str, str]]:
    if isinstance(tree, dict):
        return [leaf for key in tree for leaf in _leaves(tree[key], f"{name}/{key}")]
    if isinstance(tree, list):
        return [leaf for k, entry in enumerate(tree) for leaf in _leaves(entry, f"{name}/{k}")]
    return [(name, _digest(tree.tobytes()) if hasattr(tree, "tobytes") else repr(tree))]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
