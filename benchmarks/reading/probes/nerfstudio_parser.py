"""What nerfstudio's own dataparser makes of a folder: nerfstudio_parser.py PACKAGES FOLDER.

Poses as it trains on them, without its centring and scaling, and its seeds.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from nerfstudio.data.dataparsers.nerfstudio_dataparser import NerfstudioDataParserConfig  # noqa: E402


def main(folder: str) -> None:
    """Print JSON."""
    config = NerfstudioDataParserConfig(
        data=Path(folder),
        orientation_method="none",
        center_method="none",
        auto_scale_poses=False,
        scale_factor=1.0,
        eval_mode="all",
        load_3D_points=True,
        downscale_factor=1,
    )
    outputs = config.setup().get_dataparser_outputs(split="train")
    cameras, seeds = outputs.cameras, outputs.metadata.get("points3D_xyz")
    distortion = cameras.distortion_params
    found = {
        "files": [str(path) for path in outputs.image_filenames],
        "camera_to_world": cameras.camera_to_worlds.tolist(),
        "k": [
            [float(each[i]) for each in (cameras.fx, cameras.fy, cameras.cx, cameras.cy)] for i in range(len(cameras))
        ],
        "distortion": None if distortion is None else distortion.tolist(),
        "transform": outputs.dataparser_transform.tolist(),
        "points": 0 if seeds is None else len(seeds),
        "depth_scale": outputs.metadata.get("depth_unit_scale_factor"),
        "depth_files": [str(path) for path in outputs.metadata.get("depth_filenames") or ()],
        "masks": [str(path) for path in outputs.mask_filenames or ()],
    }
    print(json.dumps(found))


main(sys.argv[2])
