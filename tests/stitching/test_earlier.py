"""align_earlier: edges to all windows that share frames, and to no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.stitching import align_earlier, align_windows
from tests.worlds.overlaps import log_error, make_pair


@pytest.mark.slow
def test_every_window_that_shares_frames_gets_an_edge_of_half_the_information() -> None:
    pair = make_pair(1, depth_noise=0.05, pose_noise=2e-4)
    apart = replace(pair.previous, frame_indices=pair.previous.frame_indices + 1000)
    edges = align_earlier([pair.previous, apart, pair.previous], pair.current)
    assert [place for place, _ in edges] == [0, 2]
    plain = align_windows(pair.previous, pair.current)
    assert edges[0][1].information == pytest.approx(plain.information / 2)
    assert np.abs(log_error(edges[0][1].previous_from_current, pair.truth)[3:]).max() < 0.005


def test_key_frames_far_apart_tie_a_window_to_all_that_hold_them() -> None:
    pair = make_pair(2)
    strided = pair.current.rows(np.arange(0, len(pair.current.depth), 4))
    (place, alignment), *others = align_earlier([pair.previous], strided)
    assert (place, others) == (0, [])
    assert alignment.shared.tolist() == [4, 8, 12]
    assert np.abs(log_error(alignment.previous_from_current, pair.truth)).max() < 1e-8


def test_an_edge_that_is_not_sure_is_left_out() -> None:
    pair = make_pair(3, frames=1)
    assert align_earlier([pair.previous], pair.current) == []
