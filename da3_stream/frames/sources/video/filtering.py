"""One frame through FFmpeg's filters."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

ANY_TIME_BASE = Fraction(1, 1000)  # of frames without times, which no filter here asks for


def filter_frame(frame: Any, *filters: tuple[str, str]) -> Any:
    """What filters (name, arguments) make of a single frame; each must give one frame for each that it takes."""
    from av.filter import Graph

    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or ANY_TIME_BASE
    )
    steps = [graph.add(name, arguments) for name, arguments in filters]
    graph.link_nodes(source, *steps, graph.add("buffersink")).configure()
    graph.push(frame)
    return graph.pull()
