"""The options of `predict` that only pass a setting on: those of `run` that pictures have, and their cameras."""

from __future__ import annotations

from dataclasses import replace

from .run import CAMERA, MODEL, RUN, absolute
from .table import Option

OF_RUN = (
    *("model", "intrinsics", "hfov_deg", "mask", "every", "fps", "start", "end", "max_frames", "device", "vram_gb"),
    *("voxel_m", "max_points", "scale", "gaussians"),
)

PREDICT = (
    *(replace(option, before="") for option in RUN if option.name in OF_RUN),
    Option(
        "cameras",
        "camera.cameras",
        str,
        "Poses and lenses of the pictures: a COLMAP model's folder, a run directory, transforms.json, an .npz, or a "
        "list of poses (with --intrinsics).",
        "DIR|FILE",
        read=absolute,
        panel=CAMERA,
    ),
    Option(
        "resolution",
        "model.resolution",
        int,
        "Longest side of the pictures that the network looks at; default 504.",
        "N",
        panel=MODEL,
    ),
)
