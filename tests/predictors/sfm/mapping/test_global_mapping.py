"""Mapping finds the cameras and the lens that made the matches, and finds the same bits again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.mapping.global_mapping import map_window
from da3_stream.predictors.sfm.mapping.sparse_model import FreeLens, SparseModel
from da3_stream.predictors.sfm.matching.pairs import verify_chunk
from tests.predictors.sfm.mapping.walks import COUNT, LENS, SIZE, check_poses, pictures, seen_matches


def mapped(true_lens: Lens, believed: Lens, free: FreeLens) -> list[SparseModel]:
    """Project with one lens, verify and map with another."""
    xy, ids = pictures(true_lens)
    views = verify_chunk(dict(enumerate(xy)), seen_matches(ids), believed)
    return map_window(xy, views, believed, SIZE, free)


@pytest.fixture(scope="module")
def plain() -> SparseModel:
    models = mapped(LENS, LENS, FreeLens())
    assert len(models) == 1
    return models[0]


def test_exact_matches_give_the_cameras_to_a_thousandth(plain: SparseModel) -> None:
    assert plain.rows.tolist() == list(range(COUNT))
    assert plain.estimate is None
    check_poses(plain, 1e-3)


def test_what_a_camera_sees_projects_onto_its_key_points(plain: SparseModel) -> None:
    xy, _ = pictures(LENS)
    for i, row in enumerate(plain.rows):
        seen, pose = plain.observations[i], plain.model_from_camera[i]
        assert len(seen) > 50
        inside = (plain.points[seen[:, 1]] - pose[:3, 3]) @ pose[:3, :3]
        places = inside @ LENS.matrix().T
        np.testing.assert_allclose(places[:, :2] / places[:, 2:], xy[row][seen[:, 0]], atol=0.05)


def test_the_same_input_gives_the_same_bits(plain: SparseModel) -> None:
    (again,) = mapped(LENS, LENS, FreeLens())
    np.testing.assert_array_equal(again.model_from_camera, plain.model_from_camera)
    np.testing.assert_array_equal(again.points, plain.points)
    for first, second in zip(again.observations, plain.observations, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.slow
def test_pixels_that_are_not_square_are_understood() -> None:
    stretched = replace(LENS, fy=200.0)
    (model,) = mapped(stretched, stretched, FreeLens())
    check_poses(model, 1e-3)
    estimate = mapped(stretched, stretched, FreeLens(focal=True))[0].estimate
    assert estimate is not None
    assert estimate.lens.fx == pytest.approx(250.0, rel=2e-3)
    assert estimate.lens.fy == pytest.approx(200.0, rel=2e-3)


@pytest.mark.slow
def test_a_distortion_that_is_known_is_taken_away() -> None:
    bent = replace(LENS, k1=-0.15)
    (model,) = mapped(bent, bent, FreeLens())
    check_poses(model, 1e-3)


@pytest.mark.slow
def test_a_free_lens_finds_the_distortion_that_was_put_in() -> None:
    bent = replace(LENS, k1=-0.04)
    model = mapped(bent, LENS, FreeLens(radial=True))[0]
    assert model.estimate is not None
    found = model.estimate.lens
    assert found.shift_px(SIZE) == pytest.approx(bent.shift_px(SIZE), abs=0.1)
    assert found.fx == LENS.fx
    assert model.estimate.focal_sigma == 0.0
    assert model.estimate.corner_sigma_px(SIZE) < 0.5


def test_a_free_lens_finds_the_focal_length_that_was_put_in() -> None:
    model = mapped(LENS, replace(LENS, fx=265.0, fy=265.0), FreeLens(focal=True))[0]
    assert model.estimate is not None
    assert model.estimate.lens.fx == pytest.approx(LENS.fx, rel=2e-3)
    assert model.estimate.lens.fy == pytest.approx(LENS.fy, rel=2e-3)
    assert 0 < model.estimate.focal_sigma < 0.05 * LENS.fx
    assert model.estimate.lens.k1 == 0.0
    check_poses(model, 5e-3)


@pytest.mark.slow
def test_a_free_lens_finds_both_at_once() -> None:
    bent = replace(LENS, k1=-0.04)
    model = mapped(bent, replace(LENS, fx=260.0, fy=260.0), FreeLens(focal=True, radial=True))[0]
    assert model.estimate is not None
    assert model.estimate.lens.fx == pytest.approx(LENS.fx, rel=5e-3)
    assert model.estimate.lens.shift_px(SIZE) == pytest.approx(bent.shift_px(SIZE), abs=0.2)


def test_no_views_give_no_models() -> None:
    xy, _ = pictures(LENS)
    assert map_window(xy, {}, LENS, SIZE, FreeLens()) == []
