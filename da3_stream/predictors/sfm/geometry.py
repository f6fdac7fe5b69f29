"""From the cameras of a window to its geometry: images without distortion, and dense depth over the workers."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...geometry.lens import Lens, Straightener
from ...geometry.masks import Mask, convert_masks
from ...types import Frame, WindowGeometry
from .depth import DepthTask, dense_depth, depth_tasks
from .flow_links import Gray
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


def window_geometry(
    frames: Sequence[Frame],
    grays: Sequence[Gray],
    solution: CameraSolution,
    place_starts: Sequence[int],
    workers: Workers,
) -> WindowGeometry:
    """The frames with their cameras and dense depth.

    `place_starts` are the rows at which another place begins: no depth comes from frames of two places.
    """
    cameras, lens = solution.cameras, solution.lens
    straighten = Straightener(lens, (grays[0].shape[1], grays[0].shape[0]))
    masks = convert_masks([frame.mask for frame in frames], straighten.mask)
    straight = [straighten(gray) for gray in grays]
    depth, confidence = _window_depth(straight, masks, solution, place_starts, workers)
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


def _window_depth(
    grays: Sequence[Gray],
    masks: tuple[Mask | None, ...],
    solution: CameraSolution,
    place_starts: Sequence[int],
    workers: Workers,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Depth and confidence [N,H,W] of all frames with a measured pose, 0 for the others."""
    shape = (len(grays), *grays[0].shape)
    depth, confidence = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    if not solution.flow_stride:
        return depth, confidence
    cameras = solution.cameras
    poses = np.where(cameras.measured[:, None, None], cameras.poses, np.nan)
    window = DepthTask(grays, poses, solution.lens.matrix(), range(len(grays)), masks=masks)
    tasks = depth_tasks(window, place_starts, solution.flow_stride)
    futures = [(rows, workers.submit(dense_depth, task)) for rows, task in tasks]
    for rows, future in futures:
        of_piece = slice(rows.start, rows.stop, rows.step)
        depth[of_piece], confidence[of_piece] = future.result()
    return depth, confidence
