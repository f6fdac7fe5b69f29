"""A drawing of boxes, lines and words, written as SVG: what the figures of docs/ are made of."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

Point = tuple[float, float]
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" fill="#111">\n'
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>\n<rect width="100%" height="100%" fill="#fff"/>\n'
)


class Drawing:
    """Shapes on a white page of a size in pixels, later ones above earlier ones."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._shapes: list[str] = []

    def add(self, shape: str) -> None:
        """An element of SVG."""
        self._shapes.append(shape)

    def rectangle(self, x: float, y: float, width: float, height: float, fill: str, *, dashed: bool = False) -> None:
        """A box with round corners."""
        dash = ' stroke-dasharray="5 3"' if dashed else ""
        self.add(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="{fill}" '
            f'stroke="#444"{dash}/>'
        )

    def text(self, x: float, y: float, line: str, *, bold: bool = False, middle: bool = False, size: int = 14) -> None:
        """A line of text."""
        weight, anchor = ' font-weight="bold"' if bold else "", ' text-anchor="middle"' if middle else ""
        self.add(f'<text x="{x:g}" y="{y:g}" font-size="{size}"{weight}{anchor}>{escape(line)}</text>')

    def line(self, points: Sequence[Point], *, colour: str = "#222", width: float = 1.5, dashed: bool = False) -> None:
        """A line along points."""
        self.add(self._polyline(points, colour, width, dashed, ""))

    def arrow(self, points: Sequence[Point], *, dashed: bool = False) -> None:
        """An arrow along points."""
        self.add(self._polyline(points, "#222", 1.5, dashed, ' marker-end="url(#tip)"'))

    def dot(self, x: float, y: float, radius: float, fill: str) -> None:
        """A disc."""
        self.add(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{fill}"/>')

    def save(self, name: str) -> None:
        """Write the file, beside this module."""
        head = HEAD.format(width=self.width, height=self.height)
        Path(__file__).with_name(name).write_text(head + "\n".join(self._shapes) + "\n</svg>\n")

    @staticmethod
    def _polyline(points: Sequence[Point], colour: str, width: float, dashed: bool, end: str) -> str:
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dash}{end}/>'
