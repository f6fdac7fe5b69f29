"""A scene of splats that any viewer can open, beside the picture that the package draws of it.

python -m benchmarks.rendering.known_scene FOLDER writes known.ply (harmonics of degree 2), known.png and known.json:
the camera, and the mean colour of the picture.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from da3_stream.rendering import Rendering, render
from da3_stream.types.splat_rows import splat_ply_header, splat_rows
from tests.worlds.splats import random_gaussians, small_camera

SIZE = (320, 240)


def write_known_scene(folder: Path) -> tuple[Rendering, dict[str, Any]]:
    """Write the three files; the picture, and what known.json says: `camera_from_world` [4,4] (OpenCV axes),
    `intrinsics` [3,3], `size`, and `mean_colour` [3] from 0 to 255 over black."""
    gaussians, (pose, k, size) = random_gaussians(2000, size=0.03), small_camera(*SIZE)
    drawn = render(gaussians, pose, k, size, device="cpu")
    picture = np.rint(drawn.colour.clip(0, 1) * 255).astype(np.uint8)
    bands = gaussians.harmonics.shape[-1] - 1
    folder.mkdir(parents=True, exist_ok=True)
    header = splat_ply_header(len(gaussians), bands)
    (folder / "known.ply").write_bytes(header + splat_rows(gaussians, bands).tobytes())
    cv2.imwrite(str(folder / "known.png"), picture[..., ::-1])
    mean = picture.reshape(-1, 3).mean(axis=0).tolist()
    said = {"camera_from_world": pose.tolist(), "intrinsics": k.tolist(), "size": size, "mean_colour": mean}
    (folder / "known.json").write_text(json.dumps(said, indent=1) + "\n")
    return drawn, said


if __name__ == "__main__":
    write_known_scene(Path(sys.argv[1]))
