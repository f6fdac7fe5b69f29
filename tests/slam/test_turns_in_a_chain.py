"""Drives before and after windows of turns are one segment, and the scale goes on by the depth that is seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from da3_stream.slam.chain import SubmapChain
from da3_stream.slam.neighbours import RecentSubmap
from da3_stream.slam.splitting import SubmapGeometry
from da3_stream.store import Scene
from da3_stream.types import Status, WindowGeometry
from tests.worlds.street import street_window, world_from_camera

STOP = 10  # the frame at which the camera stops and turns, until it drives on from there


def with_turn(window: WindowGeometry, turned: slice) -> WindowGeometry:
    """The window with frames that are where frame `STOP` is, turned by two degrees each; no depth of them."""
    rows = np.arange(len(window.frame_indices))[turned]
    depth, status = window.depth.copy(), [window.status] * len(window.frame_indices)
    depth[rows], status[turned] = 0, [Status.TURNED] * len(rows)
    whole = len(rows) == len(window.frame_indices)
    return replace(window, depth=depth, frame_status=tuple(status), status=Status.TURNED if whole else window.status)


def windows(unit: float) -> list[WindowGeometry]:
    """A drive that ends in a turn, a turn, and a drive in another unit that begins with a turn."""
    poses = np.stack([world_from_camera(min(k, STOP)) for k in range(40)])
    poses[30:] = [world_from_camera(k - 20) for k in range(30, 40)]
    out = []
    for first, end, turned, scale in (
        (0, 16, slice(11, 16), 1.0),
        (12, 26, slice(0, 14), 1.0),
        (20, 40, slice(0, 10), unit),
    ):
        window = street_window(first, end)
        local = np.linalg.inv(poses[first]) @ poses[first:end]
        local[:, :3, 3] /= scale
        out.append(with_turn(replace(window, window_from_camera=local, depth=window.depth / np.float32(scale)), turned))
    return out


def chained(parts: list[WindowGeometry]) -> Scene:
    scene, chain = Scene(), SubmapChain(4)
    for number, window in enumerate(parts):
        scene = chain.add_window(scene, number, [SubmapGeometry(window, np.ones(len(window.depth), bool))]).scene
        chain.restore(chain.state())
    return scene


def test_a_drive_a_turn_and_a_drive_are_one_segment() -> None:
    scene = chained(windows(unit=1.0))
    assert len(scene.segments()) == 1 and [submap.previous for submap in scene.submaps] == [None, 0, 1]
    centre = scene.submaps[2].world_from_window.translation
    np.testing.assert_allclose(centre, world_from_camera(STOP)[:3, 3], atol=1e-3)


def test_the_scale_after_a_turn_is_that_of_the_depth_before_it_whatever_the_unit() -> None:
    scales = [chained(windows(unit)).submaps[2].world_from_window.scale / unit for unit in (0.25, 1.0, 5.0)]
    np.testing.assert_allclose(scales, scales[0], rtol=1e-5)
    assert 0.5 < scales[0] < 2.0


def test_a_recent_submap_keeps_which_frames_turn() -> None:
    window = windows(1.0)[0]
    again = RecentSubmap.from_state(RecentSubmap(0, window, True).state())
    assert again.geometry.frame_status == window.frame_status
