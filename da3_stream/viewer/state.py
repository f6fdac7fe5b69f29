"""/state: what the page knows of a run beside tables, points and pictures."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..report.words import trust_lines
from ..store import LoopLine, RunReader
from .snapshot import Snapshot
from .submap_facts import SubmapFacts
from .tables import STATUSES

EXPORTS = "export"  # the folder of a run's exports


def state_of(now: Snapshot, path: Path, formats: Mapping[str, str]) -> dict[str, Any]:
    """Of a moment; ready for JSON."""
    reader = now.reader
    scene = None if reader is None else reader.geometry.scene
    return {
        "epoch": now.epoch,
        "revision": now.revision,
        "run": {"name": path.name, "state": now.state, "problem": now.problem, **_run_facts(now)},
        "up": now.up.tolist(),
        "origin": None if scene is None or scene.georeference is None else _origin(reader),
        "segments": [] if scene is None else list(scene.segments()),
        "statuses": list(STATUSES),
        "frames": len(now.frames),
        "poses_revision": now.poses.revision,
        "submaps": [_submap(now, number, facts) for number, facts in now.submaps.items()],
        "loops": loops_of(now),
        "has_static_mask": (path / "static_mask.png").is_file(),
        "has_report": (path / "report.html").is_file(),
        "exports": [{"name": name, "bytes": size} for name, size in export_files(path).items()],
        "export_commands": [
            {"format": name, "text": text, "command": f"da3-stream export {shlex.quote(str(path))} --format {name}"}
            for name, text in formats.items()
        ],
    }


def export_files(path: Path) -> dict[str, int]:
    """The files that lie in DIR/export, by name with their sizes; folders, hidden files, links and names that no
    address holds are left out, and the folder must not be a link either: it would lead out of the run."""
    folder = path / EXPORTS
    if folder.is_symlink():
        return {}
    try:
        entries = sorted(folder.iterdir())
        return {
            entry.name: entry.stat().st_size
            for entry in entries
            if entry.is_file() and not entry.is_symlink() and _is_told(entry.name)
        }
    except OSError:
        return {}


def _is_told(name: str) -> bool:
    return name.isprintable() and "\\" not in name and not name.startswith(".")


def loops_of(now: Snapshot) -> list[dict[str, Any]]:
    """Loops between two rows of the table of frames; their places are their numbers."""
    return [row for loop in now.loops for row in _loop(now, loop)]


def _run_facts(now: Snapshot) -> dict[str, Any]:
    status: Mapping[str, Any] = {} if now.reader is None else now.reader.status
    placed = 0 if now.reader is None else int((now.reader.poses.segment >= 0).sum())
    seconds = status.get("seconds")
    return {
        "units": "relative" if now.reader is None else now.reader.units,
        "model": status.get("model", {}).get("name"),
        "started": status.get("started"),
        "frames_total": len(status["source_indices"]) if status.get("source_indices") else None,
        "frames_placed": placed,
        "seconds": seconds,
        "rate": placed / seconds if seconds else None,
        "trust": {
            "share": status.get("trust", {}).get("share"),
            "text": trust_lines(status, "report.html") if "advice" in status else [],
        },
        "advice": list(_remarks(now, status)),
    }


def _remarks(now: Snapshot, status: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Stretches that are not to be trusted and advice, with the rows of the frames that they are about."""
    stretches = status.get("trust", {}).get("stretches", ())
    for row, distrusted in [*((r, True) for r in stretches), *((r, False) for r in status.get("advice", ()))]:
        a = int(np.searchsorted(now.frames.time, row["from_s"] - 1e-6))
        b = int(np.searchsorted(now.frames.time, row["to_s"] + 1e-6)) - 1
        yield {**row, "distrusted": distrusted, "frames": [a, b] if a <= b else None}


def _origin(reader: RunReader | None) -> dict[str, Any] | None:
    known = None if reader is None else reader.geometry.scene.georeference
    if known is None:
        return None
    place = known.geographic_from_world
    return {
        "crs": known.crs,
        "scale": place.scale,
        "rotation": place.rotation.tolist(),
        "translation": place.translation.tolist(),
    }


def _submap(now: Snapshot, number: int, facts: SubmapFacts) -> dict[str, Any]:
    assert now.reader is not None  # there are no submaps without a run
    submap = now.reader.geometry.scene.submaps[number]
    centre, radius = _sphere(now, number, facts)
    return {
        "id": number,
        "segment": submap.segment,
        "frames": list(submap.frames),
        "points": facts.points,
        "nodes": facts.nodes,
        "bytes": facts.bytes,
        "revision": facts.revision,
        "splats": facts.splats,
        "splats_revision": facts.splats_revision,
        "centre": centre,
        "radius": radius,
    }


def _sphere(now: Snapshot, number: int, facts: SubmapFacts) -> tuple[list[float] | None, float]:
    """The sphere about a submap's points in the world, wherever its frames put them now."""
    submaps = now.poses.submaps
    rows = np.flatnonzero((now.frames.submap == number) & np.isfinite(submaps.scale))
    if not len(rows):
        return None, 0.0
    turned = np.einsum("nij,j->ni", submaps.rotation[rows], facts.centre)
    centres = submaps.scale[rows, None] * turned + submaps.translation[rows]
    middle = centres.mean(axis=0)
    spread = np.linalg.norm(centres - middle, axis=1) + submaps.scale[rows] * facts.radius
    return middle.tolist(), float(spread.max())


def _loop(now: Snapshot, loop: LoopLine) -> Iterator[dict[str, Any]]:
    """A loop between two rows of the table of frames."""
    ends = [row_of(now, index) for index in (loop.earlier, loop.later)]
    if None in ends:
        return
    owners = [int(now.frames.submap[row]) for row in ends if row is not None]
    images = all(now.submaps[owner].has_images for owner in owners)
    yield {"a": ends[0], "b": ends[1], "accepted": loop.accepted, "reason": loop.reason, "images": images}


def row_of(now: Snapshot, source_index: int) -> int | None:
    """The row of a frame, None where no submap holds it."""
    row = int(np.searchsorted(now.frames.source_index, source_index))
    return row if row < len(now.frames) and now.frames.source_index[row] == source_index else None
