"""A report read back: its figures by name, its lines as values."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da3_stream.report.sections.chart import BOX


@dataclass
class Figure:
    """A <data> of the page: its name, its exact value, and what people see."""

    name: str
    value: Any
    text: str = ""


@dataclass
class ReadReport(HTMLParser):
    """What a program finds in a report."""

    page: str
    figures: list[Figure] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: Figure | None = None
        self.feed(self.page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.tags.append((tag, known))
        if tag == "data":
            self._open = Figure(known["data-fact"], json.loads(known["value"]))
            self.figures.append(self._open)

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "data":
            self._open = None

    def value(self, name: str) -> Any:
        """The value of a figure."""
        return next(figure.value for figure in self.figures if figure.name == name)

    def line(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The values of a chart's line, as its edges and its places tell them."""
        k = next(k for k, (_, attrs) in enumerate(self.tags) if attrs.get("data-name") == name)
        svg = next(attrs for tag, attrs in reversed(self.tags[:k]) if tag == "svg")
        places = np.array(re.findall(r"[-\d.]+", self.tags[k][1]["d"]), float).reshape(-1, 2)
        (x0, x1), (y0, y1) = (map(float, svg[key].split()) for key in ("data-x", "data-y"))
        left, top, right, bottom = BOX
        x = x0 + (places[:, 0] - left) / (right - left) * (x1 - x0)
        return x, y0 + (places[:, 1] - bottom) / (top - bottom) * (y1 - y0)

    def ways(self) -> list[NDArray[np.float64]]:
        """The paths of each map, as its limits and its places tell them."""
        found, limits, height = [], np.zeros((2, 2)), 0.0
        for tag, attrs in self.tags:
            if tag == "svg" and "data-limits" in attrs:
                limits = np.array(attrs["data-limits"].split(), float).reshape(2, 2)
                _, _, width, height = map(float, attrs["viewbox"].split())
            if tag == "path" and "data-rows" in attrs:
                places = np.array(re.findall(r"[-\d.]+", attrs["d"]), float).reshape(-1, 2)
                per_unit = width / (limits[0, 1] - limits[0, 0])
                found.append(limits[:, 0] + np.stack([places[:, 0], height - places[:, 1]], 1) / per_unit)
        return found
