"""Discs around the points of a cloud: in the surface, close, and of the points' colours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from da3_stream.splats import initial_splats


def test_discs_lie_in_a_plane_and_close_up() -> None:
    turn = Rotation.from_rotvec([0.4, -0.3, 0.9]).as_matrix()
    x, y = np.meshgrid(np.arange(30) * 0.1, np.arange(20) * 0.1)
    points = np.stack([x.ravel(), y.ravel(), np.zeros(600)], axis=1) @ turn.T
    colours = np.random.default_rng(0).integers(0, 256, (600, 3), np.uint8)
    found = initial_splats(points.astype(np.float32), colours)
    thinnest = Rotation.from_quat(found.rotations, scalar_first=True).apply([1.0, 0, 0])
    np.testing.assert_allclose(np.abs(thinnest @ turn[:, 2]), 1, atol=1e-4)
    assert (found.scales[:, 0] < 0.2 * found.scales[:, 1]).all() and (found.scales[:, 1] == found.scales[:, 2]).all()
    middle = found.scales.reshape(20, 30, 3)[3:-3, 3:-3, 1]
    assert middle.min() > 0.05 and middle.max() < 0.1  # standard deviations, of points 0.1 apart
    seen = 0.5 + found.harmonics[..., 0] * 0.28209479
    np.testing.assert_allclose(255 * seen, colours, atol=1e-3)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_points_are_splats_too(count: int) -> None:
    found = initial_splats(np.eye(3, dtype=np.float32)[:count], np.full((count, 3), 7, np.uint8))
    assert len(found) == count and np.isfinite(found.rotations).all() and (found.scales > 0).all()


def test_points_in_one_place_and_far_from_all_others_keep_bounds() -> None:
    points = np.concatenate([np.random.default_rng(0).uniform(size=(200, 3)), [[50, 0, 0]], np.full((20, 3), 0.5)])
    found = initial_splats(points.astype(np.float32), np.zeros((221, 3), np.uint8))
    usual = np.median(found.scales[:200, 1])
    assert 0 < found.scales[201:, 1].max() < usual and found.scales[200, 1] < 5 * usual
