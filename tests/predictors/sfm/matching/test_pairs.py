"""Pairs are looked at near and far, matches are mutual, and one epipolar geometry separates truth from accident."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry import intrinsics_matrix, project
from da3_stream.geometry.keypoints import Keypoints
from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.matching.pairs import (
    KEYFRAME_OFFSETS,
    MIN_INLIERS,
    OFFSETS,
    TwoView,
    match_chunk,
    match_tracks,
    restrict_to_kind,
    sequential_pairs,
    verify_chunk,
    verify_pair,
    window_pairs,
)
from da3_stream.predictors.sfm.matching.tracks import TrackedPoints

K = intrinsics_matrix(300.0, 300.0, 160.0, 120.0)


def descriptors(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Random descriptors of length 512, as root-SIFT has them."""
    values = np.random.default_rng(seed).exponential(1.0, (count, 128))
    root = np.sqrt(values / values.sum(axis=1, keepdims=True))
    return np.round(512 * root).clip(0, 255).astype(np.uint8)


def keypoints(found: NDArray[np.uint8]) -> Keypoints:
    return Keypoints(np.zeros((len(found), 2), np.float32), found)


def matches_of(first: Keypoints, second: Keypoints) -> NDArray[np.uint32]:
    return match_chunk({0: first, 1: second}, [(0, 1)])[0, 1]


def two_views(count: int, translation: tuple[float, float, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where two cameras, the second turned by 4 degrees, see the same random points."""
    rng = np.random.default_rng(0)
    depth = rng.uniform(3, 15, count)
    rays = np.column_stack([rng.uniform(-0.4, 0.4, count), rng.uniform(-0.3, 0.3, count), np.ones(count)])
    points = rays * depth[:, None]
    turned = points @ Rotation.from_euler("y", 4, degrees=True).as_matrix().T
    return project(points, K), project(turned - translation, K)


def same(count: int) -> NDArray[np.uint32]:
    return np.repeat(np.arange(count, dtype=np.uint32)[:, None], 2, axis=1)


@given(st.integers(1, 300))
def test_every_pair_is_named_once_and_at_an_offset_of_the_list(count: int) -> None:
    pairs = list(sequential_pairs(count))
    assert max(Counter(pairs).values(), default=1) == 1
    assert all(0 <= a < b < count and b - a in OFFSETS for a, b in pairs)
    assert len(pairs) == sum(max(0, count - offset) for offset in OFFSETS)


def test_two_places_are_matched_exhaustively_across_and_in_sequence_within() -> None:
    pairs = set(window_pairs(42, 21))
    assert {(a, b) for a in range(21) for b in range(21, 42)} <= pairs
    within = {(a, b) for a, b in pairs if (a < 21) == (b < 21)}
    assert within == {*sequential_pairs(21), *((21 + a, 21 + b) for a, b in sequential_pairs(21))}


@pytest.mark.parametrize("count", [3, 5, 12])
def test_of_few_frames_all_pairs_are_matched(count: int) -> None:
    assert set(window_pairs(count)) == {(a, b) for b in range(count) for a in range(b)}


@pytest.mark.parametrize("count", [1, 2, 60, 120])
def test_one_place_is_matched_in_sequence(count: int) -> None:
    assert window_pairs(count) == list(sequential_pairs(count))


@given(st.permutations(range(40)))
def test_matching_undoes_a_permutation(order: list[int]) -> None:
    first = descriptors(40)
    matches = matches_of(keypoints(first), keypoints(first[order]))
    assert matches.dtype == np.uint32
    assert len(matches) == 40
    assert [order[j] for j in matches[:, 1].tolist()] == matches[:, 0].tolist()


def test_matches_are_the_same_seen_from_either_side() -> None:
    first, second = descriptors(50), np.concatenate([descriptors(50)[20:], descriptors(20, seed=1)])
    forth = matches_of(keypoints(first), keypoints(second))
    back = matches_of(keypoints(second), keypoints(first))
    assert {(a, b) for a, b in forth.tolist()} == {(b, a) for a, b in back.tolist()}
    np.testing.assert_array_equal(forth[:, 0] - forth[:, 1], 20)
    assert len(forth) == 30


def test_descriptors_that_occur_twice_are_not_matched() -> None:
    first = descriptors(10)
    twice = np.concatenate([first, first[:4]])
    seen = np.clip(first.astype(int) + np.random.default_rng(1).integers(-3, 4, first.shape), 0, 255).astype(np.uint8)
    matches = matches_of(keypoints(seen), keypoints(twice))
    assert matches[:, 0].tolist() == [4, 5, 6, 7, 8, 9]


def test_two_key_points_cannot_both_have_the_same_partner() -> None:
    first = descriptors(10)
    nearly = np.concatenate([first, first[3:4] ^ 1])
    assert matches_of(keypoints(nearly), keypoints(first)).tolist() == [[i, i] for i in range(10)]


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_key_points_give_no_matches(count: int) -> None:
    few, many = keypoints(descriptors(count)), keypoints(descriptors(30))
    assert matches_of(few, many).shape == matches_of(many, few).shape == (0, 2)
    assert match_chunk({0: few, 3: many}, [(0, 3)])[0, 3].shape == (0, 2)


def test_tracks_match_where_they_are_the_same() -> None:
    first = TrackedPoints(np.zeros((4, 2), np.float32), np.array([3, 5, 8, 9]))
    second = TrackedPoints(np.zeros((3, 2), np.float32), np.array([9, 4, 5]))
    assert sorted(match_tracks(first, second).tolist()) == [[1, 2], [3, 0]]


def test_verification_keeps_the_true_matches_and_drops_the_accidents() -> None:
    first, second = two_views(300, (1.0, 0.1, 0.3))
    rng = np.random.default_rng(1)
    second = second + rng.normal(0, 0.2, second.shape)
    second[200:] = np.column_stack([rng.uniform(0, 320, 100), rng.uniform(0, 240, 100)])
    view = verify_pair(first, second, same(300), K)
    assert view is not None
    kept = view.matches[:, 0]
    assert (kept < 200).sum() > 190
    assert (kept >= 200).sum() < 8  # a random point lies on its epipolar line now and then
    assert not view.planar


def test_the_essential_matrix_explains_the_matches() -> None:
    first, second = two_views(100, (0.5, -0.2, 1.0))
    view = verify_pair(first, second, same(100), K)
    assert view is not None
    rays = [np.column_stack([xy, np.ones(100)]) @ np.linalg.inv(K).T for xy in (first, second)]
    lines = rays[0] @ view.essential.T
    distance = np.einsum("ni,ni->n", rays[1], lines) / np.linalg.norm(lines[:, :2], axis=1)
    assert np.abs(distance).max() * K[0, 0] < 0.01


@pytest.mark.parametrize(("off", "planar"), [(5, True), (80, False)])
def test_a_wall_is_called_planar_unless_enough_stands_before_it(off: int, planar: bool) -> None:
    rng = np.random.default_rng(3)
    points = np.column_stack([rng.uniform(-4, 4, (500, 2)), np.full(500, 8.0)])
    points[:off, 2] = rng.uniform(3, 5, off)
    seen = [(points - centre) @ K.T for centre in ([0.0, 0.0, 0.0], [0.5, 0.0, 0.2])]
    first, second = (local[:, :2] / local[:, 2:] + rng.normal(0, 0.2, (500, 2)) for local in seen)
    view = verify_pair(first, second, same(500), K)
    assert view is not None
    assert view.planar == planar


def test_a_camera_that_only_turns_is_called_planar() -> None:
    first, second = two_views(200, (0.0, 0.0, 0.0))
    view = verify_pair(first, second, same(200), K)
    assert view is None or view.planar


def test_too_few_or_only_accidental_matches_are_refused() -> None:
    first, second = two_views(MIN_INLIERS - 1, (1.0, 0.0, 0.0))
    assert verify_pair(first, second, same(MIN_INLIERS - 1), K) is None
    rng = np.random.default_rng(2)
    accident = [np.column_stack([rng.uniform(0, 320, 20), rng.uniform(0, 240, 20)]) for _ in range(2)]
    assert verify_pair(accident[0], accident[1], same(20), K) is None


def test_verified_pairs_keep_their_names_and_failed_ones_are_left_out() -> None:
    first, second = two_views(60, (1.0, 0.0, 0.0))
    rng = np.random.default_rng(3)
    noise = np.column_stack([rng.uniform(0, 320, 60), rng.uniform(0, 240, 60)])
    xy = {4: first.astype(np.float32), 6: second.astype(np.float32), 9: noise[:20].astype(np.float32)}
    views = verify_chunk(xy, {(4, 6): same(60), (6, 9): same(20)}, Lens.from_matrix(K))
    assert list(views) == [(4, 6)]


def test_only_separates_tracked_points_from_key_points() -> None:
    sift, tracks = same(20) + np.array([20, 0], np.uint32), same(20) + np.array([40, 20], np.uint32)
    both = TwoView(np.concatenate([sift, tracks]), np.eye(3), np.eye(3), planar=False)
    views = {(0, 1): both, (1, 2): TwoView(same(18), np.eye(3), np.eye(3), planar=True)}
    first = [40, 20, 30]
    of_sift, of_tracks = restrict_to_kind(views, first, tracked=False), restrict_to_kind(views, first, tracked=True)
    np.testing.assert_array_equal(of_sift[0, 1].matches, sift)
    np.testing.assert_array_equal(of_tracks[0, 1].matches, tracks)
    assert set(of_sift) == {(0, 1), (1, 2)}
    assert set(of_tracks) == {(0, 1)}  # the second pair has no tracked points
    assert of_sift[1, 2].planar


def test_key_frames_are_matched_at_more_distances() -> None:
    assert set(OFFSETS) < set(KEYFRAME_OFFSETS)
    apart = {b - a for a, b in window_pairs(40, offsets=KEYFRAME_OFFSETS)}
    assert apart == {1, 2, 3, 4, 6, 8, 12, 16, 24, 32}
