"""Key frames are near enough to share tracks and far enough to tell something new; few of them are none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.predictors.sfm.matching.keyframes import FEWEST, LEAST_TRACKS, LONGEST, MOVED, keyframe_rows
from da3_stream.predictors.sfm.matching.tracks import TrackedPoints

WIDTH, COUNT, POINTS = 100, 60, 400


def tracked(moves: NDArray[np.float64], lost: int = 0) -> list[TrackedPoints]:
    """Frames whose points move by so many pixels from one to the next, while so many tracks end and others begin."""
    x = np.concatenate([[0.0], np.cumsum(moves)])
    tracks = [np.arange(POINTS) + lost * row for row in range(len(x))]
    return [
        TrackedPoints(np.column_stack([0.1 * track + at, 0.1 * track]).astype(np.float32), track)
        for at, track in zip(x, tracks, strict=True)
    ]


def test_a_slow_camera_gives_one_key_frame_after_so_many_frames() -> None:
    rows = keyframe_rows(tracked(np.full(COUNT - 1, 0.5)), WIDTH)
    assert rows.tolist() == [*range(0, COUNT - 1, LONGEST), COUNT - 1]


def test_a_fast_camera_gives_more() -> None:
    moves = np.full(COUNT - 1, 0.5)
    moves[20:40] = 0.6 * MOVED * WIDTH
    rows = keyframe_rows(tracked(moves), WIDTH)
    assert set(range(21, 40)) <= set(rows.tolist())
    assert len(rows) < COUNT


@pytest.mark.parametrize("lost", [POINTS - LEAST_TRACKS + 1, POINTS])
def test_where_tracks_end_every_frame_is_one(lost: int) -> None:
    assert len(keyframe_rows(tracked(np.full(COUNT - 1, 0.5), lost), WIDTH)) == COUNT


def test_two_key_frames_have_tracks_in_common() -> None:
    frames = tracked(np.full(COUNT - 1, 0.5), lost=140)
    rows = keyframe_rows(frames, WIDTH)
    common = [len(np.intersect1d(frames[a].track, frames[b].track)) for a, b in zip(rows, rows[1:], strict=False)]
    assert min(common) >= LEAST_TRACKS
    assert len(rows) < COUNT


def test_a_window_with_few_is_mapped_whole() -> None:
    count = LONGEST * (FEWEST - 2) + 1
    assert len(keyframe_rows(tracked(np.full(count - 1, 0.5)), WIDTH)) == count
    assert keyframe_rows(tracked(np.zeros(0)), WIDTH).tolist() == [0]


@pytest.mark.parametrize(("count", "gap"), [(120, 5), (56, 5), (51, 4), (45, 4), (40, LONGEST), (34, LONGEST)])
def test_a_short_window_has_closer_ones_than_asked_for(count: int, gap: int) -> None:
    rows = keyframe_rows(tracked(np.full(count - 1, 0.5)), WIDTH, longest=5)
    assert np.diff(rows)[:-1].tolist() == [gap] * (len(rows) - 2) and len(rows) >= FEWEST
