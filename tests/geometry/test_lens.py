"""The lens bends rays as OpenCV's model does, and straightened pictures show points where a pinhole would."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from da3_stream.geometry.lens import Lens, LensEstimate, Straightener

SIZE = (320, 240)
PINHOLE = Lens(300.0, 310.0, 163.0, 118.0)


def rays(count: int, seed: int = 0) -> NDArray[np.float64]:
    """Points [n,3] in front of the camera, all over the picture."""
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(-0.5, 0.5, count), rng.uniform(-0.36, 0.36, count), np.ones(count)])


def projected(points: NDArray[np.float64], lens: Lens) -> NDArray[np.float64]:
    """Where OpenCV sees the points [n,2], with the distortion."""
    coefficients = np.array([lens.k1, 0.0, 0.0, 0.0])
    return cv2.projectPoints(points, np.zeros(3), np.zeros(3), lens.matrix(), coefficients)[0][:, 0]


@given(st.floats(-0.25, 0.25))
def test_undistort_is_the_inverse_of_opencvs_projection(k1: float) -> None:
    lens = replace(PINHOLE, k1=k1)
    points = rays(50)
    found = lens.undistort(projected(points, lens).astype(np.float32))
    np.testing.assert_allclose(found, projected(points, PINHOLE), atol=1e-3)


@given(st.floats(-0.25, 0.25))
def test_the_ray_of_a_pixel_goes_through_what_is_seen_there(k1: float) -> None:
    lens, points = replace(PINHOLE, k1=k1), rays(50)
    found = lens.rays(projected(points, lens).astype(np.float32))
    np.testing.assert_allclose(found, points / np.linalg.norm(points, axis=1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize("k1", [-0.25, 0.2])
def test_the_corners_of_a_wide_lens_are_undistorted_as_well(k1: float) -> None:
    wide = Lens(210.0, 210.0, 160.0, 120.0)  # 75 degrees
    lens = replace(wide, k1=k1)
    corners = np.array([[x * 160 / 210, y * 120 / 210, 1.0] for x in (-1, 0.9, 1) for y in (-1, 0, 1)])
    found = lens.undistort(projected(corners, lens).astype(np.float32))
    np.testing.assert_allclose(found, projected(corners, wide), atol=0.01)


def test_a_lens_without_distortion_leaves_points_where_they_are() -> None:
    xy = projected(rays(20), PINHOLE).astype(np.float32)
    np.testing.assert_array_equal(PINHOLE.undistort(xy), xy)
    assert replace(PINHOLE, k1=-0.1).undistort(np.zeros((0, 2), np.float32)).shape == (0, 2)


def test_a_matrix_becomes_a_lens_and_comes_back() -> None:
    np.testing.assert_array_equal(Lens.from_matrix(PINHOLE.matrix()).matrix(), PINHOLE.matrix())


@given(st.floats(-0.3, 0.3))
def test_the_corners_shift_is_how_far_the_projection_moves_it(k1: float) -> None:
    centred = Lens(300.0, 300.0, 160.0, 120.0)
    lens = replace(centred, k1=k1)
    corner = np.array([[160.0 / 300.0, 120.0 / 300.0, 1.0]])
    moved = np.linalg.norm(projected(corner, lens) - projected(corner, centred))
    assert lens.shift_px(SIZE) == pytest.approx(moved, abs=1e-9)


def test_the_corners_uncertainty_follows_from_that_of_the_distortion() -> None:
    estimate = LensEstimate(PINHOLE, 1.0, 0.02)
    shifts = [replace(PINHOLE, k1=k1).shift_px(SIZE) for k1 in (0.0, 0.02)]
    assert estimate.corner_sigma_px(SIZE) == pytest.approx(shifts[1] - shifts[0])


def spots(xy: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A picture of soft spots whose middles are at the given places (first pixel centre at 0.5)."""
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    light = sum(np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * 2.0**2)) for u, v in xy)
    return np.round(np.clip(light, 0, 1) * 255).astype(np.uint8)


def middle(picture: NDArray[np.uint8], near: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre of light within 8 pixels of a place."""
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    light = picture * ((x - near[0]) ** 2 + (y - near[1]) ** 2 < 64)
    return np.array([(x * light).sum(), (y * light).sum()]) / light.sum()


@pytest.mark.parametrize("k1", [-0.25, 0.2])
def test_a_straightened_picture_shows_points_at_their_pinhole_places(k1: float) -> None:
    grid = np.array([[x, y, 1.0] for x in (-0.38, -0.12, 0.13, 0.37) for y in (-0.28, 0.02, 0.27)])
    lens = replace(PINHOLE, k1=k1)
    straight = Straightener(lens, SIZE)(spots(projected(grid, lens)))
    places = projected(grid, PINHOLE)
    found = np.array([middle(straight, place) for place in places])
    np.testing.assert_allclose(found, places, atol=0.1)


def test_small_distortions_are_left_alone() -> None:
    picture = spots(projected(rays(5), PINHOLE))
    small = replace(PINHOLE, k1=0.2 / PINHOLE.corner_gradient(SIZE))
    assert Straightener(small, SIZE)(picture) is picture
    assert Straightener(PINHOLE, SIZE)(picture) is picture


def test_colours_are_straightened_as_grays_are() -> None:
    lens = replace(PINHOLE, k1=-0.2)
    gray = spots(projected(rays(9), lens))
    straighten = Straightener(lens, SIZE)
    colour = straighten(np.repeat(gray[..., None], 3, axis=2))
    np.testing.assert_array_equal(colour[..., 1], straighten(gray))
