"""Pinhole cameras: projecting undoes unprojecting, and the same ray stays the same when images are resized."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.errors import Da3StreamError
from da3_stream.geometry import (
    intrinsics_from_hfov,
    intrinsics_matrix,
    pixel_centres,
    project,
    resize_intrinsics,
    unproject,
)

focal = st.floats(10, 5000)
K = intrinsics_matrix(400.0, 410.0, 320.5, 239.0)


@given(focal, focal, st.floats(0, 640), st.floats(0, 480), st.floats(0.01, 1e4))
def test_projecting_undoes_unprojecting(fx: float, fy: float, cx: float, cy: float, depth: float) -> None:
    k = intrinsics_matrix(fx, fy, cx, cy)
    pixels = pixel_centres(4, 6) * 80
    points = unproject(pixels, np.full((4, 6), depth), k)
    np.testing.assert_allclose(points[..., 2], depth)
    np.testing.assert_allclose(project(points, k), pixels, atol=1e-7)


@given(st.integers(1, 50), st.integers(1, 50))
def test_resizing_keeps_the_rays(width: int, height: int) -> None:
    new = (width * 16, height * 16)
    resized = resize_intrinsics(K, (640, 480), new)
    corner, corner_resized = np.array([640.0, 480.0]), np.array(new, float)
    for share in (0.0, 0.3, 1.0):
        a = unproject(corner * share, 1.0, K)
        np.testing.assert_allclose(unproject(corner_resized * share, 1.0, resized), a, atol=1e-12)


def test_resizing_takes_many_cameras_at_once() -> None:
    many = resize_intrinsics(np.stack([K, 2 * K]), (640, 480), (320, 240))
    np.testing.assert_allclose(many[0], resize_intrinsics(K, (640, 480), (320, 240)))
    assert many.shape == (2, 3, 3)


def test_the_first_pixel_has_its_centre_at_a_half() -> None:
    centres = pixel_centres(3, 5)
    assert centres.shape == (3, 5, 2)
    np.testing.assert_array_equal(centres[0, 0], [0.5, 0.5])
    np.testing.assert_array_equal(centres[2, 4], [4.5, 2.5])


@given(st.floats(1, 179))
def test_the_field_of_view_reaches_from_edge_to_edge(hfov_deg: float) -> None:
    k = intrinsics_from_hfov(hfov_deg, (640, 480))
    left, right = unproject([[0.0, 240.0], [640.0, 240.0]], [1.0, 1.0], k)
    angle = np.arctan2(right[0], right[2]) - np.arctan2(left[0], left[2])
    assert np.degrees(angle) == pytest.approx(hfov_deg)


@pytest.mark.parametrize("hfov_deg", [0.0, -5.0, 180.0, 400.0])
def test_an_impossible_field_of_view_is_refused(hfov_deg: float) -> None:
    with pytest.raises(Da3StreamError, match="between 0 and 180 degrees"):
        intrinsics_from_hfov(hfov_deg, (640, 480))


def test_what_lies_behind_the_camera_has_no_pixel() -> None:
    assert np.isnan(project([[0.0, 0.0, -1.0], [0.0, 0.0, 0.0]], K)).all()
