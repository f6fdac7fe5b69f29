"""Coloured points: discs of the size that was asked for, the nearest in front."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from da3_stream.errors import RenderingError
from da3_stream.geometry import intrinsics_matrix, pixel_centres
from da3_stream.rendering import discs, render_points

K, SIZE = intrinsics_matrix(20, 20, 8, 6), (20, 12)


def _drawn(points: Any, colours: Any = None, **options: Any) -> Any:
    points = np.array(points, float).reshape(-1, 3)
    colours = np.tile(np.array([[255, 0, 51]], np.uint8), (len(points), 1)) if colours is None else np.array(colours)
    return render_points(points, colours, np.eye(4), K, SIZE, **options)


@pytest.mark.parametrize("diameter", [0.1, 1, 2, 3, 5, 9.5])
def test_a_disc_covers_the_centres_within_it_and_its_own_pixel(diameter: float) -> None:
    found = _drawn([[0.06, 0.11, 2]], diameter_px=diameter)
    away = pixel_centres(12, 20) - [8.6, 7.1]
    expected = (np.hypot(*away.transpose(2, 0, 1)) <= diameter / 2) | (np.abs(away - [-0.1, 0.4]) < 0.01).all(axis=2)
    np.testing.assert_array_equal(found.alpha, expected)
    np.testing.assert_allclose(found.colour[expected], np.tile([[1, 0, 0.2]], (expected.sum(), 1)), rtol=1e-6)
    np.testing.assert_array_equal(found.depth, np.where(expected, np.float32(2), 0))


def test_the_nearest_is_seen_whatever_the_order() -> None:
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(-0.02, 0.02, (30, 2)), rng.permutation(30) + 2.0])
    shades = rng.uniform(0, 1, (30, 3))
    found = _drawn(points, shades, diameter_px=3)
    np.testing.assert_allclose(found.colour[6, 8], shades[points[:, 2].argmin()], rtol=1e-6)
    assert found.depth[6, 8] == 2


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    points = np.column_stack([rng.uniform(-1, 1, (200, 2)), rng.uniform(0.005, 4, 200)])
    shades = rng.integers(0, 256, (200, 3), np.uint8)
    whole = _drawn(points, shades, spacing=0.1, background=(0, 0, 1))
    monkeypatch.setattr(discs, "AT_ONCE", 17)
    parts = _drawn(points, shades, spacing=0.1, background=(0, 0, 1))
    for name, values in vars(whole).items():
        np.testing.assert_array_equal(values, getattr(parts, name))


def test_spacing_makes_near_points_larger() -> None:
    near, far = (_drawn([[0, 0, z]], diameter_px=1, spacing=0.5).alpha.sum() for z in (1.5, 6))
    assert near > 30 and far == 4  # of diameters 6.7 and 1.7 pixels, on a corner of four pixels


def test_a_point_before_the_lens_is_of_bounded_size() -> None:
    found = _drawn([[0, 0, 0.02]], spacing=1e9)
    assert found.alpha.all()


def test_points_that_are_none_are_not_drawn() -> None:
    none = [[0, 0, -1], [0, 0, 0], [0, 0, 0.009], [np.nan, 0, 2], [0, 0, np.inf], [0, np.inf, 2], [99, 0, 2]]
    for points in (none, []):
        found = _drawn(points, background=(0.25, 0.5, 1))
        assert not found.alpha.any() and not found.depth.any()
        np.testing.assert_array_equal(found.colour, np.broadcast_to(np.float32([0.25, 0.5, 1]), (12, 20, 3)))


def test_what_is_no_cloud_is_refused() -> None:
    with pytest.raises(RenderingError, match="both"):
        render_points(np.zeros((3, 3)), np.zeros((2, 3)), np.eye(4), K, SIZE)
    with pytest.raises(RenderingError, match="above 0"):
        _drawn([[0, 0, 1]], diameter_px=0)
