"""Far pairs are held against what is carried from frame to frame: where a corridor repeats they show another copy."""

import numpy as np
import pytest

from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.matching.consistency import (
    CONSISTENT,
    CONTRADICTED,
    UNTOLD,
    Limited,
    Links,
    limit_far_pairs,
)
from da3_stream.predictors.sfm.matching.pairs import TwoView, verify_chunk, window_pairs

PERIOD, STEP, ROWS = 2.0, 0.3, 17
COPIES, OF_A_COPY = 20, 60
LENS = Lens(200.0, 200.0, 160.0, 120.0)


class Corridor:
    """Keypoints of a corridor whose walls repeat, seen while walking along it, and the same points as tracks."""

    def __init__(self, side_m: float = 1.5) -> None:
        rng = np.random.default_rng(0)
        cell = np.stack([rng.choice([-side_m, side_m], OF_A_COPY), *rng.uniform(-1, 1, (2, OF_A_COPY))], axis=1)
        cell[:, 2] *= PERIOD / 2
        shift = np.arange(COPIES)[:, None, None] * np.array([0, 0, PERIOD])
        world = (cell + shift).reshape(-1, 3)
        self.visible, self.xy = [], []
        for row in range(ROWS):
            local = world - [0.02 * np.sin(row), 0.03 * np.cos(row), STEP * row]
            at = 200 * local[:, :2] / local[:, 2:] + [160, 120]
            seen = (local[:, 2] > 0.5) & (local[:, 2] < 12) & (np.abs(at - [160, 120]) < [160, 120]).all(axis=1)
            self.visible.append(np.flatnonzero(seen))
            noisy = at[seen] + rng.normal(0, 0.2, (int(seen.sum()), 2))
            self.xy.append(np.concatenate([noisy, noisy]).astype(np.float32))
        self.tracked_from = [len(ids) for ids in self.visible]

    def matches(self, pair: tuple[int, int], copies: int, tracked: bool) -> np.ndarray:
        """Matches of keypoints with what looks the same `copies` farther along, and of tracks with themselves."""
        a, b = (self.visible[row] for row in pair)
        _, first, second = np.intersect1d(a, b - copies * OF_A_COPY, return_indices=True)
        found = [np.stack([first, second], axis=1)]
        if tracked:
            _, first, second = np.intersect1d(a, b, return_indices=True)
            found.append(np.stack([first + len(a), second + len(b)], axis=1))
        return np.concatenate(found).astype(np.uint32)


def limited(copies_at: dict[int, int]) -> tuple[dict, dict, np.ndarray]:
    """Verified pairs, what is left of them, and the contradiction, of a corridor that is mistaken at some gaps."""
    world = Corridor()
    matches = {
        pair: world.matches(pair, copies_at.get(pair[1] - pair[0], 0), tracked=pair[1] - pair[0] <= 4)
        for pair in window_pairs(ROWS)
    }
    views = verify_chunk(dict(enumerate(world.xy)), matches, LENS)
    left = limit_far_pairs(world.xy, world.tracked_from, matches, views, LENS)
    return views, left.views, left.contradiction


def by_gap(views: dict[tuple[int, int], TwoView], gap: int) -> int:
    return sum(b - a == gap for a, b in views)


def test_pairs_that_show_another_copy_are_not_believed() -> None:
    views, left, contradiction = limited({8: 1, 16: 2})
    assert by_gap(views, 8) == ROWS - 8
    assert by_gap(left, 8) == 0 and by_gap(left, 16) == 0
    assert by_gap(left, 4) == ROWS - 4
    assert contradiction[[0, 8]].min() > 0.1


def test_a_pair_of_both_keeps_what_the_near_pairs_confirm() -> None:
    views, left, _ = limited({4: 1})
    world = Corridor()
    for pair in [pair for pair in left if pair[1] - pair[0] == 4]:
        assert (left[pair].matches[:, 0] >= world.tracked_from[pair[0]]).all()
        assert len(left[pair].matches) < len(views[pair].matches)


def test_pairs_that_show_the_same_copy_stay_as_they_are() -> None:
    views, left, contradiction = limited({})
    assert views.keys() == left.keys()
    assert all(left[pair] is views[pair] for pair in views)
    assert contradiction.max() < 0.02


def test_links_tell_only_near_themselves_and_where_the_motion_is_larger_than_its_doubt() -> None:
    start = np.stack(np.meshgrid(np.arange(0, 100, 10.0), np.arange(0, 100, 10.0)), axis=-1).reshape(-1, 2)
    links = Links(start, start + [20.0, 0.0], np.ones(len(start)))
    at = np.array([[45.0, 45.0], [45.0, 45.0], [400.0, 45.0]])
    verdict = links.judge(at, at + [[21.0, 0.5], [-10.0, 0.0], [-10.0, 0.0]])
    assert verdict.tolist() == [CONSISTENT, CONTRADICTED, UNTOLD]


@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_links_go_on_where_they_meet(offset: float) -> None:
    first = Links(np.array([[10.0, 10.0], [50.0, 50.0]]), np.array([[15.0, 10.0], [55.0, 50.0]]), np.ones(2))
    second = Links(np.array([[15.0 + offset, 10.0]]), np.array([[22.0 + offset, 10.0]]), np.ones(1))
    both = first.then(second)
    assert np.allclose(both.start, [[10, 10]]) and np.allclose(both.end, [[22, 10]])
    assert both.sigma[0] == pytest.approx(2 + 0.5 * offset)


def test_rows_that_are_kept_keep_their_pairs_and_contradictions() -> None:
    view = TwoView(np.zeros((1, 2), np.uint32), np.eye(3), np.eye(3), planar=False)
    limited = Limited({(0, 2): view, (1, 2): view}, np.array([0.1, 0.2, 0.3]), np.array([0.0, 0.1, np.nan]))
    kept = limited.rows(np.array([0, 2]))
    assert list(kept.views) == [(0, 1)]
    assert kept.contradiction.tolist() == [0.1, 0.3]
