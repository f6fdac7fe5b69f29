"""A picture of a city's graph: its districts and separators, and a few streets before and after the solution."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.city.dissection import dissect
from benchmarks.city.graph import SMALLEST
from benchmarks.city.hierarchy import Hierarchy
from benchmarks.city.judging import near_enough
from benchmarks.city.world import BLOCK, Array, City, make_city
from benchmarks.common import tell, workplace
from da3_stream.geometry import Sim3Array

GAP = "#d9d9d9"


def main() -> None:
    """Solve a city by hierarchy and draw it."""
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    command.add_argument("picture", type=Path, help="the file, .png")
    command.add_argument("--runs", type=int, default=600)
    command.add_argument("--cuts", type=int, default=4, help="two to the power of this are the districts")
    options = command.parse_args()
    city = make_city(options.runs)
    start, believed = city.start(), near_enough(city, city.start())
    root = dissect(start.translation[:, :2], city.ends, SMALLEST)
    hierarchy = Hierarchy.of(city, root, options.cuts)
    with workplace(None) as folder:
        solved = hierarchy.solve(start, believed.astype(np.float64), folder)
    draw(hierarchy, start, solved.state, options.picture)
    tell(f"error {city.error(start):.2f} m before, {city.error(solved.state):.2f} m after")


def draw(hierarchy: Hierarchy, before: Sim3Array, after: Sim3Array, path: Path) -> None:
    """The whole city by district on the left, four blocks before and after on the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 5.4), dpi=110, layout="constrained")
    whole, left, right = figure.subplots(1, 3, width_ratios=[1, 1, 1])
    _districts(whole, hierarchy, after)
    for axes, state, title in ((left, before, "every run alone"), (right, after, "all together")):
        _streets(axes, hierarchy.city, state)
        axes.set_title(
            f"{title}: {hierarchy.city.error(state):.1f} m off (root mean square);\nred: from the true place"
        )
    figure.savefig(path)


def _districts(axes: Any, hierarchy: Hierarchy, state: Sim3Array) -> None:
    from matplotlib.collections import LineCollection

    city, place = hierarchy.city, state.translation[:, :2]
    chains = city.ends[~city.loop]
    district = np.full(len(city), -1)
    for k, job in enumerate(hierarchy.districts):
        district[np.concatenate([part.own for part in job.parts])] = k
    of_chains = district[chains].max(axis=1)  # one beside a separator is its district's
    colours = [_colour(int(k)) if k >= 0 else (0.0, 0.0, 0.0) for k in of_chains]
    axes.add_collection(LineCollection(place[chains], colors=colours, linewidths=1.8))
    separator = place[hierarchy.separator()]
    axes.scatter(*separator.T, s=10, color="black", linewidths=0, zorder=3)
    axes.autoscale()
    axes.set_title(
        f"{city.run[-1] + 1} runs, {len(city)} submaps: {len(hierarchy.districts)} districts,\n"
        f"{len(separator)} submaps of separators (black)"
    )
    _metres(axes)


def _streets(axes: Any, city: City, state: Sim3Array) -> None:
    """The runs around the middle of the city, with a line from each submap to its true place."""
    from matplotlib.collections import LineCollection

    middle = BLOCK * np.round(np.median(city.truth.translation[:, :2], axis=0) / BLOCK)
    place: Array = state.translation[:, :2]
    for line in range(-2, 3):
        for at, draw_line in ((middle[0], axes.axvline), (middle[1], axes.axhline)):
            draw_line(at + line * BLOCK, color=GAP, linewidth=6, zorder=0)
    errors = np.stack([city.truth.translation[:, :2], place], axis=1)
    axes.add_collection(LineCollection(place[city.ends[~city.loop]], colors="#2b6cb0", linewidths=0.8))
    axes.add_collection(LineCollection(errors, colors="#c53030", linewidths=2.5))
    axes.scatter(*place.T, s=9, color="black", zorder=3, linewidths=0)
    axes.set_xlim(middle[0] - 1.3 * BLOCK, middle[0] + 1.3 * BLOCK)
    axes.set_ylim(middle[1] - 1.3 * BLOCK, middle[1] + 1.3 * BLOCK)
    _metres(axes)


def _metres(axes: Any) -> None:
    axes.set_aspect("equal")
    axes.set_xlabel("m")


def _colour(k: int) -> tuple[float, float, float]:
    """Colours that neighbours in the order of districts do not share."""
    from matplotlib.colors import hsv_to_rgb

    hue = (k * 0.61803) % 1.0
    red, green, blue = hsv_to_rgb((hue, 0.55 + 0.25 * (k % 2), 0.85))
    return float(red), float(green), float(blue)


if __name__ == "__main__":
    main()
