"""A short run through the synthetic town whose geometry is exact, from a folder of pictures or a video of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from da3_stream import pipeline
from da3_stream.geometry import resize_intrinsics
from da3_stream.reconstruction import Reconstruction
from da3_stream.settings import Settings
from da3_stream.store.files import json_page, read_json
from da3_stream.synthetic import Town
from da3_stream.synthetic.town import TownFrame
from da3_stream.types import Frame, WindowGeometry
from tests.worlds.towns import street, street_frame

FRAMES = 14
SIZE, SEEN = (240, 180), (120, 90)  # of the pictures, and of the depth maps


def town() -> Town:
    return street(SIZE)


def frame(index: int) -> TownFrame:
    return street_frame(index, SIZE)


class Truth:
    """Predicts the town's own geometry at half the pictures' size; `noise` metres of error in every camera's place."""

    name = "truth"
    image_side = SEEN[0]

    def __init__(self, noise: float = 0.0) -> None:
        self.noise = noise

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        indices = np.array([given.index for given in frames])
        seen = [frame(index) for index in indices.tolist()]
        poses = np.stack([one.world_from_camera for one in seen])
        depth = np.stack([one.depth[1::2, 1::2] for one in seen])  # off by half a pixel of the picture
        poses[:, :3, 3] += [np.random.default_rng(index).normal(scale=self.noise, size=3) for index in indices]
        return WindowGeometry(
            frame_indices=indices,
            images=np.stack([given.image for given in frames]),
            depth=depth,
            confidence=(depth > 0).astype(np.float32),
            intrinsics=np.tile(resize_intrinsics(town().intrinsics, SIZE, SEEN), (len(seen), 1, 1)),
            window_from_camera=np.linalg.inv(poses[0]) @ poses,
            is_metric=True,
        )


def write_pictures(folder: Path, suffix: str) -> Path:
    """The first frames as image files."""
    folder.mkdir()
    for index in range(FRAMES):
        cv2.imwrite(str(folder / f"{index:03d}{suffix}"), frame(index).image[..., ::-1])
    return folder


def write_video(path: Path, pictures: Sequence[NDArray[np.uint8]]) -> Path:
    import av

    with av.open(str(path), "w") as video:
        stream = video.add_stream("libx264", rate=10, options={"crf": "8"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for picture in pictures:
            video.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        video.mux(stream.encode())
    return path


def run_town(source: Path, out: Path, predictor: Truth) -> Path:
    stages = {"windows": {"size": 9, "overlap": 4}, "frames": {"gate": "off"}, "cloud": {"per_pixel": None}}
    settings = Settings.build(stages)
    return pipeline.run(source, out, settings, predictor)


def with_distortion(run: Path, k1: float) -> Path:
    """The run, saying that its lens bends."""
    status = read_json(run / "run.json")
    status["camera"] = {**(status.get("camera") or {}), "k1": k1, "corner_shift_px": 5.0}
    (run / "run.json").write_text(json_page(status))
    return run


def scene_point(rec: Reconstruction, at: int, seen_from: int, k1: float = 0.0) -> tuple[NDArray, NDArray]:
    """A point of the world that frame `at` sees, and the pixel of the input on which another frame has it."""
    depth, k = frame(at).depth, rec.intrinsics[at]
    ray = np.linalg.inv(k) @ [60.5, 120.5, 1.0]
    point = rec.world_from_camera[at] @ [*(ray * depth[120, 60]), 1.0]
    local = np.linalg.inv(rec.world_from_camera[seen_from]) @ point
    x, y = local[:2] / local[2]
    bend = 1 + k1 * (x * x + y * y)
    return point[:3], (rec.intrinsics[seen_from] @ [x * bend, y * bend, 1.0])[:2]
