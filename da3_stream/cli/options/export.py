"""The options of `export` that only pass a value on.

A new one takes a field in `export/options.py` and, if --set is not enough for it, a row here.
"""

from __future__ import annotations

from typing import Literal

from .table import Option

EXPORT = (
    Option("frames", "frames", str, "Frames of the input from A to before B.", "A:B"),
    Option("every", "every", int, "Every n-th of them."),
    Option(
        "axes",
        "axes",
        Literal["world", "upright", "map"],
        "Of the file: of the first camera, turned upright, or east-north-up where the run is located.",
    ),
    Option(
        "crop",
        "crop",
        str,
        "Of a cloud or mesh: box:X,Y,Z,X,Y,Z (two corners) or sphere:X,Y,Z,RADIUS in the file's coordinates, or "
        "object, what the cameras circle.",
        "REGION",
    ),
    Option("voxel_m", "voxel_m", float, "Edge of a voxel in metres."),
    Option("max_points", "max_points", int, "At most this many points."),
    Option("confidence", "confidence", float, "Share of the least confident points left out."),
    Option("resolution", "resolution", Literal["input", "model"], "Of the pictures."),
    Option("undistort", "undistort", bool, "Remove the lens's distortion from the pictures."),
    Option("seeds", "seeds", int, "Points of the cloud in points3D.bin, for splats (3dgs, colmap)."),
    Option("refine", "refine", bool, "Bundle adjustment of a COLMAP model."),
    Option(
        "unknown", "unknown", Literal["nan", "omit", "interpolate"], "What a trajectory has for frames without a pose."
    ),
    Option(
        "altitude",
        "altitude",
        Literal["auto", "absolute", "relative", "clamp", "ellipsoid"],
        "Heights in files for maps: over the sea, the first camera, none, over the ellipsoid.",
    ),
)
