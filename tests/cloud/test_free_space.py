"""A wall at z = 10 with a thin post before it, seen by two windows; and what does not belong there."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.cloud import Points, read_ply, write_merged_cloud, write_page
from da3_stream.cloud.fusion.depth_views import inverse_depth_blocks
from da3_stream.errors import StoreError
from da3_stream.geometry import Sim3, intrinsics_matrix
from da3_stream.settings import CloudSettings
from da3_stream.store import Scene, Submap, SubmapFrames, create_run, read_run_geometry, write_submap
from da3_stream.types import WindowGeometry

SIZE = (192, 128)
K = intrinsics_matrix(150.0, 150.0, 96.0, 64.0)
POST = 10  # columns 91 to 100 of the middle camera see it, at a depth of 5: a third of a metre
FRAMES = 6
SETTINGS = CloudSettings(voxel_m=0.05)


def seen_depth(x: float, closer: float) -> np.ndarray:
    """Depth of a camera at (x, 0, closer) that looks along z."""
    depth = np.full((SIZE[1], SIZE[0]), 10.0 - closer, np.float32)
    near = 5.0 - closer
    columns = K[0, 2] + K[0, 0] * (np.array([-0.17, 0.17]) - x) / near
    depth[:, int(columns[0]) : int(columns[1])] = near
    return depth


def a_run(path, extra: np.ndarray, from_submap: int = 0):
    """Two windows of six cameras each, the second 1 m nearer; the pages hold wall, post and `extra` points [M,3]."""
    run, scene = create_run(path), Scene("metres")
    for submap in range(2):
        poses = np.tile(np.eye(4), (FRAMES, 1, 1))
        poses[:, 0, 3], poses[:, 2, 3] = np.linspace(-1, 1, FRAMES), submap
        depth = np.stack([seen_depth(x, submap) for x in poses[:, 0, 3]])
        frames = np.arange(FRAMES) + FRAMES * submap
        geometry = WindowGeometry(
            frames,
            np.zeros((*depth.shape, 3), np.uint8),
            depth,
            np.ones_like(depth),
            np.tile(K, (FRAMES, 1, 1)),
            poses,
            True,
        )
        write_submap(run, submap, SubmapFrames.from_geometry(geometry, frames / 10, np.ones(FRAMES, bool), SIZE))
        write_page(run, submap, page(frames[0], extra if submap == from_submap else extra[:0]))
        scene = scene.with_submap(Submap(submap, 0, (int(frames[0]), int(frames[-1])), Sim3.identity()))
    run.write_scene(scene)
    return run


def wall() -> np.ndarray:
    x, y = np.meshgrid(np.arange(-2, 2, 0.06), np.arange(-1.5, 1.5, 0.06))
    return np.stack([x.ravel(), y.ravel(), np.full(x.size, 10.01)], axis=-1)


def post() -> np.ndarray:
    x, y = np.meshgrid(np.arange(-0.12, 0.13, 0.06), np.arange(-1, 1, 0.06))
    return np.stack([x.ravel(), y.ravel(), np.full(x.size, 5.01)], axis=-1)


def page(frame: int, extra: np.ndarray) -> Points:
    xyz = np.concatenate([wall(), post(), extra]).astype(np.float32)
    count = len(xyz)
    return Points(xyz, np.zeros((count, 3), np.uint8), np.full(count, frame, np.int32), np.ones(count, "f4"), 0.05)


def merged(run, **changes) -> np.ndarray:
    write_merged_cloud(run, read_run_geometry(run), SETTINGS.model_copy(update=changes))
    return read_ply(run.path / "cloud.ply")[0]


def of_ghost(xyz: np.ndarray) -> int:
    return int(((xyz[:, 2] > 5.5) & (xyz[:, 2] < 9.7)).sum())


GHOST = wall()[::3] * [0.6, 0.6, 0] + [0.8, 0, 9.3]


def test_a_ghost_in_free_space_goes_and_true_surfaces_stay(tmp_path):
    run = a_run(tmp_path / "run", GHOST)
    before, after = merged(run, fusion="off"), merged(run)
    assert of_ghost(before) > 500 and of_ghost(after) == 0
    assert len(after) == len(before) - of_ghost(before)


def test_a_thin_post_stays(tmp_path):
    xyz = merged(a_run(tmp_path / "run", GHOST))
    assert (xyz[:, 2] < 5.5).sum() == len(post())


def test_what_no_better_view_sees_stays(tmp_path):
    """Behind the wall, and beside all images."""
    hidden = np.concatenate([wall() + [0, 0, 3], wall() + [60, 0, -5]])
    before, after = (merged(a_run(tmp_path / name, hidden), fusion=name) for name in ("off", "ghosts"))
    np.testing.assert_array_equal(np.sort(before, axis=0), np.sort(after, axis=0))


def test_equal_runs_give_equal_bytes(tmp_path):
    files = []
    for name in "ab":
        run = a_run(tmp_path / name, GHOST)
        merged(run)
        files.append((run.path / "cloud.ply").read_bytes())
    assert files[0] == files[1]


def test_a_missing_submap_is_one_sentence(tmp_path):
    run = a_run(tmp_path / "run", GHOST)
    geometry = read_run_geometry(run)
    run.submap_path(1).unlink()
    with pytest.raises(StoreError, match="000001.npz is missing"):
        write_merged_cloud(run, geometry, SETTINGS)


def test_inverse_depth_follows_a_plane_and_takes_the_nearest_at_an_edge():
    column = np.arange(40) + 0.5
    plane = np.tile((1 / (0.1 + 0.001 * column)).astype(np.float32), (24, 1))
    found = inverse_depth_blocks(plane, 4)
    np.testing.assert_allclose(found[:, 1:-1, 0], 0.1 + 0.004 * np.tile(np.arange(1, 9) + 0.5, (6, 1)), rtol=1e-3)
    np.testing.assert_allclose(found[:, 1:-1, 1], 0.004, rtol=1e-2)
    post = np.full((24, 40), 10.0, np.float32)
    post[:, 21] = 2.0
    found = inverse_depth_blocks(post, 4)
    np.testing.assert_allclose(found[:, 4:7, 0], 0.5)
    np.testing.assert_allclose(found[:, :4, 0], 0.1)


def test_blocks_with_an_unknown_pixel_say_nothing():
    depth = np.full((24, 40), 10.0, np.float32)
    depth[9, 9] = 0
    unknown = np.isnan(inverse_depth_blocks(depth, 4)[..., 0])
    assert unknown[2, 2] and unknown.sum() == 1
