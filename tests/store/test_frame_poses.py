from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from da3_stream.errors import StoreError
from da3_stream.geometry import Sim3
from da3_stream.store import FramePoses, Scene, SubmapCameras, frame_poses
from da3_stream.store.frame_poses import blend_weights
from tests.worlds.street import SUBMAPS, street_part, street_scene, world_from_camera

PARTS: dict[int, SubmapCameras] = {number: street_part(number) for number in range(3)}
TRUTH = np.stack([world_from_camera(f) for f in range(28)])
UNITS = np.repeat([1.0, 0.5, 2.5], [10, 8, 10])
STILL = Sim3.identity()
small = st.lists(st.floats(-0.05, 0.05), min_size=7, max_size=7).map(Sim3.exp)
large = st.lists(st.floats(-2, 2), min_size=7, max_size=7).map(Sim3.exp)


def alone(scene: Scene, number: int) -> FramePoses:
    """All of one node's frames by that node's answer."""
    return frame_poses(scene, {number: replace(PARTS[number], owned=np.ones(12, bool))})


def with_pose(number: int, row: int, pose: np.ndarray) -> SubmapCameras:
    poses = PARTS[number].window_from_camera.copy()
    poses[row] = pose
    return replace(PARTS[number], window_from_camera=poses)


def assert_same(a: FramePoses, b: FramePoses, atol: float = 1e-12) -> None:
    np.testing.assert_allclose(a.world_from_camera, b.world_from_camera, atol=atol)
    np.testing.assert_allclose(a.scale, b.scale, rtol=atol)


def test_places_are_exact_where_windows_agree():
    places = frame_poses(street_scene(), PARTS)
    np.testing.assert_array_equal(places.source_index, np.arange(28))
    np.testing.assert_array_equal(places.submap, np.repeat([0, 1, 2], [10, 8, 10]))
    np.testing.assert_allclose(places.world_from_camera, TRUTH, atol=1e-12)
    np.testing.assert_allclose(places.scale, UNITS, rtol=1e-12)


def test_weights_rise_evenly_and_symmetrically_about_the_border():
    assert blend_weights(PARTS[0], PARTS[1]) == pytest.approx({8: 0.125, 9: 0.375, 10: 0.625, 11: 0.875})


@pytest.mark.parametrize(("owned", "half"), [((9, 12), 2), ((9, 10), 1), ((10, 28), 2)])
def test_the_zone_takes_at_most_half_of_what_a_submap_owns_rounded_up(owned, half):
    frames = np.arange(8, 28)
    later = replace(PARTS[1], frame_indices=frames, owned=(frames >= owned[0]) & (frames < owned[1]))
    first = PARTS[0].frame_indices
    weights = blend_weights(replace(PARTS[0], owned=first < owned[0]), later)
    assert sum(0 < weight < 1 for weight in weights.values()) == 2 * min(half, owned[0] - 8)


def test_an_offset_between_windows_is_spread_evenly_over_the_zone():
    offset = np.array([0.3, -0.1, 0.2])
    scene = street_scene((STILL, Sim3(1.0, np.eye(3), offset), Sim3(1.0, np.eye(3), offset)))
    moved = frame_poses(scene, PARTS).world_from_camera[:, :3, 3] - TRUTH[:, :3, 3]
    weights = np.concatenate([np.zeros(8), [0.125, 0.375, 0.625, 0.875], np.ones(16)])
    np.testing.assert_allclose(moved, weights[:, None] * offset, atol=1e-12)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(small, small)
def test_no_step_at_a_border_beyond_either_windows_motion_and_its_share_of_the_gap(error_1, error_2):
    scene = street_scene((STILL, error_1, error_2))
    slid = frame_poses(scene, PARTS)
    for earlier, later, first in ((0, 1, 8), (1, 2, 16)):
        answers = [alone(scene, number) for number in (earlier, later)]
        both = [a.world_from_camera[np.isin(a.source_index, np.arange(first, first + 4)), :3, 3] for a in answers]
        motion = max(np.linalg.norm(np.diff(p, axis=0), axis=1).max() for p in both)
        gap = np.linalg.norm(both[0] - both[1], axis=1).max()
        around = slid.world_from_camera[first : first + 4, :3, 3]
        assert np.linalg.norm(np.diff(around, axis=0), axis=1).max() <= motion * 1.01 + 1.05 * gap / 4


@settings(max_examples=50, deadline=None)
@given(small)
def test_depth_in_the_world_has_no_step_where_the_alignment_is_exact(error):
    scene = street_scene((STILL, error, error))
    world_per_world = frame_poses(scene, PARTS).scale / UNITS
    step = abs(np.diff(np.log(world_per_world)))
    assert step.max() <= abs(np.log(error.scale)) / 4 + 1e-12


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(small)
def test_the_slide_is_the_geodesic_between_the_two_answers(error):
    scene = street_scene((STILL, error, error))
    slid, (first, second) = frame_poses(scene, PARTS), (alone(scene, 0), alone(scene, 1))
    for k, weight in enumerate([0.125, 0.375, 0.625, 0.875]):
        a = first.pose(8 + k)
        b = second.pose(k) @ Sim3(2.0, np.eye(3), np.zeros(3))  # into submap 0's units
        expected = a @ Sim3.exp(weight * (a.inverse() @ b).log())
        np.testing.assert_allclose(slid.world_from_camera[8 + k], expected.rigid(), atol=1e-12)
        assert slid.scale[8 + k] == pytest.approx(expected.scale / (1.0 if k < 2 else 2.0), rel=1e-12)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(small, large)
def test_moving_the_world_moves_every_place(error, move):
    scene = street_scene((STILL, error, error))
    submaps = [replace(submap, world_from_window=move @ submap.world_from_window) for submap in scene.submaps]
    before, after = frame_poses(scene, PARTS), frame_poses(replace(scene, submaps=tuple(submaps)), PARTS)
    for m in range(28):
        np.testing.assert_allclose(after.pose(m).matrix(), (move @ before.pose(m)).matrix(), atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(small, st.floats(1e-3, 1e3))
def test_a_submaps_own_unit_does_not_matter(error, unit):
    scene = street_scene((STILL, error, error))
    submap = scene.submaps[1]
    other = replace(
        submap,
        world_from_window=submap.world_from_window @ Sim3(unit, np.eye(3), np.zeros(3)),
        previous_per_unit=submap.previous_per_unit * unit,
    )
    last = replace(scene.submaps[2], previous_per_unit=scene.submaps[2].previous_per_unit / unit)
    poses = PARTS[1].window_from_camera.copy()
    poses[:, :3, 3] /= unit
    changed = {**PARTS, 1: replace(PARTS[1], window_from_camera=poses)}
    before = frame_poses(scene, PARTS)
    after = frame_poses(replace(scene, submaps=(scene.submaps[0], other, last)), changed)
    np.testing.assert_allclose(after.world_from_camera, before.world_from_camera, atol=1e-9)
    np.testing.assert_allclose(after.scale / np.where(after.submap == 1, unit, 1), before.scale, rtol=1e-9)


def test_the_scenes_scale_multiplies_positions_and_depth_exactly():
    before = frame_poses(street_scene(), PARTS)
    after = frame_poses(street_scene(scale=7.3), PARTS)
    np.testing.assert_array_equal(after.scale, before.scale * 7.3)
    np.testing.assert_array_equal(after.world_from_camera[:, :3, 3], before.world_from_camera[:, :3, 3] * 7.3)
    np.testing.assert_array_equal(after.world_from_camera[:, :3, :3], before.world_from_camera[:, :3, :3])


def test_segments_do_not_slide_into_each_other():
    scene = street_scene((STILL, Sim3.exp([1, 0, 0, 0, 0, 0, 0]), STILL))
    submaps = (scene.submaps[0], *[replace(submap, segment=1) for submap in scene.submaps[1:]])
    cut = frame_poses(replace(scene, submaps=submaps), PARTS)
    np.testing.assert_allclose(cut.world_from_camera[:10], TRUTH[:10], atol=1e-12)
    np.testing.assert_array_equal(cut.segment, np.repeat([0, 1], [10, 18]))
    assert np.linalg.norm(cut.world_from_camera[10, :3, 3] - TRUTH[10, :3, 3]) == pytest.approx(1.0)


def test_the_order_of_placement_does_not_matter():
    error = Sim3.exp([0.1, 0.2, 0, 0, 0.05, 0, 0.1])
    scene = street_scene((STILL, error, error))
    a, b, c = scene.submaps
    turned = (
        replace(c, previous=None, previous_per_unit=1.0),
        replace(b, previous=0, previous_per_unit=1 / c.previous_per_unit),
        replace(a, previous=1, previous_per_unit=1 / b.previous_per_unit),
    )
    backwards = frame_poses(Scene(submaps=turned), {0: PARTS[2], 1: PARTS[1], 2: PARTS[0]})
    assert_same(backwards, frame_poses(scene, PARTS))


def test_a_pose_unknown_to_the_owner_is_taken_from_the_neighbour():
    nothing = np.full((4, 4), np.nan)
    places = frame_poses(street_scene(), {**PARTS, 0: with_pose(0, 9, nothing)})
    np.testing.assert_allclose(places.world_from_camera, TRUTH, atol=1e-12)
    assert places.scale[9] == pytest.approx(1.0)


def test_a_pose_unknown_to_the_neighbour_is_the_owners_own():
    scene = street_scene((STILL, Sim3.exp([1, 0, 0, 0, 0, 0, 0]), STILL))
    places = frame_poses(scene, {**PARTS, 1: with_pose(1, 1, np.full((4, 4), np.nan))})
    np.testing.assert_allclose(places.world_from_camera[9], TRUTH[9], atol=1e-12)


def test_a_pose_that_nobody_knows_is_nan_without_segment():
    nothing = np.full((4, 4), np.nan)
    places = frame_poses(street_scene(), {**PARTS, 0: with_pose(0, 9, nothing), 1: with_pose(1, 1, nothing)})
    assert np.isnan(places.world_from_camera[9]).all() and np.isnan(places.scale[9])
    assert places.segment[9] == -1
    assert np.isfinite(places.world_from_camera[np.arange(28) != 9]).all()


def test_a_frame_with_two_owners_is_refused():
    with pytest.raises(StoreError, match="frame 10 is owned by two submaps"):
        frame_poses(street_scene(), {**PARTS, 0: replace(PARTS[0], owned=np.ones(12, bool))})


def test_one_submap_with_one_frame_has_a_place():
    first = PARTS[0]
    one = SubmapCameras(
        frame_indices=first.frame_indices[:1],
        timestamps=first.timestamps[:1],
        window_from_camera=first.window_from_camera[:1],
        intrinsics=first.intrinsics[:1],
        owned=np.ones(1, bool),
        source_size=first.source_size,
        depth_size=first.depth_size,
        status="OK",
    )
    places = frame_poses(Scene(submaps=street_scene().submaps[:1]), {0: one})
    np.testing.assert_allclose(places.world_from_camera, np.eye(4)[None])


def test_a_submap_between_two_that_owns_one_frame_slides_to_both():
    error = Sim3.exp([0.1, 0, 0, 0, 0, 0, 0])
    scene = street_scene((STILL, error, STILL))
    owned = {0: (0, 10), 1: (10, 11), 2: (11, 28)}
    frames = {0: np.arange(0, 12), 1: np.arange(8, 20), 2: np.arange(9, 28)}
    assert SUBMAPS[1][:2] == (8, 20)
    parts = {
        k: replace(
            PARTS[k],
            frame_indices=frames[k],
            timestamps=frames[k] / 10,
            window_from_camera=np.linalg.inv(TRUTH[SUBMAPS[k][0]]) @ TRUTH[frames[k]],
            intrinsics=np.tile(np.eye(3), (len(frames[k]), 1, 1)),
            owned=(frames[k] >= owned[k][0]) & (frames[k] < owned[k][1]),
        )
        for k in range(3)
    }
    for k, unit in enumerate((1.0, 0.5, 2.5)):
        parts[k].window_from_camera[:, :3, 3] /= unit
    moved = frame_poses(scene, parts).world_from_camera[:, :3, 3] - TRUTH[:, :3, 3]
    np.testing.assert_allclose(moved[9:12, 0], [0.025, 0.05, 0.025], atol=1e-9)
