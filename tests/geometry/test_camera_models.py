"""Camera models: equal lenses are equal values; rays come back; nothing is told of what folds."""

from __future__ import annotations

import numpy as np
import pycolmap
import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.errors import Da3StreamError
from da3_stream.geometry.camera_models import COLMAP_MODELS, CameraModel
from da3_stream.geometry.straight_view import straight_maps, straight_view

SIZE = (480, 360)
BROWN = CameraModel.perspective(292, 290, 240, 180, (-0.283, 0.0739, 0.0002, 0.00002))
FOLDING = CameraModel.perspective(292, 292, 240, 180, (-0.28,))
RATIONAL = CameraModel.perspective(292, 292, 240, 180, (8.0, 2.0, 0.0001, -0.0001, 0.1, 8.3, 5.0, 0.6))
FISHEYE = CameraModel.fisheye(250, 251, 240, 180, (0.01, -0.004, 0.001, -0.0002))
WIDE = CameraModel.fisheye(145, 145, 240, 180)
LENSES = (BROWN, FOLDING, RATIONAL, FISHEYE, WIDE)


@pytest.mark.parametrize("lens", LENSES)
@given(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_a_ray_comes_back_from_its_pixel(lens: CameraModel, x: float, y: float) -> None:
    ray = np.array([[x, y]])
    if np.hypot(x, y) < 0.99 * lens.max_radius():
        np.testing.assert_allclose(lens.undistort(lens.project(ray)), ray, atol=1e-8)


@pytest.mark.parametrize("name", COLMAP_MODELS)
def test_models_project_as_colmap_s_do(name: str) -> None:
    values = {"f": 300.0, "fx": 300.0, "fy": 310.0, "cx": 241.0, "cy": 179.0, "k1": -0.1, "k2": 0.02, "p1": 0.001}
    values |= {"p2": -0.002, "k3": 0.003, "k4": -0.01, "k5": 0.02, "k6": 0.001}
    params = tuple(values[key] for key in COLMAP_MODELS[name][1])
    model = CameraModel.from_colmap(name, params)
    theirs = pycolmap.Camera(model=name, width=480, height=360, params=params)
    rays = np.random.default_rng(0).uniform(-0.7, 0.7, (50, 2))
    expected = theirs.img_from_cam(np.c_[rays, np.ones(50)])
    np.testing.assert_allclose(model.project(rays), expected, atol=1e-9)
    np.testing.assert_allclose(CameraModel.from_colmap(model.name, model.params).project(rays), expected, atol=1e-9)


@pytest.mark.parametrize("lens", LENSES)
def test_the_radius_grows_as_far_as_it_is_told(lens: CameraModel) -> None:
    radii = np.linspace(0, lens.max_radius(), 1000)
    assert (np.diff(lens.distorted_radius(radii)) > 0).all()
    assert lens.tangent(float(lens.distorted_radius(np.array([0.5]))[0])) == pytest.approx(0.5, abs=1e-5)
    assert lens.tangent(1e9) == pytest.approx(lens.max_radius())


def test_where_the_polynomial_folds_there_is_no_ray() -> None:
    assert FOLDING.max_radius() < 1 / np.sqrt(3 * 0.28)  # where the slope is 0
    assert np.isnan(FOLDING.undistort(np.array([[2.0, 180.0]]))).all()
    maps = straight_maps(FOLDING, straight_view(FOLDING, SIZE), SIZE)
    assert not maps.valid[[0, 0, -1, -1], [0, -1, 0, -1]].any()


@pytest.mark.parametrize("lens", LENSES)
def test_maps_lead_to_the_pixels_of_the_rays(lens: CameraModel) -> None:
    k = straight_view(lens, SIZE)
    maps = straight_maps(lens, k, SIZE)
    row, column = np.nonzero(maps.valid)
    rays = (np.stack([column, row], axis=1) + 0.5 - k[:2, 2]) / [k[0, 0], k[1, 1]]
    np.testing.assert_allclose(np.stack([maps.x, maps.y], axis=-1)[row, column], lens.project(rays) - 0.5, atol=2e-3)


def test_a_view_is_no_wider_than_is_of_use_and_magnifies_nothing() -> None:
    assert straight_view(WIDE, SIZE)[0, 0] == pytest.approx(145)
    less_wide = CameraModel.fisheye(183, 183, 240, 180)
    assert straight_view(less_wide, SIZE)[0, 0] == pytest.approx(240 / np.tan(np.radians(55)))
    turned = CameraModel.fisheye(183, 183, 180, 240)
    assert straight_view(turned, SIZE[::-1])[1, 1] == pytest.approx(240 / np.tan(np.radians(55)))
    view = straight_view(FISHEYE, SIZE)
    top = FISHEYE.project(np.array([[0.0, -view[1, 2] / view[1, 1]]]))[0]
    assert top[1] == pytest.approx(0.0, abs=0.01) and 180 < view[0, 0] < 250
    assert straight_view(WIDE, SIZE, 60.0)[0, 0] == pytest.approx(240 / np.tan(np.radians(30)))


def test_what_is_not_held_is_refused_by_name() -> None:
    with pytest.raises(Da3StreamError, match="the camera model FOV is not known here: SIMPLE_PINHOLE, "):
        CameraModel.from_colmap("FOV", (1.0,) * 5)
    with pytest.raises(Da3StreamError, match="OPENCV has 8 parameters, not 4"):
        CameraModel.from_colmap("OPENCV", (1.0,) * 4)
    with pytest.raises(Da3StreamError, match="at most 4 coefficients"):
        CameraModel.fisheye(1, 1, 1, 1, (0.0,) * 5)
