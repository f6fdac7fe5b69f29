"""From the cameras of a window to its geometry: images without distortion, and dense depth over the workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...geometry.lens import Lens, Straightener
from ...geometry.masks import convert_masks
from ...types import Frame, WindowGeometry
from .depth import DepthTask, counts_for_depth, dense_depth, depth_task, depth_tasks, enlarge_depth
from .flow_links import Gray, Map
from .mapping.assemble import WindowCameras
from .mapping.lens_switch import LensSwitch
from .mapping.lens_watch import LensReading
from .mapping.turned_cameras import turning_advice
from .processes.workers import Workers


@dataclass(frozen=True, eq=False)
class CameraSolution:
    """Cameras of a window, the lens they hold for, how many rows lie between frames whose optical flow gives dense
    depth (0 where no depth is wanted), and what the window says of its lens, where it is asked."""

    cameras: WindowCameras
    lens: Lens
    flow_stride: int
    reading: Future[LensReading | None] | None = None
    switches: tuple[LensSwitch, ...] = ()

    @property
    def lens_changes(self) -> bool:
        """Whether the lens is another one at times, as far as the window tells; waits for what it says."""
        reading = None if self.reading is None else self.reading.result()
        return bool(self.switches) or (reading is not None and reading.changes)


def window_geometry(
    frames: Sequence[Frame],
    grays: Sequence[Gray],
    solution: CameraSolution,
    place_starts: Sequence[int],
    workers: Workers,
    flow_scale: int,
) -> WindowGeometry:
    """The frames with their cameras and dense depth.

    `place_starts` are the rows at which another place begins: no depth comes from frames of two places. Flow is
    measured in images that are halved `flow_scale` times.
    """
    cameras, lens = solution.cameras, solution.lens
    straighten = Straightener(lens, (grays[0].shape[1], grays[0].shape[0]))
    masks = convert_masks([frame.mask for frame in frames], straighten.mask)
    straight = [straighten(gray) for gray in grays]
    window = depth_task(straight, _measured_poses(cameras), lens.matrix(), flow_scale)
    depth, confidence = (np.zeros((len(frames), *straight[0].shape), np.float32) for _ in range(2))
    for row, found in _window_depth(window, solution.flow_stride, place_starts, workers):
        depth[row], confidence[row] = enlarge_depth(*found, straight[0].shape[::-1])
    for row, counts in enumerate(convert_masks(masks, counts_for_depth)):
        if counts is not None:
            depth[row][~counts] = confidence[row][~counts] = 0
    return WindowGeometry(
        frame_indices=np.array([frame.index for frame in frames], np.int64),
        images=np.stack([straighten(frame.image) for frame in frames]),
        depth=depth,
        confidence=confidence,
        intrinsics=np.tile(lens.matrix(), (len(frames), 1, 1)),
        window_from_camera=cameras.poses,
        is_metric=False,
        status=cameras.status,
        breaks=cameras.breaks,
        notes=cameras.notes,
        masks=masks,
        witnesses=cameras.witnesses,
        frame_status=cameras.frame_status,
        advice=turning_advice(frames, cameras),
    )


def _measured_poses(cameras: WindowCameras) -> NDArray[np.float64]:
    """Poses [N,4,4], NaN where they are not measured: no depth comes from those."""
    return np.where(cameras.measured[:, None, None], cameras.poses, np.nan)


def _window_depth(
    window: DepthTask, stride: int, place_starts: Sequence[int], workers: Workers
) -> Iterator[tuple[int, tuple[Map, Map]]]:
    """Row, depth and confidence [h,w] of the frames of a window, of none without a stride."""
    tasks = depth_tasks(window, place_starts, stride) if stride else ()
    futures = [(rows, workers.submit(dense_depth, task)) for rows, task in tasks]
    for rows, future in futures:
        yield from zip(rows, zip(*future.result(), strict=True), strict=True)
