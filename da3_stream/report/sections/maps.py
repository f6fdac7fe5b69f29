"""The path and the cloud from above and from the side, upright."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...store import BELIEVED
from ...types import Float64, UInt8
from .chart import nice_ticks
from .html import escape, number, section
from .loops import pairs_of
from .subject import Subject

SIDE = 560  # of a drawing, in user units
_LEAST_HEIGHT = 120
_MOST_ROWS = 2000  # of the path
_MARGIN = 0.05
_CELL = 2  # user units of a cell of the cloud's picture


@dataclass(frozen=True, eq=False)
class Frame:
    """Which part [[left, right], [bottom, top]] of a plane a drawing shows, with one scale for both axes."""

    limits: Float64
    size: tuple[int, int]  # (width, height) in user units

    @staticmethod
    def around(path: Float64, points: Float64) -> Frame:
        """All of a path [N,2] and of points [M,2] but their outermost 2 % on each side."""
        known = path[np.isfinite(path).all(axis=1)]
        outer = [np.quantile(points, [0.02, 0.98], axis=0)] if len(points) else []
        corners = np.concatenate([known, *outer])
        low, high = corners.min(axis=0), corners.max(axis=0)
        room = _MARGIN * max(float((high - low).max()), 1e-9)
        middle, side = (low + high) / 2, high - low + 2 * room
        shape = np.maximum(SIDE * side / side.max(), _LEAST_HEIGHT)
        half = shape / 2 * float((side / shape).max())
        return Frame(np.stack([middle - half, middle + half], axis=-1), (round(shape[0]), round(shape[1])))

    @property
    def per_unit(self) -> float:
        """User units in one unit of length."""
        return float(self.size[0] / (self.limits[0, 1] - self.limits[0, 0]))

    def place(self, points: Float64) -> Float64:
        """Points [N,2] in user units, y down."""
        return (points - self.limits[:, 0]) * [self.per_unit, -self.per_unit] + [0, self.size[1]]


def maps(subject: Subject) -> str:
    """Two drawings; empty where there is nothing to draw, or nothing was placed."""
    if not subject.shows_something or not (subject.poses.segment >= 0).any():
        return ""
    points = subject.points[0].astype(np.float64) @ subject.upright_from_world.T
    along = _along(subject.centres)
    views = (("from above", np.eye(3)[:2]), ("from the side", np.array([along, [0.0, 0.0, 1.0]])))
    drawn = "".join(_view(subject, points, name, axes) for name, axes in views)
    said = '<p class="legend"><span class="key start">start</span><span class="key end">end</span>'
    said += '<span class="key wrong">not believed</span><span class="key loop">loop</span></p>'
    return section("maps", "Map, upright", f'<div class="charts">{drawn}</div>', said)


def _along(centres: Float64) -> Float64:
    """The level direction [3] in which a path [N,3] is longest; to the right where it has no length."""
    level = centres[np.isfinite(centres).all(axis=1), :2]
    _, stretch, axes = np.linalg.svd(level - level.mean(axis=0), full_matrices=False)
    if not len(stretch) or stretch[0] <= 1e-9:
        return np.array([1.0, 0.0, 0.0])
    return np.array([*(axes[0] * (np.sign(axes[0] @ (level[-1] - level[0])) or 1.0)), 0.0])


def _view(subject: Subject, points: Float64, name: str, axes: Float64) -> str:
    path, flat = subject.centres @ axes.T, points @ axes.T
    frame = Frame.around(path, flat)
    places = frame.place(path)
    width, height = frame.size
    limits = " ".join(repr(float(value)) for value in frame.limits.reshape(-1))
    parts = [
        _cloud(frame, flat, subject.points[1]),
        *_paths(subject, places),
        *_loops(subject, places),
        _ends(subject, places),
    ]
    return (
        f"<figure><figcaption>{escape(name)}</figcaption>"
        f'<svg class="map" viewBox="0 0 {width} {height}" role="img" aria-label="path and cloud {escape(name)}" '
        f'data-limits="{limits}">{"".join(parts)}{_scale_bar(frame, subject.unit)}</svg></figure>'
    )


def _cloud(frame: Frame, points: Float64, rgb: UInt8) -> str:
    """The mean colour of the points in every cell, as a picture that is transparent elsewhere."""
    if not len(points):
        return ""
    import cv2

    shape = np.maximum(np.array(frame.size) // _CELL, 1)
    cell = np.floor(frame.place(points) / np.array(frame.size) * shape).astype(np.int64)
    inside = ((cell >= 0) & (cell < shape)).all(axis=1)
    flat, cells = cell[inside, 1] * shape[0] + cell[inside, 0], int(shape.prod())
    count = np.bincount(flat, minlength=cells)
    sums = np.stack([np.bincount(flat, rgb[inside, c], cells) for c in (2, 1, 0)], axis=-1)
    image = np.concatenate([sums / np.maximum(count, 1)[:, None], 255.0 * (count > 0)[:, None]], axis=1)
    _, data = cv2.imencode(
        ".webp", image.astype(np.uint8).reshape(shape[1], shape[0], 4), [cv2.IMWRITE_WEBP_QUALITY, 60]
    )
    text = b64encode(data.tobytes()).decode("ascii")
    return f'<image width="{frame.size[0]}" height="{frame.size[1]}" href="data:image/webp;base64,{text}"/>'


def _paths(subject: Subject, places: Float64) -> Iterator[str]:
    """Every segment as a line, and dots on rows that are not believed."""
    every = max(len(places) // _MOST_ROWS, 1)
    thin = np.arange(len(places)) % every == 0
    for rows in subject.stretches_of_rows(thin):
        steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in places[rows].tolist())
        yield f'<path class="rim" d="M{steps}"/><path class="way" data-rows="{len(rows)}" d="M{steps}"/>'
    doubted = (subject.poses.segment >= 0) & (subject.poses.confidence < BELIEVED)
    yield "".join(_dot(place, "wrong", 2.5) for place in places[_some(np.flatnonzero(doubted))])


def _some(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[:: max(len(rows) // _MOST_ROWS, 1)]


def _loops(subject: Subject, places: Float64) -> Iterator[str]:
    for loop in pairs_of(subject, accepted=True):
        rows = [row for row in map(subject.row_of, (loop.earlier, loop.later)) if row is not None]
        if len(rows) == 2 and np.isfinite(ends := places[rows]).all():
            (a, b), (c, d) = ends.tolist()
            yield f'<path class="loop" d="M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}"/>'


def _ends(subject: Subject, places: Float64) -> str:
    posed = np.flatnonzero(subject.poses.segment >= 0)
    return _dot(places[posed[0]], "start", 6) + _dot(places[posed[-1]], "end", 6)


def _dot(place: Float64, style: str, radius: float) -> str:
    return f'<circle class="{style}" cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{radius:g}"/>'


def _scale_bar(frame: Frame, unit: str) -> str:
    length = nice_ticks(0.0, 160 / frame.per_unit, 2)[-1]
    x, y = 14, frame.size[1] - 12
    end = x + length * frame.per_unit
    return (
        f'<path class="bar" d="M{x} {y - 5}V{y}H{end:.1f}V{y - 5}"/>'
        f'<text x="{end + 6:.1f}" y="{y}">{number(float(length))} {unit}</text>'
    )
