"""Beside the truth, where `da3-stream eval` compared the run with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...types import Float64
from .chart import Line, chart
from .html import escape, figure, number, section, table
from .maps import Frame
from .subject import Subject

_ROWS = (
    ("error of the path (ATE, RMSE)", "ate_rmse_m", "m"),
    ("the same, of its length", "ate_percent", "%"),
    ("greatest", "ate_max_m", "m"),
    ("length of the true path", "path_length_m", "m"),
    ("relative error (RPE)", "rpe_trans_percent", "%"),
    ("the same of turns", "rpe_rot_deg_per_m", "°/m"),
    ("drift of scale between tenths of the path", "scale_drift", "times"),
    ("drift of scale over 100 m", "scale_drift_percent_per_100m", "%"),
)


def truth(subject: Subject) -> str:
    """Figures, both paths and the error along the way; empty where nobody compared them."""
    found = subject.evaluation
    if found is None:
        return ""
    if found.get("scene_crc32") != subject.reader.run.scene_crc32():
        said = "evaluation.json is damaged, or of another state of this map: da3-stream eval compares it again."
        return section("truth", "Beside the truth", f"<p>{said}</p>")
    rows = [(escape(name), f"{_figure(key, found.get(key))} {unit}") for name, key, unit in _ROWS]
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.get("notes", ()))
    path = found.get("path")
    drawn = f'<div class="charts">{_paths(path)}{_errors(path)}</div>' if path else ""
    return section("truth", "Beside the truth", table(rows), drawn, f"<ul>{notes}</ul>" if notes else "")


def _figure(key: str, value: float | None) -> str:
    """With four digits, as the command tells it: a drift of 1.003 is not 1."""
    return figure(f"evaluation.{key}", value, None if value is None else f"{value:.4g}")


def _paths(path: Mapping[str, Any]) -> str:
    """Both paths along the two directions in which the true one is longest."""
    true, aligned = (np.array(path[key], np.float64) for key in ("truth", "aligned"))
    axes = np.linalg.svd(true - true.mean(axis=0), full_matrices=False)[2][:2]
    flat = [(positions - true.mean(axis=0)) @ axes.T for positions in (true, aligned)]
    frame = Frame.around(np.concatenate(flat), np.zeros((0, 2)))
    drawn = "".join(
        f'<path class="{style}" d="M{_steps(frame.place(places))}"/>'
        for places, style in zip(flat, ("true", "way"), strict=True)
    )
    width, height = frame.size
    return (
        '<figure><figcaption>paths in their plane <span class="true">truth</span> <span class="way">run</span>'
        "</figcaption>"
        f'<svg class="map" viewBox="0 0 {width} {height}" role="img" aria-label="true path and that of the run">{drawn}'
        "</svg></figure>"
    )


def _errors(path: Mapping[str, Any]) -> str:
    along, error = (np.array(path[key], np.float64) for key in ("along_m", "error_m"))
    return chart("error (m)", [Line("error", along, error)], "along the true path (m)", number, zero=True)


def _steps(places: Float64) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in places.tolist())
