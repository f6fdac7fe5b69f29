"""What a run did and how it went, for people: `da3-stream info` and report.html."""

from __future__ import annotations

import base64
import html
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..cloud.files.ply import count_vertices
from ..store import INTERPOLATED, PoseTable, Run, RunReader
from ..store.files import write_text
from ..types import AdviceCode
from .advice.confidence_strip import confidence_strip
from .advice.words import trust_lines

FEW = 3  # frames below which nothing can be said of depth
_IMAGES = {"overview.png": "cloud and camera path seen from above", "static_mask.png": "what goes with the camera"}
_LISTS = ("source_indices", "timestamps", "nanoseconds", "interpolated")  # one entry per frame: for programs
_MOST_LINES = 20  # of a list, such as the skipped frames

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ margin: 2rem auto; max-width: 72rem; padding: 0 1rem; background: #14161a; color: #e8e8e8;
       font: 15px/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.4rem; font-weight: 600; }}
img {{ max-width: 100%; max-height: 90vh; border: 1px solid #3a3e46; }}
svg.strip {{ width: 100%; margin: .5rem 0; background: #1b1e24; }}
svg.strip text {{ fill: #9aa0aa; font-size: 12px; }}
ul {{ list-style: none; padding: 0; }}
table {{ border-collapse: collapse; margin-top: 1.5rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .2rem 1.2rem .2rem 0; border-bottom: 1px solid #2a2d33; }}
th {{ color: #9aa0aa; font-weight: 400; white-space: nowrap; }}
</style>
</head>
<body>
<h1>{title}</h1>
<ul>
{trust}
</ul>
{strip}
{images}
<table>
{rows}
</table>
</body>
</html>
"""


def info(run_dir: Path) -> dict[str, Any]:
    """run.json without its per-frame lists, and counts over the run's files; ready for JSON.

    Raises StoreError if the directory is not a run or is damaged.
    """
    return _facts(RunReader.open(run_dir))


def _facts(reader: RunReader) -> dict[str, Any]:
    poses = reader.poses
    return {
        "path": str(reader.path),
        **{key: value for key, value in reader.status.items() if key not in _LISTS},
        "placed": int((poses.segment >= 0).sum()),
        "frame_status": dict(sorted(Counter(poses.status).items())),
        "segments": len(set(poses.segment[poses.segment >= 0].tolist())),
        "units": reader.units,
        "path_length": path_length(poses),
        "points": _point_count(reader.path / "cloud.ply"),
        "events": dict(sorted(Counter(event["event"] for event in reader.run.read_events()).items())),
    }


def info_text(facts: Mapping[str, Any]) -> str:
    """What is to be said of a run's trust, and all facts of `info` as lines of name and value."""
    rows = list(_rows(facts))
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join([*trust_lines(facts, "below"), *(f"{name:<{width}}  {value}".rstrip() for name, value in rows)])


def result_lines(facts: Mapping[str, Any]) -> list[str]:
    """A run's results in one line, and what is to be said of their trust, from what `info` tells."""
    return [_headline(facts), *trust_lines(facts, "report.html")]


def _headline(facts: Mapping[str, Any]) -> str:
    segments, interpolated = facts["segments"], facts["frame_status"].get(INTERPOLATED, 0)
    between = f" ({interpolated} of them between others)" if interpolated else ""
    return (
        f"{facts['placed']} of {facts['frames']} frames placed{between} in {segments} segment{'s' * (segments != 1)}, "
        f"{facts['points'] or 0} points, {facts['seconds']:.1f} s; "
        f"look at report.html, cloud.ply and trajectory.tum in {facts['path']}"
    )


def why_nothing_was_placed(facts: Mapping[str, Any]) -> str | None:
    """The reason in one sentence, from what `info` tells; None where a frame has a pose, or where one or two frames
    can have none."""
    if facts["placed"] or facts["frames"] < FEW:
        return None
    reasons = [row["text"] for row in facts.get("advice", ()) if row["code"] == AdviceCode.UNPLACED]
    return f"no frame could be placed: {'; '.join(reasons) or 'the run does not tell why'}"


def write_report(run: Run) -> None:
    """Write report.html: trust, confidence over time, overview.png, and the facts of `info`, in one file."""
    reader = RunReader.open(run.path)
    facts = _facts(reader)
    rows = [f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in _rows(facts)]
    page = _PAGE.format(
        title=html.escape(f"da3_stream: {run.path.resolve().name}"),
        trust="\n".join(f"<li>{html.escape(line)}</li>" for line in trust_lines(facts, "run.json")),
        strip=confidence_strip(reader.poses, reader.status.get("first_time_s", 0.0)),
        images="\n".join(_embedded_image(run.path / name, text) for name, text in _IMAGES.items()),
        rows="\n".join(rows),
    )
    write_text(run.path / "report.html", page)


def path_length(poses: PoseTable) -> float:
    """Length of the camera path in world units: the sum over neighbouring frames with a pose in the same segment."""
    placed = poses.segment >= 0
    centres, segments = poses.world_from_camera[placed, :3, 3], poses.segment[placed]
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    return float(steps[segments[1:] == segments[:-1]].sum())


def _point_count(path: Path) -> int | None:
    """The points of a PLY file, None where there is none."""
    return count_vertices(path) if path.exists() else None


def _embedded_image(path: Path, text: str) -> str:
    """An <img> that holds the file itself, so that the report is one file; empty where there is no file."""
    if not path.exists():
        return ""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return f'<img alt="{text}" src="data:image/png;base64,{data}">'


def _rows(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Lines of (name, value): nested names are joined by dots, and each object of a list takes a line."""
    for key, value in facts.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _rows(value, f"{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield from _list_rows(name, value)
        else:
            yield name, _text(key, value)


def _list_rows(name: str, entries: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    yield name, str(len(entries))
    for entry in entries[:_MOST_LINES]:
        yield "", ", ".join(f"{key} {_text(key, value)}" for key, value in entry.items())
    if len(entries) > _MOST_LINES:
        yield "", f"and {len(entries) - _MOST_LINES} more (see run.json)"


def _text(key: str, value: Any) -> str:
    if value is None:
        return "-"
    if key.endswith("_bytes") and isinstance(value, int):
        return f"{value / 2**20:,.0f} MiB"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(_text("", entry) for entry in value) or "none"
    return str(value)
