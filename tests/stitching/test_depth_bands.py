"""The test for dependence on depth: it finds a compressed far field and leaves an honest one alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.stitching.depth_bands import consistent_depths
from da3_stream.stitching.overlap import Overlap, find_overlap
from da3_stream.types import WindowGeometry
from tests.worlds.overlaps import Pair, make_pair


def overlap_and_ratios(pair: Pair) -> tuple[Overlap, np.ndarray]:
    overlap = find_overlap(pair.previous, pair.current)
    return overlap, np.log(overlap.previous.depths) - np.log(overlap.current.depths)


def with_far_field(pair: Pair, factor: float) -> Pair:
    depth = pair.current.depth
    far = depth > np.quantile(depth, 0.85)
    return replace(pair, current=replace(pair.current, depth=np.where(far, factor * depth, depth)))


@pytest.mark.parametrize("seed", range(3))
def test_noise_alone_is_no_dependence(seed: int) -> None:
    kept = consistent_depths(*overlap_and_ratios(make_pair(seed, depth_noise=0.1)))
    assert kept.mean() > 0.75


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.92, 1.08])
@pytest.mark.parametrize("depth_noise", [0.0, 0.05])
def test_a_far_field_of_another_scale_is_left_out(depth_noise: float, factor: float) -> None:
    for seed in range(3):
        plain = make_pair(seed, depth_noise=depth_noise)
        overlap, ratios = overlap_and_ratios(with_far_field(plain, factor))
        kept = consistent_depths(overlap, ratios)
        assert 0.5 < kept.mean() < 0.86
        far = overlap.previous.depths > np.quantile(overlap.previous.depths, 0.9)
        assert kept[far].mean() < 0.1
        assert kept[~far].mean() > 0.6


def test_two_frames_are_too_few_to_test() -> None:
    assert consistent_depths(*overlap_and_ratios(with_far_field(make_pair(0, frames=2), 0.9))).all()


def test_frames_of_a_stand_count_once() -> None:
    """Their depth is one frame's, copied: it has no scatter, beside which every band would be off."""
    moving = make_pair(0, frames=2, depth_noise=0.05)
    rows = np.array([0, *[1] * 12])
    previous, current = (stood_after(window, rows) for window in (moving.previous, moving.current))
    pair = replace(moving, previous=previous, current=current)
    assert consistent_depths(*overlap_and_ratios(pair)).all()


def stood_after(window: WindowGeometry, rows: np.ndarray) -> WindowGeometry:
    return replace(window.rows(rows), frame_indices=np.arange(len(rows)))
