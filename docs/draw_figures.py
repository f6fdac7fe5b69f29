"""Draws windows.svg, parallax.svg and correction.svg of how_it_works.md: python docs/draw_figures.py."""

from __future__ import annotations

import math
from collections.abc import Sequence

from drawing import Drawing, Point

COLOURS = ("#cfe3f7", "#d6efd6", "#fbe6c2")  # of windows and their submaps
EDGES = ("#2b6cb0", "#2f855a", "#b7791f")
FRAME, FRAME_STEP = 20, 24  # pixels of a frame in the film strip


def draw_windows() -> None:
    """A strip of frames, windows that share some of them, and the submap that each leaves."""
    d = Drawing(760, 330)
    d.text(20, 24, "frames of the video", bold=True)
    for i in range(30):
        d.rectangle(20 + FRAME_STEP * i, 36, FRAME, 26, "#eee")
    for i in (7, 8, 19):
        d.line([(20 + FRAME_STEP * i, 36), (40 + FRAME_STEP * i, 62)], colour="#c53030")
    d.text(20, 82, "crossed out: left out by the gate; their poses lie between their neighbours'", size=12)
    for number, (first, last) in enumerate(((0, 12), (9, 21), (18, 29))):
        x, width = 20 + FRAME_STEP * first, FRAME_STEP * (last - first) + FRAME
        y = 100 + 34 * number
        d.rectangle(x, y, width, 26, COLOURS[number])
        d.text(
            x + width / 2, y + 18, f"window {number + 1}: depth and poses in a frame of its own", middle=True, size=12
        )
        d.arrow([(x + width / 2, y + 26), (140 + 240 * number, 238)], dashed=True)
        d.rectangle(40 + 240 * number, 240, 200, 40, COLOURS[number])
        d.text(140 + 240 * number, 265, f"submap {number + 1}", bold=True, middle=True)
    for number in range(2):
        d.arrow([(280 + 240 * number, 268), (242 + 240 * number, 268)])
    d.text(
        20,
        308,
        "joined by a similarity (rotation, translation, scale) from the frames that two windows share;",
        size=12,
    )
    d.text(20, 324, "where there is none, a new segment begins", size=12)
    d.save("windows.svg")


def draw_parallax() -> None:
    """Why a camera that moves sees depth, and one that turns does not."""
    d = Drawing(760, 270)
    d.text(20, 24, "it moves: two rays meet, and there is depth", bold=True)
    tree = (190.0, 60.0)
    for x in (70.0, 270.0):
        _camera(d, (x, 210), math.atan2(60 - 210, tree[0] - x))
        d.line([(x, 210), tree], colour=EDGES[0], dashed=True)
    d.dot(*tree, 7, "#c53030")
    d.arrow([(95, 240), (245, 240)])
    d.text(170, 258, "the way between the frames is the unit of depth", middle=True, size=12)
    d.text(420, 24, "it turns: one ray, and any depth would do", bold=True)
    for bearing in (-math.pi / 2 - 0.25, -math.pi / 2 + 0.25):
        _camera(d, (560, 210), bearing)
    d.line([(560, 210), (560, 45)], colour=EDGES[0], dashed=True)
    for y in (60, 105, 150):
        d.dot(560, y, 6, "#c53030")
        d.text(574, y + 5, "here?", size=12)
    d.text(560, 258, "its turns are known (TURNED), depth is not", middle=True, size=12)
    d.save("parallax.svg")


def _camera(d: Drawing, at: Point, bearing: float) -> None:
    """A camera that looks along a bearing in radians: a triangle."""
    x, y = at
    tips = [(x + 26 * math.cos(bearing + a), y + 26 * math.sin(bearing + a)) for a in (-0.45, 0.45)]
    d.line([at, *tips, at], colour="#222", width=2)


def draw_correction() -> None:
    """A round drive before and after its loop is closed: submaps move as wholes."""
    d = Drawing(760, 300)
    d.text(20, 24, "as the windows came: each join is a little off", bold=True)
    d.text(410, 24, "a place seen again: submaps move as wholes", bold=True)
    _ring(d, (190, 160), drift=0.06)
    _ring(d, (570, 160), drift=0.0)
    d.line([(292, 160), (325, 160)], colour="#c53030", width=3)
    d.text(200, 278, "red: the loop says that these two ends are one place", middle=True, size=12)
    d.text(570, 278, "no stored depth or point changes, only where each submap lies", middle=True, size=12)
    d.arrow([(345, 160), (415, 160)])
    d.save("correction.svg")


def _ring(d: Drawing, middle: Point, drift: float) -> None:
    """Eight submaps round a block; `drift` is how much the ring opens from one to the next, as a share."""
    for k in range(8):
        angles = [2 * math.pi * (k + part / 6) / 8 for part in range(7)]
        points = [_on_ring(middle, angle, 95 * (1 + drift * angle)) for angle in angles]
        d.line(points, colour=EDGES[k % 3], width=7)
        d.dot(*_middle(points), 3, "#fff")


def _on_ring(middle: Point, angle: float, radius: float) -> Point:
    return middle[0] + radius * math.cos(angle), middle[1] + 0.8 * radius * math.sin(angle)


def _middle(points: Sequence[Point]) -> Point:
    return points[len(points) // 2]


def main() -> None:
    """Write the files."""
    draw_windows()
    draw_parallax()
    draw_correction()


if __name__ == "__main__":
    main()
