"""The result of an evaluation as a few lines for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def summary(result: Mapping[str, Any]) -> str:
    """A table, in lines of text, of what `evaluate` returned."""
    rows = [*_trajectory_rows(result), *_depth_rows(result.get("depth")), *_cloud_rows(result.get("cloud"))]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows + [("note", n) for n in result["notes"]])


def _trajectory_rows(r: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("truth", f"{r['format']}, matched by {r['association']}, alignment {r['align']}"),
        ("frames", f"{r['frames']} of {r['frames_with_truth']} with truth (coverage {_number(r['coverage'])})"),
        ("segments", f"{r['segments']}, the largest is number {r['segment']}"),
        ("path", f"{_number(r['path_length_m'])} m"),
        (
            "ATE",
            "RMSE {} m, median {} m, max {} m".format(*(_number(r[f"ate_{k}_m"]) for k in ("rmse", "median", "max"))),
        ),
        ("", f"{_number(r['ate_percent'])} % of the path (straight line {_number(r['straight_line_percent'])} %)"),
        ("RPE", f"{_number(r['rpe_trans_percent'])} %, {_number(r['rpe_rot_deg_per_m'])} deg/m over {_lengths(r)}"),
        ("scale", f"{_number(r['scale'])} truth per estimate"),
        ("drift", f"x{_number(r['scale_drift'])} between tenths, {_number(r['scale_drift_percent_per_100m'])} %/100 m"),
        ("trust", _trust(r["trust"])),
    ]


def _trust(t: Mapping[str, Any]) -> str:
    right = (
        ""
        if t["right_share"] is None
        else f"; of the {t['scored']} that can be scored {_percent(t['right_share'])} are right"
    )
    return f"{_percent(t['believed_share'])} of the poses are believed{right}"


def _depth_rows(d: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if d is None:
        return []
    errors = f"AbsRel {_number(d['abs_rel'])}, median {_number(d['median_rel'])}, d1.25 {_number(d['delta_1_25'])}"
    return [("depth", f"{errors}, kept {_number(d['kept_share'])} ({d['frames']} frames)")]


def _cloud_rows(c: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if c is None:
        return []
    medians = f"accuracy {_number(c['accuracy_m'])} m, completeness {_number(c['completeness_m'])} m (medians)"
    scores = [f"{_number(t['f_score'])} at {_number(t['threshold_m'])} m" for t in c["thresholds"]]
    return [("cloud", medians), ("", "F-score " + ", ".join(scores))]


def _lengths(r: Mapping[str, Any]) -> str:
    lengths = r["rpe_lengths_m"]
    if not lengths:
        return "no length"
    first, last = _number(lengths[0]), _number(lengths[-1])
    return f"{first} m" if len(lengths) == 1 else f"{first} to {last} m"


def _percent(share: float) -> str:
    """Rounded down: all is only all."""
    return f"{int(100 * share + 1e-9)} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
