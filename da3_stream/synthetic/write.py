"""A town on disk: the video and its ground truth, relative to the first camera as everywhere in the project."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..errors import SyntheticError
from .town import Town

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

_TIME_BASE = Fraction(1, 90000)


def write_town(
    town: Town, folder: str | Path, *, depth: bool = False, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Render a town into a folder and return it; `progress(done, total)` is called after every frame.

    Files: town.mp4 (H.264, true timestamps), groundtruth.tum and groundtruth_kitti.txt (world is the first camera),
    intrinsics.txt (fx fy cx cy, first pixel centre at 0) and, if asked for, depth/000000.npy ... (float32, metres along
    z, 0 = sky). Raises SyntheticError where the size is odd (H.264 halves colour) or the folder cannot be written.
    """
    if town.size[0] % 2 or town.size[1] % 2:
        raise SyntheticError(f"a video needs an even width and height, not {town.size[0]}x{town.size[1]}")
    folder = Path(folder)
    try:
        (folder / "depth" if depth else folder).mkdir(parents=True, exist_ok=True)
        _write_truth(town, folder)
        _write_frames(town, folder, depth, progress)
    except OSError as error:
        raise SyntheticError(f"the town cannot be written to {folder}: {error}; choose another folder") from error
    return folder


def _write_truth(town: Town, folder: Path) -> None:
    poses = first_from_camera(town.path.world_from_camera)
    quaternions = Rotation.from_matrix(poses[:, :3, :3]).as_quat(canonical=True)
    rows = np.column_stack([town.path.timestamps, poses[:, :3, 3], quaternions])
    np.savetxt(folder / "groundtruth.tum", rows, "%.9f", header="timestamp tx ty tz qx qy qz qw (world: first camera)")
    np.savetxt(folder / "groundtruth_kitti.txt", poses[:, :3].reshape(-1, 12), "%.12g")
    (fx, _, cx), (_, fy, cy), _ = town.intrinsics
    header = "fx fy cx cy in pixels, the first pixel's centre at 0"
    np.savetxt(folder / "intrinsics.txt", [[fx, fy, cx - 0.5, cy - 0.5]], "%.9g", header=header)


def first_from_camera(world_from_camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """Poses [N,4,4] relative to the first of them."""
    return np.linalg.inv(world_from_camera[0]) @ world_from_camera


def _write_frames(town: Town, folder: Path, depth: bool, progress: Callable[[int, int], None] | None) -> None:
    import av

    with av.open(str(folder / "town.mp4"), "w") as video:
        stream = _video_stream(video, town)
        for i, frame in enumerate(town):
            video_frame = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
            video_frame.pts, video_frame.time_base = round(frame.timestamp / _TIME_BASE), _TIME_BASE
            video.mux(stream.encode(video_frame))
            if depth:
                np.save(folder / "depth" / f"{i:06d}.npy", frame.depth)
            if progress:
                progress(i + 1, len(town))
        video.mux(stream.encode())


def _video_stream(video: OutputContainer, town: Town) -> VideoStream:
    times = town.path.timestamps
    rate = round((len(times) - 1) / (times[-1] - times[0])) if len(times) > 1 else 10
    stream = video.add_stream("libx264", rate=rate, options={"crf": "12", "preset": "veryfast"})
    stream.width, stream.height = town.size
    stream.pix_fmt, stream.time_base = "yuv420p", _TIME_BASE
    stream.codec_context.time_base = _TIME_BASE
    return stream
