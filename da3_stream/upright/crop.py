"""What a run's export is cropped to: a box or ball that is given, or what the cameras circle."""

from __future__ import annotations

import numpy as np

from ..cloud import Ball, Crop, FileAxes, read_region
from ..errors import ExportError
from ..store import RunReader
from .circled import circled
from .of_run import largest_segment_poses


def crop_of_run(reader: RunReader, text: str | None, axes: FileAxes) -> Crop | None:
    """The crop that a text says, in the coordinates of a file with these axes; None where there is no text.

    Raises ExportError for "object" where the cameras circle nothing.
    """
    if text is None:
        return None
    region = read_region(text) or _in_file(object_of_run(reader), axes)
    return Crop(region, axes.file_from_world)


def object_of_run(reader: RunReader) -> Ball:
    """The ball in the run's world that nearly all cameras show whole, about the place that they circle.

    Raises ExportError where they circle nothing.
    """
    found = circled(largest_segment_poses(reader.poses))
    if found is None:
        raise ExportError(
            f"the cameras of {reader.path} circle nothing, so there is no object to crop to: their views do not "
            "meet in one place, or see it from one side only; give --crop box:... or sphere:..."
        )
    return Ball(found.centre, found.nearest * float(np.sin(_half_view(reader))))


def _in_file(ball: Ball, axes: FileAxes) -> Ball:
    return Ball(axes.apply(ball.centre), ball.radius * axes.file_from_world.scale)


def _half_view(reader: RunReader) -> float:
    """Half of the smaller field of view, in rad."""
    k = reader.poses.intrinsics[np.isfinite(reader.poses.intrinsics).all(axis=(1, 2))]
    width, height = reader.input_size
    return float(np.median(np.arctan(np.minimum(width / k[:, 0, 0], height / k[:, 1, 1]) / 2)))
