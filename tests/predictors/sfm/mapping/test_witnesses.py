"""Tracks, matches and essential matrices speak against poses that are wrong, each against what it can see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.mapping.assemble import assemble
from da3_stream.predictors.sfm.mapping.calibration import Calibration
from da3_stream.predictors.sfm.mapping.lost_tracks import blind_bends
from da3_stream.predictors.sfm.mapping.quality import assess_window
from da3_stream.predictors.sfm.mapping.solve import Solution
from da3_stream.predictors.sfm.mapping.sparse_model import SparseModel
from da3_stream.predictors.sfm.mapping.two_view_witnesses import PosedRows, contradicted_rows
from da3_stream.predictors.sfm.mapping.witnesses import MappingEvidence, mapping_witnesses
from da3_stream.predictors.sfm.matching.correspondences import Correspondences
from da3_stream.predictors.sfm.matching.pairs import TwoView, sequential_pairs

COUNT, POINTS, SIZE = 24, 150, (320, 240)
LENS = Lens(210.0, 210.0, 160.0, 120.0)
Poses = NDArray[np.float64]


def straight_drive() -> Poses:
    """Half a metre a frame ahead, in a slow curve."""
    poses = np.tile(np.eye(4), (COUNT, 1, 1))
    for i in range(1, COUNT):
        step = np.eye(4)
        step[:3, :3], step[:3, 3] = Rotation.from_euler("y", 1.0, degrees=True).as_matrix(), [0.05, 0.0, 0.5]
        poses[i] = poses[i - 1] @ step
    return poses


def evidence(told: Poses) -> MappingEvidence:
    """What is seen on a drive by a predictor that ended with the poses `told`: keypoints first, then as many tracks."""
    true, rng = straight_drive(), np.random.default_rng(2)
    camera = rng.uniform([-1, -0.7, 6.0], [1, 0.7, 20.0], (2 * POINTS, 3)) * [6, 6, 1]
    points = camera @ true[COUNT // 2, :3, :3].T + true[COUNT // 2, :3, 3]
    xy = [seen(pose, points) + rng.normal(0, 0.1, (2 * POINTS, 2)) for pose in true]
    every = np.repeat(np.arange(2 * POINTS, dtype=np.uint32)[:, None], 2, axis=1)
    pairs = list(sequential_pairs(COUNT))
    views = {(a, b): TwoView(every, essential(true[a], true[b]), np.eye(3), False) for a, b in pairs}
    observations = [np.repeat(np.arange(POINTS)[:, None], 2, axis=1) for _ in range(COUNT)]
    model = SparseModel(np.arange(COUNT), told, None, points[:POINTS], observations)
    solution = Solution([model], LENS, assess_window([model], COUNT), Calibration.from_known(LENS), views=views)
    matched = Correspondences([p.astype(np.float32) for p in xy], [POINTS] * COUNT, dict.fromkeys(pairs, every))
    return MappingEvidence(assemble([model], (), COUNT), solution, matched, SIZE)


def seen(pose: Poses, points: NDArray[np.float64]) -> NDArray[np.float64]:
    local = (points - pose[:3, 3]) @ pose[:3, :3]
    return local[:, :2] / np.maximum(local[:, 2:], 0.5) * LENS.fx + [LENS.cx, LENS.cy]


def essential(first: Poses, second: Poses) -> NDArray[np.float64]:
    x, y, z = (second_from_first := np.linalg.inv(second) @ first)[:3, 3]
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ second_from_first[:3, :3]


def longer_steps() -> Poses:
    """From row 12 on steps are three times as long: the scale breaks."""
    poses = straight_drive()
    poses[12:, :3, 3] = poses[12, :3, 3] + 3 * (poses[12:, :3, 3] - poses[12, :3, 3])
    return poses


def sideways() -> Poses:
    poses = straight_drive()
    poses[12, :3, 3] += poses[12, :3, 0] * 0.4
    return poses


def turned() -> Poses:
    poses = straight_drive()
    poses[12:, :3, :3] = poses[12:, :3, :3] @ Rotation.from_euler("y", 3.0, degrees=True).as_matrix()
    return poses


def reversed_steps() -> Poses:
    """Every fourth step goes back, as a repeated wall has it."""
    poses = straight_drive()
    moves = np.diff(poses[:, :3, 3], axis=0) * np.where(np.arange(COUNT - 1) % 4 == 3, -1.5, 1.0)[:, None]
    poses[1:, :3, 3] = poses[0, :3, 3] + np.cumsum(moves, axis=0)
    return poses


@pytest.fixture(scope="module")
def right() -> dict[str, NDArray[np.float64]]:
    return dict(mapping_witnesses(evidence(straight_drive())))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "name", "least"),
    [
        (longer_steps, "track_scale", np.log(2.0)),
        (longer_steps, "track_scale_far", np.log(2.0)),
        (reversed_steps, "track_scale", np.log(2.0)),
        (sideways, "track_residual_px", 1.0),
        (sideways, "track_residual_far_px", 1.0),
        (sideways, "heading_error_deg", 20.0),
        (sideways, "reprojection_px", 3.0),
        (turned, "turn_error_deg", 2.0),
        (turned, "track_residual_px", 1.0),
    ],
)
def test_a_fault_is_seen_where_it_is(
    fault: Callable[[], Poses], name: str, least: float, right: dict[str, NDArray[np.float64]]
) -> None:
    values = mapping_witnesses(evidence(fault()))[name]
    assert np.nanmax(values[8:17]) > least > 4 * np.nanmax(right[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["track_support", "track_support_far", "match_support", "match_support_far"])
def test_support_falls_where_cameras_are_off(name: str, right: dict[str, NDArray[np.float64]]) -> None:
    values = mapping_witnesses(evidence(turned()))[name]
    assert np.nanmin(values[8:17]) < 0.7 < 0.9 < np.nanmin(right[name])


def test_what_a_frame_observes_is_counted(right: dict[str, NDArray[np.float64]]) -> None:
    assert (right["observations"] == POINTS).all() and (right["measured"] == 1).all()
    assert (right["bridge"] == POINTS).all() and (right["coverage"] > 0.3).all() and (right["parallax_deg"] > 1).all()


@pytest.mark.slow
def test_other_maps_agree_or_not_row_by_row() -> None:
    told = evidence(straight_drive())
    same, other = told.solution.models, [replace(told.solution.models[0], model_from_camera=reversed_steps())]
    voted = mapping_witnesses(replace(told, solution=replace(told.solution, others=(same, other))))["opinions"]
    assert (voted >= 0.5).all() and voted.mean() < 0.8
    assert np.isnan(mapping_witnesses(told)["opinions"]).all()


def test_frames_without_any_match_tell_nothing_and_break_nothing() -> None:
    told = evidence(straight_drive())
    nothing = replace(told.correspondences, matches={})
    bare = replace(told, correspondences=nothing, solution=replace(told.solution, models=[], views={}))
    values = mapping_witnesses(bare)
    assert all(column.shape == (COUNT,) for column in values.values())
    assert np.isnan(values["track_scale"]).all() and np.isnan(values["reprojection_px"]).all()


def rows_at_odds(told: Poses) -> int:
    given = evidence(told)
    rows = PosedRows.of(told, (), [LENS.undistort(xy) for xy in given.correspondences.xy], LENS)
    return contradicted_rows(rows, given.correspondences.matches, given.correspondences.tracked_from)


def test_steps_that_the_tracks_contradict_call_for_a_second_opinion() -> None:
    assert rows_at_odds(straight_drive()) == 0 and rows_at_odds(reversed_steps()) > COUNT / 2
    model = evidence(straight_drive()).solution.models
    assert not assess_window(model, COUNT).is_doubtful
    doubted = assess_window(model, COUNT, rows_at_odds(longer_steps()))
    assert doubted.is_doubtful and doubted.cost > assess_window(model, COUNT).cost


@pytest.mark.slow
def test_a_second_motion_is_a_rival() -> None:
    """A third of what is matched moves as a camera of its own would, and is none of what one geometry explains."""
    found = evidence(straight_drive())
    sideways = np.tile(np.eye(4), (COUNT, 1, 1))
    sideways[:, 0, 3], sideways[:, 1, 3] = 0.4 * np.arange(COUNT), 0.1 * np.arange(COUNT)
    points = np.random.default_rng(3).uniform([-2, -1.5, 6.0], [6, 3, 12.0], (100, 3))
    rows = zip(found.correspondences.xy, sideways, strict=True)
    moved = [np.concatenate([xy[100:], seen(pose, points)]) for xy, pose in rows]
    matched = Correspondences([xy.astype(np.float32) for xy in moved], [POINTS] * COUNT, found.correspondences.matches)
    assert np.all(mapping_witnesses(found)["rival_share"] == 0.0)
    assert np.median(mapping_witnesses(replace(found, correspondences=matched))["rival_share"]) > 0.2


def test_tracks_that_end_at_once_speak_against_the_frames_beside_the_gap() -> None:
    found, leap = evidence(straight_drive()), 11
    cut = dict(found.correspondences.matches)
    cut[leap, leap + 1] = cut[leap, leap + 1][: POINTS + 20]
    losses = mapping_witnesses(replace(found, correspondences=replace(found.correspondences, matches=cut)))[
        "track_loss"
    ]
    assert np.all(losses[[leap, leap + 1]] > 1.5)
    assert np.all(losses[:leap] < 0.1) and np.all(losses[leap + 2 :] < 0.1)


def test_a_step_back_without_tracks_speaks_against_the_frames_beside_it() -> None:
    """A cut is no fault where the camera goes on as it went, nor is a turn back that tracks follow."""
    losses = np.zeros(COUNT)
    losses[11:13] = np.log(4.0)
    onward, part = straight_drive(), np.zeros(COUNT, np.int64)
    back = onward.copy()
    back[12:, :3, 3] -= 2.6 * (onward[12, :3, 3] - onward[11, :3, 3])
    assert np.nanmax(blind_bends(onward, part, losses)) < 5
    assert np.nanmax(blind_bends(back, part, np.zeros(COUNT))) == 0
    assert np.all(blind_bends(back, part, losses)[[11, 12]] > 100)
    assert np.isnan(blind_bends(back, np.repeat([0, 1], [12, COUNT - 12]), losses)[[11, 12]]).all()
