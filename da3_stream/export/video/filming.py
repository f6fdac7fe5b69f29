"""A film of whatever can be drawn from a camera."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...store import RunReader
from ...types import Float64
from ..depth.colour_scale import depth_scale
from ..film import QUALITIES, write_film
from ..options import FlightOptions
from ..progress import Progress
from .flight import Flight
from .panels import Panels

if TYPE_CHECKING:
    from ...rendering import Rendering

Draw = Callable[[Float64, Float64, tuple[int, int]], "Rendering"]  # camera_from_world [4,4], K [3,3], (width, height)


def film(reader: RunReader, path: Path, options: FlightOptions, flight: Flight, draw: Draw, progress: Progress) -> str:
    """Draw every picture of a flight and write it; a line for people. The file's comment tells the scale of the depth.

    Raises ExportError as `write_film`, and where the run has no depth.
    """
    scale, cameras = depth_scale(reader, options.colours), flight.path
    panels = Panels(scale, options.depth)
    pairs = zip(cameras.camera_from_world, cameras.intrinsics, strict=True)
    drawn = (draw(pose, k, cameras.size) for pose, k in progress.each("pictures", pairs, len(cameras)))
    images = (panels.picture(one.colour, one.depth, one.alpha) for one in drawn)
    told = scale.summary(reader.units)
    write_film(path, images, panels.size(cameras.size), flight.rate, told, QUALITIES[options.quality])
    width, height = cameras.size
    count = f"{len(cameras)} pictures of {width}x{height} at {float(flight.rate):.4g} a second, {options.path}"
    legend = "" if options.depth == "none" else f"; {told}"
    others = f"; {flight.left_out} frames of other segments left out" if flight.left_out else ""
    return count + legend + others
