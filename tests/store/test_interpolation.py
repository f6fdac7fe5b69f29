"""Frames that the gate left out lie between their neighbours, and are told as such."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from da3_stream.geometry import Sim3
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import Run, read_cameras, read_poses, write_submap
from da3_stream.store.submap_files import read_submap
from da3_stream.types import LeftOut
from tests.worlds.street import FPS, street_part, street_run, street_scene, world_from_camera

OUT = (3, 4, 9, 10, 27)  # frames that are taken out of the made-up street; 9 and 10 lie at the border of two submaps


def without(path: Path, shares: dict[int, float], gone: tuple[int, ...] = OUT, reason: str = "still") -> Run:
    """The made-up run without these frames, which their neighbours name with these shares."""
    run = street_run(path)
    for number in range(3):
        part = street_part(number)
        keep = ~np.isin(part.frame_indices, gone)
        named = tuple(
            LeftOut(index, index / FPS, shares.get(index, 0.0), reason)
            for index in gone
            if part.owned[keep].any() and _owner(index, gone) == number
        )
        rest = replace(
            part,
            frame_indices=part.frame_indices[keep],
            timestamps=part.timestamps[keep],
            window_from_camera=part.window_from_camera[keep],
            intrinsics=part.intrinsics[keep],
            owned=part.owned[keep],
            depth=part.depth[keep[part.owned]],
            confidence=part.confidence[keep[part.owned]],
            left_out=named,
        )
        write_submap(run, number, rest)
    return run


def _owner(index: int, gone: tuple[int, ...]) -> int:
    """The submap of the last frame before this one that is still there."""
    before = max(frame for frame in range(index) if frame not in gone)
    return next(n for n in range(3) if before in street_part(n).frame_indices[street_part(n).owned])


def half(a: int, b: int, share: float) -> np.ndarray:
    first, second = (Sim3.from_matrix(world_from_camera(frame)) for frame in (a, b))
    return (first @ Sim3.exp(share * (first.inverse() @ second).log())).rigid()


def test_a_left_out_frame_lies_on_the_geodesic_of_its_neighbours(tmp_path: Path) -> None:
    shares = {3: 0.25, 4: 0.8, 9: 0.5, 10: 1.0, 27: 0.0}
    poses = read_poses(without(tmp_path, shares).path)
    for index, (a, b) in {3: (2, 5), 4: (2, 5), 9: (8, 11), 10: (8, 11)}.items():
        np.testing.assert_allclose(poses.world_from_camera[index], half(a, b, shares[index]), atol=1e-6)
    np.testing.assert_allclose(poses.world_from_camera[27], world_from_camera(26), atol=1e-6)
    assert len(poses) == 28 and [i for i, s in enumerate(poses.status) if s == "INTERPOLATED"] == list(OUT)
    np.testing.assert_allclose(poses.timestamp, np.arange(28) / FPS)
    assert np.isfinite(poses.intrinsics).all() and np.isnan(poses.depth_scale[list(OUT)]).all()


def test_the_reconstruction_tells_them_and_has_no_depth_of_them(tmp_path: Path) -> None:
    result = Reconstruction(without(tmp_path, {}).path)
    assert np.flatnonzero(result.interpolated).tolist() == list(OUT)
    assert set(result.segments.tolist()) == {0}
    with pytest.raises(KeyError, match="frame 4 has no depth"):
        result.depth(4)
    assert result.depth(5).any()


def test_between_two_segments_and_beside_unknown_poses_nothing_is_made_up(tmp_path: Path) -> None:
    run = without(tmp_path, {9: 0.5, 10: 0.9})
    scene = street_scene()
    cut = replace(scene, submaps=(scene.submaps[0], *(replace(n, segment=1, previous=None) for n in scene.submaps[1:])))
    run.write_scene(cut)
    poses = read_poses(run.path)
    np.testing.assert_allclose(poses.world_from_camera[9], poses.world_from_camera[8], atol=1e-12)
    part = read_submap(run, 2)
    write_submap(run, 2, replace(part, window_from_camera=np.full_like(part.window_from_camera, np.nan)))
    lost = read_poses(run.path)
    assert np.isnan(lost.world_from_camera[27]).all() and lost.status[27] == "UNPLACED" and lost.segment[27] == -1


@pytest.mark.slow
def test_where_the_camera_was_while_nobody_saw_it_is_known_between_two_poses_alone(tmp_path: Path) -> None:
    run = without(tmp_path, {9: 0.5, 10: 0.9, 27: 0.0}, reason="blank")
    placed = read_poses(run.path)
    assert [placed.status[k] for k in OUT] == [*("INTERPOLATED",) * 4, "UNPLACED"]
    assert placed.segment[27] == -1 and np.isnan(placed.world_from_camera[27]).all() and placed.confidence[27] == 0
    scene = street_scene()
    cut = replace(scene, submaps=(scene.submaps[0], *(replace(n, segment=1, previous=None) for n in scene.submaps[1:])))
    run.write_scene(cut)
    assert [read_poses(run.path).status[k] for k in OUT] == [*("INTERPOLATED",) * 2, *("UNPLACED",) * 3]


def test_what_is_left_out_reads_back(tmp_path: Path) -> None:
    run = street_run(tmp_path)
    named = (LeftOut(10, 1.0, 0.125, "still"), LeftOut(11, 1.1, 1.0, "overexposed or black"))
    write_submap(run, 0, replace(street_part(0), left_out=named))
    assert read_cameras(run, 0).left_out == read_submap(run, 0).left_out == named
    assert read_cameras(run, 1).left_out == ()
